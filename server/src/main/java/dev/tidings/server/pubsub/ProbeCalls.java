// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.runtime.Node;
import dev.tidings.server.wire.Call;
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
    routes.add(HttpMethod.GET, "/liveness", call -> answer(call, "alive"));
    routes.add(HttpMethod.GET, "/readiness", this::ready);
  }

  private void ready(Call call) {
    if (node.lane().status().accepting()) {
      answer(call, "ready");
    } else {
      call.detail(503, "database is down");
    }
  }

  private static void answer(Call call, String status) {
    call.json(200, new JsonOut(32).raw("{\"status\":").string(status).raw("}"));
  }
}
