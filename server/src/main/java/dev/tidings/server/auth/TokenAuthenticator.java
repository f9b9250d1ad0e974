// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.server.wire.Exchange;
import io.vertx.core.http.HttpHeaders;
import java.util.Optional;

/// Knows callers by their access tokens. Permissions come from the stored user, not from the token.
public final class TokenAuthenticator implements Authenticator {
  private static final String BEARER = "bearer ";

  private final Tokens tokens;
  private final Directory directory;
  private final Optional<String> anonymousUsername;

  /// Calls without a token come from `anonymousUsername` if there is one, and are refused
  /// otherwise.
  public TokenAuthenticator(
      Tokens tokens, Directory directory, Optional<String> anonymousUsername) {
    this.tokens = tokens;
    this.directory = directory;
    this.anonymousUsername = anonymousUsername;
  }

  @Override
  public Result ofRequest(Exchange exchange) {
    String header = exchange.header(HttpHeaders.AUTHORIZATION);
    if (!exchange.request().headers().contains(HttpHeaders.AUTHORIZATION)) {
      return withoutToken();
    }
    if (!header.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return new Unknown("Not authenticated");
    }
    return ofToken(header.substring(BEARER.length()).strip());
  }

  private Result withoutToken() {
    return anonymousUsername
        .flatMap(directory::userByName)
        .map(user -> callerOrBarred(user, Long.MAX_VALUE, Optional.empty()))
        .orElseGet(() -> new Unknown("Not authenticated"));
  }

  private static Result callerOrBarred(User user, long expiresAt, Optional<String> loginId) {
    return user.active() ? new Caller(user, expiresAt, loginId) : new Barred("User is inactive");
  }

  @Override
  public Result ofToken(String token) {
    Optional<Tokens.Verified> verified = tokens.verify(token);
    if (verified.isEmpty()) {
      return new Unknown("Invalid or expired token");
    }
    return stored(
        verified.get().userId(),
        verified.get().expiresAt(),
        verified.get().loginId(),
        verified.get().version());
  }

  @Override
  public Result now(Caller caller) {
    return stored(
        caller.user().id(), caller.expiresAt(), caller.loginId(), caller.user().tokenVersion());
  }

  private Result stored(String userId, long expiresAt, Optional<String> loginId, int tokenVersion) {
    Optional<User> user = directory.userById(userId);
    if (user.isEmpty()) {
      return new Unknown("User not found");
    }
    // A login that is not known was forgotten or is over: then its tokens end by themselves, or
    // with all others of the user.
    boolean isRevoked =
        loginId.flatMap(directory::login).filter(Login::isRevoked).isPresent()
            || tokenVersion != user.get().tokenVersion();
    return isRevoked
        ? new Unknown("Token has been revoked")
        : callerOrBarred(user.get(), expiresAt, loginId);
  }
}
