// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// What web pages of other sites may do: those of the listed origins may call and read the answers
/// (CORS) and open WebSockets. Credentials of the browser are not used: tokens are sent by the
/// page.
///
/// Without a list nothing is said of origins and none is checked. Clients that are no browsers send
/// none, and pass.
final class Origins implements Routes.Guard {
  private static final String METHODS = "GET, POST, PUT, PATCH, DELETE";
  private static final String REQUEST_HEADERS =
      "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-ID";
  private static final String ANSWER_HEADERS =
      "X-Request-ID, X-Lease-ID, Link, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining,"
          + " X-RateLimit-Reset";

  /// Seconds a browser may go by the answer to a preflight.
  private static final String MAX_AGE_S = "600";

  private final Set<String> allowed;
  private final boolean any;

  /// Allows the origins of `list`; an empty one means that origins are no matter here.
  Origins(List<Origin> list) {
    this.allowed = list.stream().map(Origin::text).collect(Collectors.toUnmodifiableSet());
    this.any = list.stream().anyMatch(Origin::isAny);
  }

  private boolean areListed() {
    return !allowed.isEmpty();
  }

  private boolean allows(String origin) {
    return any || allowed.contains(origin.toLowerCase(Locale.ROOT));
  }

  /// Browsers ask nobody before they open a WebSocket to another site: only the server can refuse.
  @Override
  public Optional<Refused> refuse(HttpServerRequest request) {
    if (areListed()) {
      String origin = request.headers().get(HttpHeaders.ORIGIN);
      if (origin != null && !allows(origin) && request.canUpgradeToWebSocket()) {
        return Optional.of(
            new Refused(
                403,
                "Origin '"
                    + Text.cut(origin, 100)
                    + "' may not open WebSockets here (expected: one"
                    + " of server.allowed-origins)"));
      }
    }
    return Optional.empty();
  }

  /// Whether a browser asks on behalf of a page what the page may do.
  boolean isPreflight(HttpServerRequest request) {
    return areListed()
        && request.method().equals(HttpMethod.OPTIONS)
        && request.headers().contains(HttpHeaders.ORIGIN)
        && request.headers().contains(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD);
  }

  /// Answers a preflight; the texts of a refusal are those of the relay.
  void answerPreflight(Call call) {
    tell(call.request());
    if (!allows(call.header(HttpHeaders.ORIGIN))) {
      call.detail(400, "Disallowed CORS origin");
      return;
    }
    call.with(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .with(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
        .with(HttpHeaders.ACCESS_CONTROL_MAX_AGE, MAX_AGE_S)
        .empty(204);
  }

  /// Puts into the coming answer who may read it.
  void tell(HttpServerRequest request) {
    if (!areListed()) {
      return;
    }
    MultiMap answer = request.response().headers();
    if (!any) {
      // Caches must keep apart what is answered to different origins, none among them.
      answer.set(HttpHeaders.VARY, HttpHeaders.ORIGIN);
    }
    String origin = request.headers().get(HttpHeaders.ORIGIN);
    if (origin != null && allows(origin)) {
      answer.set(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, any ? "*" : origin);
      answer.set(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    }
  }
}
