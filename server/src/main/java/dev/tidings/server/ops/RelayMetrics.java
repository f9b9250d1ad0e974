// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/// What is published and delivered, under the names of the relay's API (pulsar-relay v0.1.0).
public final class RelayMetrics {
  private static final double NS_PER_SECOND = 1e9;

  private final TopicLabels labels;
  private final ConcurrentMap<String, Published> published = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, CounterDataPoint> bySocket = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, CounterDataPoint> byPoll = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, CounterDataPoint> byStream = new ConcurrentHashMap<>();

  private final Counter received;
  private final Histogram latency;
  private final Counter deliveries;
  private final Gauge socketsActive;
  private final Counter sockets;
  private final Counter disconnections;
  private final Gauge eventStreams;
  private final Counter errors;

  /// A way by which messages reach a reader.
  public enum DeliveryType {
    WEBSOCKET,
    LONG_POLL,
    SSE;

    private String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private record Published(CounterDataPoint received, DistributionDataPoint latency) {}

  RelayMetrics(PrometheusRegistry registry, TopicLabels labels) {
    this.labels = labels;
    received =
        Counter.builder()
            .name("relay_messages_received_total")
            .help("Messages published")
            .labelNames("topic")
            .register(registry);
    latency =
        Histogram.builder()
            .name("relay_message_latency_seconds")
            .help("Time from the arrival of a publish to its answer")
            .labelNames("topic")
            .classicOnly()
            .classicUpperBounds(
                0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
            .register(registry);
    deliveries =
        Counter.builder()
            .name("relay_messages_delivered_total")
            .help("Messages handed to a reader's connection")
            .labelNames("topic", "delivery_type")
            .register(registry);
    socketsActive =
        Gauge.builder()
            .name("relay_websocket_connections_active")
            .help("Open WebSockets")
            .register(registry);
    sockets =
        Counter.builder()
            .name("relay_websocket_connections_total")
            .help("WebSockets ever opened")
            .register(registry);
    disconnections =
        Counter.builder()
            .name("relay_websocket_disconnections_total")
            .help("WebSockets ever closed")
            .register(registry);
    eventStreams =
        Gauge.builder()
            .name("tidings_event_streams_active")
            .help("Open event streams")
            .register(registry);
    errors =
        Counter.builder()
            .name("relay_errors_total")
            .help("Errors that clients were told, by status or by code of the frame")
            .labelNames("type", "code")
            .register(registry);
    errors.initLabelValues("http", "500");
    errors.initLabelValues("http", "503");
  }

  /// `count` messages were published to `topic`, answered after `durationNs`.
  public void published(String topic, int count, long durationNs) {
    Published points = published.get(topic);
    if (points == null) {
      points =
          published.computeIfAbsent(
              labels.of(topic),
              label -> new Published(received.labelValues(label), latency.labelValues(label)));
    }
    points.received().inc(count);
    points.latency().observe(durationNs / NS_PER_SECOND);
  }

  /// `count` messages of `topic` were handed to the connection of a reader.
  public void delivered(String topic, DeliveryType type, int count) {
    ConcurrentMap<String, CounterDataPoint> points =
        switch (type) {
          case WEBSOCKET -> bySocket;
          case LONG_POLL -> byPoll;
          case SSE -> byStream;
        };
    CounterDataPoint known = points.get(topic);
    if (known == null) {
      known =
          points.computeIfAbsent(
              labels.of(topic), label -> deliveries.labelValues(label, type.label()));
    }
    known.inc(count);
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

  /// A request was answered with `status`, 400 or more.
  void failedRequest(int status) {
    errors.labelValues("http", Integer.toString(status)).inc();
  }

  /// A client was sent a frame of type `error` with `code`.
  public void errorFrame(String code) {
    errors.labelValues("websocket", code).inc();
  }
}
