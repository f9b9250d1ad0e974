// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

/// What a user may do everywhere; which topics it may do it on, the access policy says.
public enum Permission {
  /// Everything; implies the other two.
  ADMIN,
  /// Receive messages.
  READ,
  /// Publish messages and create topics.
  WRITE
}
