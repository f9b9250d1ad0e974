// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.outbox.OutboxPump;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/// What has become of messages that applications left in the store in transactions of their own.
final class OutboxMetrics {
  private static final String PREFIX = "tidings_outbox_";

  private final PrometheusRegistry registry;

  OutboxMetrics(PrometheusRegistry registry) {
    this.registry = registry;
  }

  /// Adds `outbox`.
  void observe(Supplier<OutboxPump.Figures> outbox) {
    counter(
        outbox,
        PREFIX + "taken_total",
        "Messages that have left the outbox",
        figures -> figures.delivered() + figures.dropped());
    counter(
        outbox,
        PREFIX + "delivered_total",
        "Messages of these that are in their topics",
        OutboxPump.Figures::delivered);
    counter(
        outbox,
        PREFIX + "dropped_total",
        "Messages of these whose topic was not there",
        OutboxPump.Figures::dropped);
    new Gauges(registry)
        .add(
            PREFIX + "topics_aside",
            "Topics whose messages wait in the outbox because they cannot be delivered",
            () -> outbox.get().aside());
  }

  private void counter(
      Supplier<OutboxPump.Figures> outbox,
      String name,
      String help,
      ToLongFunction<OutboxPump.Figures> figure) {
    CounterWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call((double) figure.applyAsLong(outbox.get())))
        .register(registry);
  }
}
