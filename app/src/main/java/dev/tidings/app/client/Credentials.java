// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import dev.tidings.app.config.Secret;

/// What a client shows to be let in.
public sealed interface Credentials {
  /// An access token made elsewhere; it cannot be renewed here.
  record Token(Secret token) implements Credentials {}

  /// A user, from whom a token is made by logging in.
  record Login(String user, Secret password) implements Credentials {}
}
