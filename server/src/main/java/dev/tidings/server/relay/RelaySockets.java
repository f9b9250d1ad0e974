// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.ops.RelayMetrics.DeliveryType;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.EventLoop;
import io.vertx.core.http.ServerWebSocket;
import java.security.SecureRandom;

/// The relay's WebSockets of one event loop, with one timer for all of them.
final class RelaySockets {
  private static final long TICK_MS = 1000;

  private final EventLoop loop;
  private final Services services;
  private final Publisher publisher;
  private final Delivery delivery;
  private final OpenSessions<RelaySocket> open = new OpenSessions<>();

  RelaySockets(EventLoop loop, Services services, Publisher publisher) {
    this.loop = loop;
    this.services = services;
    this.publisher = publisher;
    this.delivery =
        new Delivery(loop, RelayFrames.MESSAGE, services.metrics(), DeliveryType.WEBSOCKET);
    loop.context().setPeriodic(TICK_MS, _ -> tick());
  }

  EventLoop loop() {
    return loop;
  }

  RelayApi.Settings settings() {
    return services.settings();
  }

  Directory directory() {
    return services.directory();
  }

  Authenticator authenticator() {
    return services.authenticator();
  }

  TimeSource time() {
    return services.time();
  }

  RelayMetrics metrics() {
    return services.metrics();
  }

  SecureRandom random() {
    return services.random();
  }

  Node node() {
    return services.node();
  }

  Publisher publisher() {
    return publisher;
  }

  Delivery delivery() {
    return delivery;
  }

  /// Takes in a socket of `caller`, who has been counted as one of its connections; its log lines
  /// carry the id of the request that opened it.
  void joined(ServerWebSocket socket, Authenticator.Caller caller, String requestId) {
    RelaySocket joined = new RelaySocket(this, socket, caller, requestId);
    open.add(joined);
    metrics().socketOpened();
    joined.start();
    // The caller's rights may have ended while the connection was being upgraded.
    joined.recheck();
  }

  /// Forgets a socket.
  void left(RelaySocket socket) {
    if (open.remove(socket)) {
      metrics().socketClosed();
      services.connections().leave(socket.principalId());
    }
  }

  private void tick() {
    long nowNs = time().monotonicNs();
    long nowMs = time().wallMs();
    for (RelaySocket socket : open.all()) {
      socket.tick(nowNs, nowMs);
    }
  }

  OpenSessions<RelaySocket> open() {
    return open;
  }
}
