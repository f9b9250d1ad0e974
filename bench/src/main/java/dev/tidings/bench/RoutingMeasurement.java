// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.StampedRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// How fast messages are published to one queue through exchanges that have few bindings and many.
///
/// The exchanges of a kind take turns in each run, so that a server that gets faster or slower does
/// so for all of them.
final class RoutingMeasurement {
  private static final int TURNS = 5;
  private static final double GOAL_SHARE = 1 / 1.2;

  /// Room for what a run publishes to a transient queue, which nobody empties meanwhile.
  static final Map<String, String> CONFIG = Map.of("memory.transient-queues-size", "1GiB");

  private final ExchangeSession exchanges;
  private final List<Integer> bindings;
  private final int connections;

  /// One exchange, and the publishes to it.
  private record Row(int bindings, BoundQueue queue, List<StampedRequest> requests) {}

  /// @param bindings of each exchange, the fewest first
  RoutingMeasurement(ExchangeSession exchanges, List<Integer> bindings, int connections) {
    this.exchanges = exchanges;
    this.bindings = bindings;
    this.connections = connections;
  }

  void measure(boolean durable, RoutingKeys keys) throws InterruptedException {
    Session session = exchanges.session();
    List<HttpConnection> open =
        HttpConnection.open(session.loops(), session.endpoint(), connections, session.failures());
    var rows = new ArrayList<Row>();
    try {
      for (int count : bindings) {
        rows.add(row(open, durable, keys, count));
      }
      for (int run = 0; run < exchanges.options().runs(); run++) {
        session.measureDiskSync();
        measure(open, rows, durable, keys, run);
      }
    } finally {
      rows.forEach(row -> row.queue.close());
    }
    HttpConnection.closeAll(open);
  }

  private Row row(List<HttpConnection> open, boolean durable, RoutingKeys keys, int count)
      throws InterruptedException {
    exchanges.session().progress().step("%s, %,d bindings".formatted(keys, count));
    BoundQueue queue = BoundQueue.create(exchanges, keys.name(), durable, "broadcast");
    boolean complete = false;
    try {
      queue.bind(open, count, keys::ofBinding);
      List<StampedRequest> requests =
          IntStream.range(0, PublishLoad.SINGLE_REQUESTS)
              .map(i -> (int) ((long) i * count / PublishLoad.SINGLE_REQUESTS))
              .mapToObj(binding -> queue.request(keys.ofMessage(binding)))
              .toList();
      requireRouted(open, queue, requests);
      complete = true;
      return new Row(count, queue, requests);
    } finally {
      if (!complete) {
        queue.close();
      }
    }
  }

  /// Every message must reach the queue once, and one that nothing is bound for must not.
  private static void requireRouted(
      List<HttpConnection> open, BoundQueue queue, List<StampedRequest> requests)
      throws InterruptedException {
    var all = new ArrayList<>(requests);
    all.add(queue.request(RoutingKeys.UNBOUND));
    queue.publish(open, all);
    requirePurged(queue.purge(), requests.size());
  }

  private static void requirePurged(long purged, long published) {
    if (purged != published) {
      throw new BenchException(
          "of %,d messages published for it the queue had %,d (expected: each of them, once)"
              .formatted(published, purged));
    }
  }

  private void measure(
      List<HttpConnection> open, List<Row> rows, boolean durable, RoutingKeys keys, int run)
      throws InterruptedException {
    Duration warmup = exchanges.options().warmupOf(run).dividedBy(rows.size());
    var results = new ArrayList<ClosedLoopRun>();
    for (Row row : rows) {
      results.add(turn(open, row, warmup));
    }
    // What was published so far was the warm-up's.
    var warmups = results.stream().map(ClosedLoopRun::answersInAll).toList();
    results.clear();
    for (int turn = 0; turn < TURNS; turn++) {
      for (int i = 0; i < rows.size(); i++) {
        Duration time = exchanges.options().duration().dividedBy(TURNS);
        ClosedLoopRun result = turn(open, rows.get(i), time);
        if (turn == 0) {
          results.add(result);
        } else {
          results.set(i, results.get(i).and(result));
        }
      }
    }
    for (int i = 0; i < rows.size(); i++) {
      long published = warmups.get(i) + results.get(i).answersInAll();
      checkKept(rows.get(i).queue.purge(), published, durable);
      add(rows.get(i), results.get(i), results.getFirst(), durable, keys, run);
    }
  }

  private ClosedLoopRun turn(List<HttpConnection> open, Row row, Duration time)
      throws InterruptedException {
    return ClosedLoopRun.measure(
        exchanges.session(), open, new PublishLoad(row.requests, open.size()), Duration.ZERO, time);
  }

  /// A transient queue may drop its oldest where its memory ends.
  private void checkKept(long purged, long published, boolean durable) {
    if (durable || purged > published) {
      requirePurged(purged, published);
    } else if (purged < published) {
      exchanges
          .session()
          .report()
          .note(
              "A transient queue had fewer messages than were published to it in a run: the memory for them ended (memory.transient-queues-size), so that it dropped its oldest.");
    }
  }

  private void add(
      Row row,
      ClosedLoopRun result,
      ClosedLoopRun fewest,
      boolean durable,
      RoutingKeys keys,
      int run) {
    String scenario =
        "%s, %s queue, %,d bindings"
            .formatted(keys, durable ? "durable" : "transient", row.bindings);
    double rate = result.answersPerSecond();
    Report report = exchanges.session().report();
    report.add(scenario, "published", "messages/s", rate);
    if (row.bindings != bindings.getFirst()) {
      report.add(
          scenario,
          "share of the rate with %,d".formatted(bindings.getFirst()),
          "ratio",
          rate / fewest.answersPerSecond(),
          Goal.atLeast(">= 1/1.2", GOAL_SHARE));
    }
    result.addLatenciesAndCpu(report, scenario);
    exchanges.session().progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
  }
}
