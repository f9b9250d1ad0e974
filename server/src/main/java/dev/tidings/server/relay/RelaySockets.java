// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.ops.RelayMetrics.DeliveryType;
import dev.tidings.server.wire.EventLoop;
import io.vertx.core.http.ServerWebSocket;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// The relay's WebSockets of one event loop, with one timer for all of them.
final class RelaySockets {
  private static final long TICK_MS = 1000;

  private final EventLoop loop;
  private final Settings settings;
  private final Directory directory;
  private final Authenticator authenticator;
  private final TimeSource time;
  private final RelayMetrics metrics;
  private final SecureRandom random;
  private final Publisher publisher;
  private final Node node;
  private final UserConnections connections;
  private final Delivery delivery;
  private final Set<RelaySocket> open = new LinkedHashSet<>();

  /// The bounds of a socket.
  ///
  /// @param pingInterval between pings of a quiet socket; one that is quiet twice as long is closed
  /// @param firstFrameTimeout within which a socket has to subscribe
  /// @param maxTopics in one subscribe
  /// @param sendBuffer bytes that may wait in a socket before it is left alone until it drains
  /// @param maxPublishing messages of one socket that may be on their way to the store; at the
  ///   bound it is not listened to
  record Settings(
      Duration pingInterval,
      Duration firstFrameTimeout,
      int maxTopics,
      int sendBuffer,
      int maxPublishing) {}

  RelaySockets(
      EventLoop loop,
      Settings settings,
      Directory directory,
      Authenticator authenticator,
      TimeSource time,
      RelayMetrics metrics,
      SecureRandom random,
      Publisher publisher,
      Node node,
      UserConnections connections) {
    this.loop = loop;
    this.settings = settings;
    this.directory = directory;
    this.authenticator = authenticator;
    this.time = time;
    this.metrics = metrics;
    this.random = random;
    this.publisher = publisher;
    this.node = node;
    this.connections = connections;
    this.delivery = new Delivery(loop, RelayFrames.MESSAGE, metrics, DeliveryType.WEBSOCKET);
    loop.context().setPeriodic(TICK_MS, _ -> tick());
  }

  EventLoop loop() {
    return loop;
  }

  Settings settings() {
    return settings;
  }

  Directory directory() {
    return directory;
  }

  Authenticator authenticator() {
    return authenticator;
  }

  TimeSource time() {
    return time;
  }

  RelayMetrics metrics() {
    return metrics;
  }

  SecureRandom random() {
    return random;
  }

  Node node() {
    return node;
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
    metrics.socketOpened();
    joined.start();
    // The caller's rights may have ended while the connection was being upgraded.
    joined.recheck();
  }

  /// Forgets a socket.
  void left(RelaySocket socket) {
    if (open.remove(socket)) {
      metrics.socketClosed();
      connections.leave(socket.userId());
    }
  }

  private void tick() {
    long nowNs = time.monotonicNs();
    long nowMs = time.wallMs();
    for (RelaySocket socket : List.copyOf(open)) {
      socket.tick(nowNs, nowMs);
    }
  }

  /// Looks at the user's sockets again, since what it may do has changed.
  void recheck(String userId) {
    for (RelaySocket socket : List.copyOf(open)) {
      if (socket.userId().equals(userId)) {
        socket.recheck();
      }
    }
  }

  /// Closes all sockets because the server stops.
  void goAway() {
    List.copyOf(open).forEach(RelaySocket::goAway);
  }
}
