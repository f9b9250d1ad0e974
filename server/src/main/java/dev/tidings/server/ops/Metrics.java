// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.CommitObserver;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.server.wire.Answers;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;

/// Everything `/metrics` shows. Names that begin with `relay_` and `http_` are those of the relay's
/// API.
///
/// Topics are labels up to a bound; further ones are counted together as `_other`.
public final class Metrics implements CommitObserver, Answers.Counts {
  private static final String OTHER = "_other";
  private static final double NS_PER_SECOND = 1e9;

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final int maxTopics;
  private final ConcurrentMap<String, TopicPoints> topics = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, AnswerPoints> answers = new ConcurrentHashMap<>();

  private final Counter received =
      Counter.builder()
          .name("relay_messages_received_total")
          .help("Messages published")
          .labelNames("topic")
          .register(registry);
  private final Histogram latency =
      Histogram.builder()
          .name("relay_message_latency_seconds")
          .help("Time from the arrival of a publish to its answer")
          .labelNames("topic")
          .classicOnly()
          .classicUpperBounds(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)
          .register(registry);
  private final Counter delivered =
      Counter.builder()
          .name("relay_messages_delivered_total")
          .help("Messages written to WebSockets and event streams")
          .register(registry);
  private final Gauge socketsActive =
      Gauge.builder()
          .name("relay_websocket_connections_active")
          .help("Open WebSockets")
          .register(registry);
  private final Counter sockets =
      Counter.builder()
          .name("relay_websocket_connections_total")
          .help("WebSockets ever opened")
          .register(registry);
  private final Counter disconnections =
      Counter.builder()
          .name("relay_websocket_disconnections_total")
          .help("WebSockets ever closed")
          .register(registry);
  private final Gauge eventStreams =
      Gauge.builder()
          .name("tidings_event_streams_active")
          .help("Open event streams")
          .register(registry);
  private final Counter requests =
      Counter.builder()
          .name("http_requests_total")
          .help("Requests answered, by path template, method and class of status")
          .labelNames("handler", "method", "status")
          .register(registry);
  private final Histogram commitDuration =
      Histogram.builder()
          .name("tidings_commit_duration_seconds")
          .help("Time the store took for a batch")
          .classicOnly()
          .classicUpperBounds(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)
          .register(registry);
  private final Counter commitMessages =
      Counter.builder()
          .name("tidings_commit_messages_total")
          .help("Messages made durable")
          .register(registry);
  private final Counter commitCommands =
      Counter.builder()
          .name("tidings_commit_commands_total")
          .help("Commands answered by a batch")
          .register(registry);
  private final Counter storageOperations =
      Counter.builder()
          .name("relay_storage_operations_total")
          .help("Batches handed to the store, by what came of it")
          .labelNames("operation", "status")
          .register(registry);
  private final CounterDataPoint commitsDone = storageOperations.labelValues("commit", "success");
  private final CounterDataPoint commitsFailed = storageOperations.labelValues("commit", "error");
  private final Counter errors =
      Counter.builder()
          .name("relay_errors_total")
          .help("Requests answered with a status of 500 or more")
          .register(registry);
  private final Counter commitFailures =
      Counter.builder()
          .name("tidings_commit_failures_total")
          .help("Batches the store failed to commit")
          .register(registry);

  private record TopicPoints(CounterDataPoint received, DistributionDataPoint latency) {}

  /// Metrics with at most `maxTopics` topics as labels.
  public Metrics(int maxTopics, Durability durability) {
    this.maxTopics = maxTopics;
    Info.builder()
        .name("tidings_durability_info")
        .help("What an acknowledgement waits for")
        .labelNames("durability")
        .register(registry)
        .addLabelValues(durability.name().toLowerCase(Locale.ROOT));
  }

  /// Adds the figures of the core.
  public void observe(Node node, Supplier<StoreHealth> health) {
    gauge("tidings_pending_commands", "Commands that wait", () -> node.backlog().commands());
    gauge(
        "tidings_pending_bytes", "Bytes held by commands that wait", () -> node.backlog().bytes());
    gauge("tidings_hot_tier_bytes", "Heap used by recent messages", node::hotTierBytes);
    gauge("tidings_logs_in_memory", "Logs in memory", node::logsInMemory);
    gauge("tidings_topics", "Topics", () -> node.directory().topics().size());
    GaugeWithCallback.builder()
        .name("relay_topic_message_count")
        .help("Messages retained, of topics whose log is in memory")
        .labelNames("topic")
        .callback(callback ->
            topics.keySet().stream()
                .filter(topic -> !topic.equals(OTHER))
                .forEach(topic ->
                    node.retainedMessages(topic)
                        .ifPresent(count -> callback.call((double) count, topic))))
        .register(registry);
    gauge(
        "tidings_store_writable",
        "Whether the store takes writes",
        () -> node.lane().status().accepting() ? 1 : 0);
    gauge(
        "tidings_store_quarantined_records",
        "Damaged records kept aside since the start",
        () -> health.get().quarantined().size());
  }

  private void gauge(String name, String help, Supplier<? extends Number> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.get().doubleValue()))
        .register(registry);
  }

  /// `count` messages were published to `topic`, answered after `durationNs`.
  public void published(String topic, int count, long durationNs) {
    TopicPoints points = pointsOf(topic);
    points.received().inc(count);
    points.latency().observe(durationNs / NS_PER_SECOND);
  }

  private TopicPoints pointsOf(String topic) {
    TopicPoints known = topics.get(topic);
    if (known != null) {
      return known;
    }
    String label = topics.size() < maxTopics ? topic : OTHER;
    return topics.computeIfAbsent(
        label, it -> new TopicPoints(received.labelValues(it), latency.labelValues(it)));
  }

  /// `count` messages were written to a WebSocket or an event stream.
  public void delivered(int count) {
    delivered.inc(count);
  }

  /// A WebSocket was opened.
  public void socketOpened() {
    sockets.inc();
    socketsActive.inc();
  }

  /// A WebSocket was closed.
  public void socketClosed() {
    disconnections.inc();
    socketsActive.dec();
  }

  /// An event stream was opened.
  public void eventStreamOpened() {
    eventStreams.inc();
  }

  /// An event stream was closed.
  public void eventStreamClosed() {
    eventStreams.dec();
  }

  @Override
  public Answers answers(String handler, String method) {
    return answers.computeIfAbsent(handler + " " + method, _ -> new AnswerPoints(handler, method));
  }

  /// The answers to one kind of request, by class of status.
  private final class AnswerPoints implements Answers {
    private final CounterDataPoint[] points = new CounterDataPoint[6];

    private AnswerPoints(String handler, String method) {
      for (int i = 1; i < points.length; i++) {
        points[i] = requests.labelValues(handler, method, i + "xx");
      }
    }

    @Override
    public void sent(int status) {
      points[Math.min(5, status / 100)].inc();
      if (status >= 500) {
        errors.inc();
      }
    }
  }

  @Override
  public void committed(int submissions, int messages, long durationNs) {
    commitDuration.observe(durationNs / NS_PER_SECOND);
    commitCommands.inc(submissions);
    commitMessages.inc(messages);
    commitsDone.inc();
  }

  @Override
  public void failed() {
    commitFailures.inc();
    commitsFailed.inc();
  }

  /// All figures in Prometheus' text format.
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
