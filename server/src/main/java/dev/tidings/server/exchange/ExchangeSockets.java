// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.ops.ExchangeMetrics;
import dev.tidings.server.ops.SubscriptionMetrics;
import dev.tidings.server.socket.ClientSocket;
import dev.tidings.server.socket.SocketFrontEnd;
import dev.tidings.server.socket.SocketSession;
import dev.tidings.server.wire.Delivery;
import dev.tidings.server.wire.EventLoop;

/// What the exchange sockets of one event loop share.
public final class ExchangeSockets implements SocketFrontEnd {
  private final Services services;
  private final EventLoop loop;
  private final Delivery delivery;

  /// What they are built from; shared by all event loops.
  ///
  /// @param node the core
  /// @param metrics counts sockets and what they are given
  /// @param leases counts what is leased
  /// @param time the clock
  /// @param maxQueues queues that one socket may be subscribed to
  /// @param ackDeadlineMs how long a lease lasts where the queue does not say, milliseconds
  public record Services(
      Node node,
      ExchangeMetrics metrics,
      SubscriptionMetrics leases,
      TimeSource time,
      int maxQueues,
      long ackDeadlineMs) {}

  /// Those on `loop`.
  public ExchangeSockets(Services services, EventLoop loop) {
    this.services = services;
    this.loop = loop;
    this.delivery =
        new Delivery(
            loop, ExchangeFrames.MESSAGE, (_, count) -> services.metrics().delivered(count));
  }

  @Override
  public SocketSession join(ClientSocket socket) {
    services.metrics().socketOpened();
    return new ExchangeSocket(this, socket);
  }

  Services services() {
    return services;
  }

  Directory directory() {
    return services.node().directory();
  }

  ExchangeMetrics metrics() {
    return services.metrics();
  }

  EventLoop loop() {
    return loop;
  }

  Delivery delivery() {
    return delivery;
  }
}
