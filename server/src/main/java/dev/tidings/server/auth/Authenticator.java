// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.User;
import dev.tidings.server.wire.Call;
import java.util.Optional;

/// Says who is calling.
public interface Authenticator {

  /// Who a call comes from.
  sealed interface Result {}

  /// A user or client who may act.
  ///
  /// @param principal as stored
  /// @param expiresAt when the token ends, in milliseconds since 1970; never for calls without one
  /// @param loginId the login that the token belongs to; empty for calls without a token, for
  ///   tokens that belong to none and for those of clients
  record Caller(Principal principal, long expiresAt, Optional<String> loginId) implements Result {}

  /// Nobody we know: 401.
  ///
  /// @param reason why not
  record Unknown(Reason reason) implements Result {
    /// The text of the relay's contract.
    public String detail() {
      return reason.detail();
    }
  }

  /// A user who may not act: 403.
  ///
  /// @param reason why not
  record Barred(Reason reason) implements Result {
    /// The text of the relay's contract.
    public String detail() {
      return reason.detail();
    }
  }

  /// Why somebody may not act, with the text of the relay's contract. The pubsub API has texts of
  /// its own.
  enum Reason {
    NO_TOKEN("Not authenticated"),
    BAD_TOKEN("Invalid or expired token"),
    TOKEN_REVOKED("Token has been revoked"),
    USER_MISSING("User not found"),
    USER_INACTIVE("User is inactive"),
    CLIENT_MISSING("Client not found"),
    CLIENT_DISABLED("Client disabled");

    private final String detail;

    Reason(String detail) {
      this.detail = detail;
    }

    /// The text of the relay's contract.
    public String detail() {
      return detail;
    }
  }

  /// Who sent the request, by its `Authorization` header.
  Result ofRequest(Call call);

  /// Who `token` was issued to.
  Result ofToken(String token);

  /// What `caller` is by now: the user or client as stored at this moment, or why it may not act
  /// any more. Whether its token has ended since, the session looks after itself.
  Result now(Caller caller);

  /// For a door that only the operator can reach: every call is `operator`'s.
  static Authenticator trusting(User operator) {
    Result caller = new Caller(operator, Long.MAX_VALUE, Optional.empty());
    return new Authenticator() {
      @Override
      public Result ofRequest(Call call) {
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
