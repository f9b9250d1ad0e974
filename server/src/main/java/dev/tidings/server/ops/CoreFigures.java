// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.Node;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Locale;

/// The state of the core, as gauges that are read when they are asked for.
final class CoreFigures {
  private final Node node;
  private final TopicLabels labels;

  CoreFigures(Node node, TopicLabels labels) {
    this.node = node;
    this.labels = labels;
  }

  void register(PrometheusRegistry registry) {
    Gauges gauges = new Gauges(registry);
    gauges.add("tidings_pending_commands", "Commands that wait", () -> node.backlog().commands());
    gauges.add(
        "tidings_pending_bytes", "Bytes held by commands that wait", () -> node.backlog().bytes());
    gauges.add("tidings_hot_tier_bytes", "Heap used by recent messages", node::hotTierBytes);
    gauges.add("tidings_logs_in_memory", "Logs in memory", node::logsInMemory);
    gauges.add("tidings_topics", "Topics", () -> node.directory().topicCount());
    gauges.add("tidings_cursors", "Places that readers have in topics", node::cursors);
    gauges.add(
        "tidings_commit_queue_commands",
        "Commands handed to the commit lane that wait for the next batch",
        () -> node.lane().queued());
    gauges.add(
        "tidings_store_writable",
        "Whether the store takes writes",
        () -> node.lane().status().accepting() ? 1 : 0);
    GaugeWithCallback.builder()
        .name("tidings_commit_phase")
        .help("1 for what the commit lane is at, 0 for the others")
        .labelNames("phase")
        .callback(callback -> {
          CommitLane.Phase present = node.lane().phase();
          for (CommitLane.Phase phase : CommitLane.Phase.values()) {
            callback.call(phase == present ? 1 : 0, phase.name().toLowerCase(Locale.ROOT));
          }
        })
        .register(registry);
    GaugeWithCallback.builder()
        .name("relay_topic_message_count")
        .help("Messages retained, of the topics shown")
        .labelNames("topic")
        .callback(callback -> {
          for (String topic : labels.shown()) {
            node.retainedMessages(topic).ifPresent(count -> callback.call((double) count, topic));
          }
        })
        .register(registry);
  }
}
