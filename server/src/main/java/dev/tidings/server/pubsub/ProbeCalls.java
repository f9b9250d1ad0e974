// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.runtime.Node;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;

/// Liveness and readiness in the words of the pubsub API (API of fastpubsub); neither needs a
/// token.
final class ProbeCalls {
  private final Node node;

  ProbeCalls(Node node) {
    this.node = node;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, "/liveness", exchange -> answer(exchange, "alive"));
    routes.add(HttpMethod.GET, "/readiness", this::ready);
  }

  private void ready(Exchange exchange) {
    if (node.lane().status().accepting()) {
      answer(exchange, "ready");
    } else {
      exchange.detail(503, "database is down");
    }
  }

  private static void answer(Exchange exchange, String status) {
    exchange.json(200, new JsonOut(32).raw("{\"status\":").string(status).raw("}"));
  }
}
