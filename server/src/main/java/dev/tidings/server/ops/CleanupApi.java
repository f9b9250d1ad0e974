// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;

/// Cleaning up at once what is cleaned up every so often anyway; for the administrator's socket.
public final class CleanupApi {
  private final Node node;
  private final TimeSource time;

  /// Cleaning up of `node`.
  public CleanupApi(Node node, TimeSource time) {
    this.node = node;
    this.time = time;
  }

  /// Adds its route.
  public void route(Routes routes) {
    routes.add(HttpMethod.POST, "/admin/cleanup", this::cleanUp);
  }

  /// Ends the leases whose deadline has passed; answered with 204 when that is on its way.
  private void cleanUp(Call call) {
    node.tend(time, call.loop());
    call.empty(204);
  }
}
