// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.outbox.OutboxPump;
import dev.tidings.core.runtime.CommitObserver;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.Store;
import dev.tidings.server.tls.Tls;
import dev.tidings.server.wire.Answers;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.function.Supplier;

/// Everything `/metrics` shows: those who count are made here, and what is read when it is asked
/// for is added here. `docs/metrics.md` lists it.
public final class Metrics {
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final TimeSource time;
  private final TopicLabels labels;
  private final RelayMetrics relay;
  private final HttpMetrics http;
  private final CommitMetrics commits;
  private final SubscriptionMetrics subscriptions;
  private final ExchangeMetrics exchanges;

  /// Metrics with at most `maxTopics` topics as labels.
  public Metrics(int maxTopics, Durability durability, TimeSource time) {
    this.time = time;
    labels = new TopicLabels(maxTopics);
    relay = new RelayMetrics(registry, labels);
    http = new HttpMetrics(registry, time, relay);
    commits = new CommitMetrics(registry);
    subscriptions = new SubscriptionMetrics(registry);
    exchanges = new ExchangeMetrics(registry);
    JvmFigures.register(registry);
    info("tidings_build_info", "What is running", "version", Build.version());
    info(
        "tidings_durability_info",
        "What an acknowledgement waits for",
        "durability",
        durability.name().toLowerCase(Locale.ROOT));
  }

  private void info(String name, String help, String label, String value) {
    Info.builder().name(name).help(help).labelNames(label).register(registry).addLabelValues(value);
  }

  /// Counts what is published and delivered.
  public RelayMetrics relay() {
    return relay;
  }

  /// Counts what subscriptions deliver.
  public SubscriptionMetrics subscriptions() {
    return subscriptions;
  }

  /// Counts what is published to exchanges.
  public ExchangeMetrics exchanges() {
    return exchanges;
  }

  /// Counts requests and answers.
  public Answers.Counts http() {
    return http;
  }

  /// Counts commits.
  public CommitObserver commits() {
    return commits;
  }

  /// Adds the figures of the core and its store.
  public void observe(Node node, Store store) {
    new CoreFigures(node, labels).register(registry);
    subscriptions.observe(node);
    exchanges.observe(node);
    new StreamMetrics(registry).observe(node.streamFigures());
    new ScheduleMetrics(registry).observe(node);
    registry.register(new StoreFigures(store));
    gauge(
        "tidings_store_quarantined_records",
        "Damaged records kept aside since the start",
        () -> store.health().quarantined().size());
  }

  /// Adds what has become of messages left in the store by others.
  public void observe(Supplier<OutboxPump.Figures> outbox) {
    new OutboxMetrics(registry).observe(outbox);
  }

  /// Adds the figures of TLS.
  public void observe(Tls tls) {
    gauge(
        "tidings_tls_certificate_expiry_seconds",
        "Time until the TLS certificate that is shown ends; less than 0 if it has ended",
        () -> (tls.ends().toEpochMilli() - time.wallMs()) / 1e3);
  }

  /// Adds a gauge that is read, on any thread, when it is asked for.
  public void gauge(String name, String help, Supplier<? extends Number> value) {
    new Gauges(registry).add(name, help, value);
  }

  /// All figures in Prometheus' text format. Takes its time: not for event loops.
  public byte[] scrape() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      PrometheusTextFormatWriter.builder().build().write(out, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }
}
