// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Scopes;
import dev.tidings.server.wire.Call;
import io.vertx.core.http.HttpHeaders;
import java.util.Optional;
import java.util.UUID;

/// Knows whom another authenticator knows, and lets calls without a token act as a client that may
/// do everything. A token that is sent is checked all the same.
public final class AnonymousAuthenticator implements Authenticator {
  private static final Caller ANYBODY =
      new Caller(
          new Client(new UUID(0, 0).toString(), "anonymous", Scopes.of("*"), "", true, 1, 0, 0),
          Long.MAX_VALUE,
          Optional.empty());

  private final Authenticator known;

  /// Whom `known` knows, and anybody.
  public AnonymousAuthenticator(Authenticator known) {
    this.known = known;
  }

  @Override
  public Result ofRequest(Call call) {
    Result result = known.ofRequest(call);
    boolean sentNothing = !call.request().headers().contains(HttpHeaders.AUTHORIZATION);
    return sentNothing && !(result instanceof Caller) ? ANYBODY : result;
  }

  @Override
  public Result ofToken(String token) {
    return known.ofToken(token);
  }

  @Override
  public Result now(Caller caller) {
    return caller.principal().id().equals(ANYBODY.principal().id()) ? caller : known.now(caller);
  }
}
