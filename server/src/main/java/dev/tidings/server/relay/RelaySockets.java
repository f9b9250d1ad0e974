// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.ops.RelayMetrics.DeliveryType;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.socket.ClientSocket;
import dev.tidings.server.socket.SocketFrontEnd;
import dev.tidings.server.socket.SocketSession;
import dev.tidings.server.wire.Delivery;
import dev.tidings.server.wire.EventLoop;
import java.security.SecureRandom;

/// What the relay's WebSockets of one event loop share.
final class RelaySockets implements SocketFrontEnd {
  private final EventLoop loop;
  private final Services services;
  private final Publisher publisher;
  private final Delivery delivery;

  RelaySockets(EventLoop loop, Services services, Publisher publisher) {
    this.loop = loop;
    this.services = services;
    this.publisher = publisher;
    this.delivery =
        new Delivery(
            loop,
            RelayFrames.MESSAGE,
            (topic, count) -> metrics().delivered(topic, DeliveryType.WEBSOCKET, count));
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

  @Override
  public SocketSession join(ClientSocket socket) {
    return new RelaySocket(this, socket);
  }
}
