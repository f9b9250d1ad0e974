// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.GatedPublisher;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.Stamp;
import dev.tidings.bench.load.StampedRequest;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/// What one run of publishing to sockets brought, as fast as they follow.
///
/// @param deliveries in the measured time, on all sockets together
/// @param reads they came in
/// @param published messages those deliveries are of
/// @param latencies from just before a message was sent until a socket that decodes it had read it,
///   in nanoseconds
record DeliveryRun(
    long deliveries,
    long reads,
    double published,
    double seconds,
    Histogram latencies,
    CpuUse cpu) {
  double deliveriesPerSecond() {
    return deliveries / seconds;
  }

  /// Adds what every such run tells, after the scenario's own figures.
  void addFigures(Report report, String scenario) {
    report.add(scenario, "published", "messages/s", published / seconds);
    report.add(scenario, "frames per read", "messages", (double) deliveries / Math.max(1, reads));
    report.addLatencies(scenario, "latency", latencies);
    cpu.addTo(report, scenario);
  }

  /// Both taken together, as two parts of one run.
  DeliveryRun and(DeliveryRun other) {
    Histogram all = latencies.copy();
    all.add(other.latencies);
    return new DeliveryRun(
        deliveries + other.deliveries,
        reads + other.reads,
        published + other.published,
        seconds + other.seconds,
        all,
        cpu.and(other.cpu));
  }

  /// Publishes for the warm-up and then for the measured time, and checks that the sockets got
  /// everything.
  ///
  /// @param encode makes a connection's request
  /// @param connections publishing, each with one call outstanding
  /// @param window messages that may be on their way to the sockets
  static DeliveryRun measure(
      Session session,
      SocketGroup group,
      Supplier<StampedRequest> encode,
      int connections,
      long window,
      Duration warmup,
      Duration duration)
      throws InterruptedException {
    List<HttpConnection> open =
        HttpConnection.openOnFirstLoop(
            session.loops(), session.endpoint(), connections, session.failures());
    var publisher =
        new GatedPublisher(session.loops(), open, encode, window, group, session.failures());
    publisher.start();
    session.hold(warmup);
    long startNs = Stamp.nowNs();
    group.sampleBetween(startNs, startNs + duration.toNanos());
    SocketGroup.Counts before = group.counts();
    CpuUse cpu = session.cpuUse();
    session.hold(duration);
    SocketGroup.Counts after = group.counts();
    double seconds = (Stamp.nowNs() - startNs) / 1e9;
    cpu.stop();
    long published = publisher.stopAndDrain(Scenario.DRAIN_TIMEOUT);
    HttpConnection.closeAll(open);
    session.requireNoFailures();
    group.awaitAndCheck(published, Scenario.DRAIN_TIMEOUT);
    session.requireNoFailures();
    long deliveries = after.deliveries() - before.deliveries();
    return new DeliveryRun(
        deliveries,
        after.reads() - before.reads(),
        group.messagesOf(deliveries),
        seconds,
        group.takeLatencies(),
        cpu);
  }
}
