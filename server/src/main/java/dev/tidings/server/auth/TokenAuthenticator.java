// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.wire.Call;
import io.vertx.core.http.HttpHeaders;
import java.util.Optional;

/// Knows callers by their access tokens, those of users and those of clients. What they may do
/// comes from the stored user or client, not from the token.
///
/// Verified tokens are cached, since checking a signature costs more than the rest of a publish;
/// the expiry is checked each time.
public final class TokenAuthenticator implements Authenticator {
  private static final String BEARER = "bearer ";
  private static final int CACHED = 10_000;

  private final Tokens ofUsers;
  private final ClientTokens ofClients;
  private final Directory directory;
  private final TimeSource time;
  private final Optional<String> anonymousUsername;
  private final Cache<String, Verified> verified =
      Caffeine.newBuilder().maximumSize(CACHED).executor(Runnable::run).build();

  /// Calls without a token come from `anonymousUsername` if there is one, and are refused
  /// otherwise.
  public TokenAuthenticator(
      Tokens ofUsers,
      ClientTokens ofClients,
      Directory directory,
      TimeSource time,
      Optional<String> anonymousUsername) {
    this.ofUsers = ofUsers;
    this.ofClients = ofClients;
    this.directory = directory;
    this.time = time;
    this.anonymousUsername = anonymousUsername;
  }

  @Override
  public Result ofRequest(Call call) {
    String header = call.header(HttpHeaders.AUTHORIZATION);
    if (!call.request().headers().contains(HttpHeaders.AUTHORIZATION)) {
      return withoutToken();
    }
    if (!header.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return new Unknown(Reason.NO_TOKEN);
    }
    return ofToken(header.substring(BEARER.length()).strip());
  }

  private Result withoutToken() {
    return anonymousUsername
        .flatMap(directory::userByName)
        .map(user -> callerOrBarred(user, Long.MAX_VALUE, Optional.empty()))
        .orElseGet(() -> new Unknown(Reason.NO_TOKEN));
  }

  private static Result callerOrBarred(User user, long expiresAt, Optional<String> loginId) {
    return user.active() ? new Caller(user, expiresAt, loginId) : new Barred(Reason.USER_INACTIVE);
  }

  @Override
  public Result ofToken(String token) {
    return verify(token)
        .filter(it -> it.expiresAt() > time.wallMs())
        .map(this::stored)
        .orElseGet(() -> new Unknown(Reason.BAD_TOKEN));
  }

  /// The keys differ, so a token that one of them has signed is of that kind.
  private Optional<Verified> verify(String token) {
    Verified known = verified.getIfPresent(token);
    if (known != null) {
      return Optional.of(known);
    }
    Optional<Verified> anew = ofUsers.read(token).or(() -> ofClients.read(token));
    anew.ifPresent(it -> verified.put(token, it));
    return anew;
  }

  @Override
  public Result now(Caller caller) {
    return switch (caller.principal()) {
      case User user ->
          stored(user.id(), caller.expiresAt(), caller.loginId(), user.tokenVersion());
      case Client client -> stored(client.id(), caller.expiresAt(), client.tokenVersion());
    };
  }

  private Result stored(Verified token) {
    return switch (token) {
      case Verified.OfUser it -> stored(it.userId(), it.expiresAt(), it.loginId(), it.version());
      case Verified.OfClient it -> stored(it.clientId(), it.expiresAt(), it.version());
    };
  }

  private Result stored(String userId, long expiresAt, Optional<String> loginId, int tokenVersion) {
    Optional<User> user = directory.userById(userId);
    if (user.isEmpty()) {
      return new Unknown(Reason.USER_MISSING);
    }
    // A login that is not known was forgotten or is over: then its tokens end by themselves, or
    // with all others of the user.
    boolean isRevoked =
        loginId.flatMap(directory::login).filter(Login::isRevoked).isPresent()
            || tokenVersion != user.get().tokenVersion();
    return isRevoked
        ? new Unknown(Reason.TOKEN_REVOKED)
        : callerOrBarred(user.get(), expiresAt, loginId);
  }

  private Result stored(String clientId, long expiresAt, int tokenVersion) {
    Optional<Client> client = directory.client(clientId);
    if (client.isEmpty()) {
      return new Unknown(Reason.CLIENT_MISSING);
    }
    if (!client.get().active()) {
      return new Unknown(Reason.CLIENT_DISABLED);
    }
    return tokenVersion == client.get().tokenVersion()
        ? new Caller(client.get(), expiresAt, Optional.empty())
        : new Unknown(Reason.TOKEN_REVOKED);
  }
}
