// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.Node;
import dev.tidings.core.schedule.Schedule;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToLongFunction;

/// What waits until it is due, and what has become of it.
final class ScheduleMetrics {
  private static final String PREFIX = "tidings_scheduled_";

  private final PrometheusRegistry registry;

  ScheduleMetrics(PrometheusRegistry registry) {
    this.registry = registry;
  }

  /// Adds what `node` knows.
  void observe(Node node) {
    Gauges gauges = new Gauges(registry);
    gauges.add(
        PREFIX + "messages", "Messages that wait until they are due", node::scheduledMessages);
    gauges.add(
        PREFIX + "in_memory",
        "Messages of these in memory: those that are due soon",
        () -> node.scheduleFigures().held());
    gauges.add(
        PREFIX + "memory_bytes", "Heap these take", () -> node.scheduleFigures().heldBytes());
    counter(node, "tidings_scheduled_total", "Messages scheduled", Schedule.Figures::scheduled);
    counter(
        node,
        PREFIX + "appended_total",
        "Scheduled messages that were due and are in their topics",
        Schedule.Figures::appended);
    counter(
        node,
        PREFIX + "cancelled_total",
        "Scheduled messages that were cancelled",
        Schedule.Figures::cancelled);
    counter(
        node,
        PREFIX + "abandoned_total",
        "Scheduled messages whose topic was deleted",
        Schedule.Figures::abandoned);
  }

  private void counter(
      Node node, String name, String help, ToLongFunction<Schedule.Figures> figure) {
    CounterWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call((double) figure.applyAsLong(node.scheduleFigures())))
        .register(registry);
  }
}
