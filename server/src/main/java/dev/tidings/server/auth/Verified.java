// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import java.util.Optional;

/// What a good access token says.
sealed interface Verified {

  /// When it ends, in milliseconds since 1970.
  long expiresAt();

  /// A token of a user.
  ///
  /// @param userId whose it is
  /// @param loginId the login it belongs to; empty if it belongs to none
  /// @param version that of the user's tokens when it was issued
  record OfUser(String userId, long expiresAt, Optional<String> loginId, int version)
      implements Verified {}

  /// A token of a client.
  ///
  /// @param clientId whose it is
  /// @param version that of the client's tokens when it was issued
  record OfClient(String clientId, long expiresAt, int version) implements Verified {}
}
