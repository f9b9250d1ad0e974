// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.server.wire.ErrorShape;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.time.Duration;

/// The streams API on one event loop (API of iPubSub): its routes, and what its calls share.
public final class StreamsApi {

  /// Bounds of the API.
  ///
  /// @param anonymous whether calls without a token may do everything
  /// @param maxSize messages that a stream may be made for
  /// @param maxTimeout how long a sender or receiver may wait
  /// @param maxTtl how long a stored message may be kept
  /// @param maxWaiters calls that wait at once
  /// @param maxWaitersPerUser calls of one user or client that wait at once
  public record Settings(
      boolean anonymous,
      int maxSize,
      Duration maxTimeout,
      Duration maxTtl,
      int maxWaiters,
      int maxWaitersPerUser) {}

  /// Adds its routes.
  public void route(Routes routes) {
    routes.telling(ErrorShape.BRIEF, () -> routes.add(HttpMethod.GET, "/", StreamsApi::hello));
  }

  /// What clients of iPubSub look for to see whom they speak to.
  private static void hello(Exchange exchange) {
    exchange.json(200, new JsonOut(48).raw("{\"hello\":\"This is the iPubSub service\"}"));
  }
}
