// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.server.wire.Call;
import io.vertx.core.http.HttpHeaders;

/// The tokens of requests that a browser can send without headers of its own: besides the header
/// `Authorization`, the token may be a parameter or lie in the list of subprotocols.
public final class BrowserTokens {
  private static final String PARAMETER = "token";

  private BrowserTokens() {}

  /// Who sent the request.
  public static Authenticator.Result callerOf(Authenticator authenticator, Call call) {
    String parameter = call.request().getParam(PARAMETER);
    if (parameter != null) {
      // Also an empty one: it was sent, so it is checked.
      return authenticator.ofToken(parameter);
    }
    String token = bearerProtocolToken(call);
    return token.isEmpty() ? authenticator.ofRequest(call) : authenticator.ofToken(token);
  }

  /// Whether the request has a token, good or bad.
  public static boolean isSent(Call call) {
    return call.request().getParam(PARAMETER) != null
        || !bearerProtocolToken(call).isEmpty()
        || call.request().headers().contains(HttpHeaders.AUTHORIZATION);
  }

  /// The token in a list of subprotocols such as `bearer, bearer.<token>`.
  private static String bearerProtocolToken(Call call) {
    for (String protocol : call.header("sec-websocket-protocol").split(",", -1)) {
      if (protocol.strip().startsWith("bearer.")) {
        return protocol.strip().substring("bearer.".length());
      }
    }
    return "";
  }
}
