// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

/// Who can act: a user or a client. What it may do, the access policy says.
public sealed interface Principal permits User, Client {

  /// A UUID that is never reused, not by the other kind either.
  String id();

  /// What people call it.
  String displayName();

  /// Whether it may act.
  boolean active();

  /// How often all of its tokens have been ended: those of an earlier version count no more.
  int tokenVersion();
}
