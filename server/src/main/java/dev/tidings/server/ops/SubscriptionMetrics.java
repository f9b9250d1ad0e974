// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.Node;
import dev.tidings.core.subscription.Subscriptions;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToLongFunction;

/// What subscriptions deliver, and what becomes of it.
public final class SubscriptionMetrics {
  private static final String PREFIX = "tidings_subscription_messages_";

  private final PrometheusRegistry registry;
  private final Counter delivered;
  private final Counter nacked;

  SubscriptionMetrics(PrometheusRegistry registry) {
    this.registry = registry;
    delivered =
        Counter.builder()
            .name(PREFIX + "delivered_total")
            .help("Messages leased to consumers, each time they were")
            .register(registry);
    nacked =
        Counter.builder()
            .name(PREFIX + "nacked_total")
            .help("Messages that consumers have nacked, whatever their state was")
            .register(registry);
  }

  /// Adds what `node` knows.
  void observe(Node node) {
    Gauges gauges = new Gauges(registry);
    gauges.add(
        "tidings_subscriptions", "Subscriptions", () -> node.directory().subscriptions().size());
    gauges.add(
        "tidings_subscription_parked_messages",
        "Messages that wait behind others of their ordering keys",
        () -> node.parked().messages());
    gauges.add(
        "tidings_subscriptions_paused",
        "Subscriptions that deliver nothing new because too many messages are parked",
        () -> node.parked().paused());
    counter(node, "acked_total", "Messages acked", Subscriptions.Figures::acked);
    counter(
        node,
        "expired_total",
        "Messages that expired before they were acked",
        Subscriptions.Figures::expired);
    counter(
        node,
        "lost_total",
        "Messages given up because they were not retained or dead letters were too many",
        Subscriptions.Figures::lost);
    counter(
        node,
        "dead_lettered_total",
        "Messages that became dead letters",
        Subscriptions.Figures::deadLettered);
  }

  private void counter(
      Node node, String name, String help, ToLongFunction<Subscriptions.Figures> figure) {
    CounterWithCallback.builder()
        .name(PREFIX + name)
        .help(help)
        .callback(
            callback -> callback.call((double) figure.applyAsLong(node.subscriptionFigures())))
        .register(registry);
  }

  /// `count` messages were leased.
  public void delivered(int count) {
    delivered.inc(count);
  }

  /// `count` messages were nacked.
  public void nacked(int count) {
    nacked.inc(count);
  }
}
