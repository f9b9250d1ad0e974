// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.exchange.ExchangePublisher.Routed;
import dev.tidings.core.runtime.Node;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/// What exchanges and queues there are, and where what is published to exchanges goes.
public final class ExchangeMetrics {
  private static final String PREFIX = "tidings_exchange_";

  private final PrometheusRegistry registry;
  private final Counter published;
  private final Counter routed;
  private final Counter unrouted;
  private final Counter dropped;
  private final Counter refused;
  private final Counter delivered;
  private final Counter gaps;
  private final Gauge sockets;

  ExchangeMetrics(PrometheusRegistry registry) {
    this.registry = registry;
    published = counter("published_total", "Messages published to exchanges");
    routed = counter("routed_total", "Copies of them that queues have got");
    unrouted = counter("unrouted_total", "Messages published to exchanges that no queue was for");
    dropped = counter("dropped_total", "Messages that full queues dropped for newer ones");
    refused = counter("refused_total", "Copies that full queues refused");
    delivered = counter("delivered_total", "Messages handed to exchange sockets");
    gaps = counter("gaps_total", "Gaps that exchange sockets have come to");
    sockets =
        Gauge.builder()
            .name(PREFIX + "sockets_active")
            .help("Open WebSockets that are the exchange API's")
            .register(registry);
  }

  private Counter counter(String name, String help) {
    return Counter.builder().name(PREFIX + name).help(help).register(registry);
  }

  /// Adds what `node` knows.
  void observe(Node node) {
    Gauges gauges = new Gauges(registry);
    gauges.add("tidings_exchanges", "Exchanges", () -> node.directory().exchanges().size());
    gauges.add("tidings_queues", "Queues", () -> node.directory().queues().size());
    gauges.add("tidings_bindings", "Bindings", () -> node.directory().bindings().size());
    gauges.add(
        "tidings_transient_queue_bytes",
        "Heap that messages of transient queues take",
        () -> node.store().bytes());
  }

  /// A message was published.
  public void published(Routed result) {
    published.inc();
    routed.inc(result.copies());
    dropped.inc(result.dropped());
    refused.inc(result.full().size());
    if (result.copies() == 0 && result.full().isEmpty()) {
      unrouted.inc();
    }
  }

  /// `count` messages were handed to a socket.
  public void delivered(int count) {
    delivered.inc(count);
  }

  /// A socket has come to a gap.
  public void gap() {
    gaps.inc();
  }

  /// A socket has become one of this API.
  public void socketOpened() {
    sockets.inc();
  }

  /// A socket of this API was closed.
  public void socketClosed() {
    sockets.dec();
  }
}
