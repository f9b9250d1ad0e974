// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.stream.StreamFigures;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.Supplier;

/// What streams hold, and what they have come to, read when it is asked for.
final class StreamMetrics {
  private static final String PREFIX = "tidings_stream_";

  private final PrometheusRegistry registry;
  private final Gauges gauges;

  StreamMetrics(PrometheusRegistry registry) {
    this.registry = registry;
    this.gauges = new Gauges(registry);
  }

  /// Adds what `figures` tell.
  void observe(StreamFigures figures) {
    gauges.add("tidings_streams", "Streams in memory", figures::streams);
    gauge("messages_buffered", "Messages that streams buffer", figures::messages);
    gauge("bytes", "Heap that streams in memory take", figures::bytes);
    gauge("receivers_waiting", "Receivers that wait for a message", figures::receivers);
    gauge("senders_waiting", "Senders that wait for room or for a receiver", figures::senders);
    gauge("replays_waiting", "Readers of stored messages that wait at the end", figures::replays);
    counter("messages_sent_total", "Messages taken from senders", figures::sent);
    counter("messages_repeated_total", "Messages that had been taken before", figures::repeated);
    counter("messages_received_total", "Messages given to receivers", figures::received);
    counter(
        "messages_returned_total",
        "Messages given back, which had not reached their receiver",
        figures::returned);
    counter("messages_replayed_total", "Stored messages that were read", figures::replayed);
    counter("messages_dropped_total", "Messages dropped to make room for others", figures::dropped);
    counter("messages_expired_total", "Buffered messages whose time was over", figures::expired);
    CounterWithCallback.builder()
        .name(PREFIX + "timeouts_total")
        .help("Calls whose time was up")
        .labelNames("call")
        .callback(callback -> {
          callback.call((double) figures.sendTimeouts(), "send");
          callback.call((double) figures.receiveTimeouts(), "receive");
        })
        .register(registry);
  }

  private void gauge(String name, String help, Supplier<? extends Number> value) {
    gauges.add(PREFIX + name, help, value);
  }

  private void counter(String name, String help, Supplier<Long> value) {
    CounterWithCallback.builder()
        .name(PREFIX + name)
        .help(help)
        .callback(callback -> callback.call(value.get().doubleValue()))
        .register(registry);
  }
}
