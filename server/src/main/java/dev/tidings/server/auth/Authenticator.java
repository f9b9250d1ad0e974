// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.core.directory.User;
import dev.tidings.server.wire.Exchange;
import java.util.Optional;

/// Says who is calling.
public interface Authenticator {

  /// Who a call comes from.
  sealed interface Result {}

  /// A user who may act.
  ///
  /// @param user as stored
  /// @param expiresAt when the token ends, in milliseconds since 1970; never for calls without one
  /// @param loginId the login that the token belongs to; empty for calls without a token and for
  ///   tokens that belong to none
  record Caller(User user, long expiresAt, Optional<String> loginId) implements Result {}

  /// Nobody we know: 401.
  ///
  /// @param detail the text of the contract
  record Unknown(String detail) implements Result {}

  /// A user who may not act: 403.
  ///
  /// @param detail the text of the contract
  record Barred(String detail) implements Result {}

  /// Who sent the request, by its `Authorization` header.
  Result ofRequest(Exchange exchange);

  /// Who `token` was issued to.
  Result ofToken(String token);

  /// What `caller` is by now: the user as stored at this moment, or why it may not act any more.
  /// Whether its token has ended since, the session looks after itself.
  Result now(Caller caller);

  /// For a door that only the operator can reach: every call is `operator`'s.
  static Authenticator trusting(User operator) {
    Result caller = new Caller(operator, Long.MAX_VALUE, Optional.empty());
    return new Authenticator() {
      @Override
      public Result ofRequest(Exchange exchange) {
        return caller;
      }

      @Override
      public Result ofToken(String token) {
        return caller;
      }

      @Override
      public Result now(Caller known) {
        return known;
      }
    };
  }
}
