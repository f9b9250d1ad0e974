// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.CommitObserver;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/// What the commit lane does: its batches, how large they are and how long they take; and how late
/// scheduled messages come out of it.
final class CommitMetrics implements CommitObserver {
  private static final double NS_PER_SECOND = 1e9;
  private static final double MS_PER_SECOND = 1e3;

  private final Histogram duration;
  private final Histogram batchCommands;
  private final Histogram batchMessages;
  private final Counter messages;
  private final Counter commands;
  private final Counter failures;
  private final Histogram late;
  private final CounterDataPoint done;
  private final CounterDataPoint failed;

  CommitMetrics(PrometheusRegistry registry) {
    duration =
        Histogram.builder()
            .name("tidings_commit_duration_seconds")
            .help("Time the store took for a batch")
            .classicOnly()
            .classicUpperBounds(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)
            .register(registry);
    batchCommands =
        Histogram.builder()
            .name("tidings_commit_batch_commands")
            .help("Commands answered by one batch")
            .classicOnly()
            .classicUpperBounds(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)
            .register(registry);
    batchMessages =
        Histogram.builder()
            .name("tidings_commit_batch_messages")
            .help("Messages in one batch")
            .classicOnly()
            .classicUpperBounds(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)
            .register(registry);
    messages =
        Counter.builder()
            .name("tidings_commit_messages_total")
            .help("Messages made durable")
            .register(registry);
    commands =
        Counter.builder()
            .name("tidings_commit_commands_total")
            .help("Commands answered by a batch")
            .register(registry);
    failures =
        Counter.builder()
            .name("tidings_commit_failures_total")
            .help("Batches the store failed to commit")
            .register(registry);
    late =
        Histogram.builder()
            .name("tidings_scheduled_late_seconds")
            .help("How long after they were due scheduled messages were durable in their logs")
            .classicOnly()
            .classicUpperBounds(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10, 60)
            .register(registry);
    Counter operations =
        Counter.builder()
            .name("relay_storage_operations_total")
            .help("Batches handed to the store, by what came of it")
            .labelNames("operation", "status")
            .register(registry);
    done = operations.labelValues("commit", "success");
    failed = operations.labelValues("commit", "error");
  }

  @Override
  public void committed(int submissions, int messageCount, long durationNs) {
    duration.observe(durationNs / NS_PER_SECOND);
    batchCommands.observe(submissions);
    batchMessages.observe(messageCount);
    commands.inc(submissions);
    messages.inc(messageCount);
    done.inc();
  }

  @Override
  public void appendedLate(long lateMs) {
    late.observe(lateMs / MS_PER_SECOND);
  }

  @Override
  public void failed() {
    failures.inc();
    failed.inc();
  }
}
