// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Ack;
import dev.tidings.bench.load.SocketGroup;

/// How fast a durable work queue's messages reach the sockets that compete for them while they are
/// published, with either way to acknowledge.
final class WorkMeasurement {
  private static final String KEY = "work";

  private final ExchangeSession exchanges;
  private final int sockets;
  private final int prefetch;
  private final int publishers;
  private final int window;

  /// @param window messages that publishers may be ahead of the sockets
  WorkMeasurement(
      ExchangeSession exchanges, int sockets, int prefetch, int publishers, int window) {
    this.exchanges = exchanges;
    this.sockets = sockets;
    this.prefetch = prefetch;
    this.publishers = publishers;
    this.window = window;
  }

  void measure(Ack ack) throws InterruptedException {
    Session session = exchanges.session();
    try (BoundQueue queue = BoundQueue.create(exchanges, "direct", true, "work")) {
      queue.bind(KEY);
      try (SocketGroup group = queue.work(sockets, ack, prefetch)) {
        for (int run = 0; run < exchanges.options().runs(); run++) {
          session.measureDiskSync();
          measure(queue, group, ack, run);
        }
      }
    }
  }

  private void measure(BoundQueue queue, SocketGroup group, Ack ack, int run)
      throws InterruptedException {
    CommonOptions options = exchanges.options();
    DeliveryRun result =
        DeliveryRun.measure(
            exchanges.session(),
            group,
            () -> queue.request(KEY),
            publishers,
            window,
            options.warmupOf(run),
            options.duration());
    queue.requireEmpty();
    String scenario = "work, %s ack, %,d sockets".formatted(ack, sockets);
    Report report = exchanges.session().report();
    double rate = result.deliveriesPerSecond();
    report.add(scenario, "delivered", "messages/s", rate);
    result.addFigures(report, scenario);
    exchanges.session().progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
  }
}
