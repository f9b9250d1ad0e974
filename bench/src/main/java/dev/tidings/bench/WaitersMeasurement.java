// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.EachOnce;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Stamp;
import dev.tidings.bench.load.StreamRequests;
import dev.tidings.bench.load.StreamRoundTrips;
import dev.tidings.bench.load.StreamWaiters;
import java.time.Duration;
import java.util.List;
import org.HdrHistogram.Histogram;

/// What receivers that wait cost the server, and how soon they have their message.
final class WaitersMeasurement {
  /// How long the one receiver waits before its message is sent: longer than its call is under way.
  static final Duration PAUSE = Duration.ofMillis(3);

  private static final int FIRST = 300;

  private final StreamsSession streams;
  private final int waiters;
  private final int streamCount;
  private final int senders;
  private final int rounds;
  private final Duration settle;

  WaitersMeasurement(
      StreamsSession streams,
      int waiters,
      int streamCount,
      int senders,
      int rounds,
      Duration settle) {
    this.streams = streams;
    this.waiters = waiters;
    this.streamCount = streamCount;
    this.senders = senders;
    this.rounds = rounds;
    this.settle = settle;
  }

  void measure(int run) throws InterruptedException {
    Session session = streams.session();
    ServerProcess server = streams.server();
    OpenFiles.require("self", waiters + senders);
    OpenFiles.require(Long.toString(server.pid()), waiters + senders);
    warmUp();
    session.hold(settle);
    ServerProcess.Memory none = server.memoryAfterFullCollection();

    String scenario = "waiters, %,d at %,d streams".formatted(waiters, streamCount);
    StreamRequests encoder = streams.encoder();
    List<HttpConnection> open = streams.connect(waiters);
    askOnce(open);
    session.hold(settle);
    ServerProcess.Memory connected = server.memoryAfterFullCollection();
    var waiting = new StreamWaiters(open, encoder, streamCount, session.failures());
    waiting.start();
    session.hold(settle);
    ServerProcess.Memory full = server.memoryAfterFullCollection();
    streams.addMemoryEach(scenario, "connected", none, connected, waiters);
    streams.addMemoryEach(scenario, "for waiting besides", connected, full, waiters);
    session.report().add(scenario, "heap with none", "MiB", none.heapBytes() / 1048576.0);

    CpuUse cpu = session.cpuUse();
    double rate = serve(waiting, encoder, waiters);
    cpu.stop();
    session.report().add(scenario, "served", "waiters/s", rate);
    streams.report().addLatencies(scenario, "send to its waiter", waiting.takeLatencies());
    cpu.addTo(session.report(), scenario);
    HttpConnection.closeAll(open);
    session.progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
    measureOne(run);
  }

  /// Some wait and are served before it counts, so that code and pools are there.
  private void warmUp() throws InterruptedException {
    StreamRequests encoder = streams.encoder();
    int count = Math.min(waiters, FIRST);
    List<HttpConnection> open = streams.connect(count);
    askOnce(open);
    var first =
        new StreamWaiters(
            open, encoder, Math.min(streamCount, count), streams.session().failures());
    first.start();
    serve(first, encoder, count);
    HttpConnection.closeAll(open);
  }

  /// A connection that was used costs more than one that was not; waiting is counted without that.
  private void askOnce(List<HttpConnection> open) throws InterruptedException {
    Session session = streams.session();
    var once = new ClosedLoop(open, new HealthLoad(session.endpoint()), session.failures());
    once.start();
    once.stop(Scenario.DRAIN_TIMEOUT);
    session.requireNoFailures();
  }

  /// Sends each waiter its message; waiters a second from the first send to the last answer.
  private double serve(StreamWaiters waiting, StreamRequests encoder, int count)
      throws InterruptedException {
    int at = Math.min(streamCount, count);
    List<HttpConnection> sending = streams.connect(senders);
    var sends =
        EachOnce.sends(
            sending,
            encoder,
            StreamRequests.Keeping.BLOCKING,
            count,
            number -> number % at,
            streams.session().failures());
    long startNs = Stamp.nowNs();
    streams.finish(sends);
    streams.await(waiting.served(), waiting::servedSoFar, waiting::shortfall);
    HttpConnection.closeAll(sending);
    return count / ((waiting.endNs() - startNs) / 1e9);
  }

  /// One receiver waits, one message is sent, and again: nothing else happens on the server.
  private void measureOne(int run) throws InterruptedException {
    Session session = streams.session();
    List<HttpConnection> pair =
        HttpConnection.openOnFirstLoop(session.loops(), session.endpoint(), 2, session.failures());
    var trips =
        new StreamRoundTrips(
            session.loops(), pair, streams.encoder(), PAUSE.toNanos(), session.failures());
    trips.start();
    session.hold(streams.options().warmup());
    trips.endAfter(rounds);
    streams.await(
        trips.done(),
        trips::rounds,
        () -> "%,d messages reached the receiver that waits".formatted(trips.rounds()));
    Histogram latencies = trips.takeLatencies();
    HttpConnection.closeAll(pair);
    String scenario = "one waiter, idle server";
    double p50 = latencies.getValueAtPercentile(50) / 1e6;
    Report report = session.report();
    report.add(scenario, "send to its waiter p50", "ms", p50, Goal.atMost("<= 1", 1));
    report.add(scenario, "send to its waiter p99", "ms", latencies.getValueAtPercentile(99) / 1e6);
    session.progress().step("%s: run %d, p50 %.2f ms".formatted(scenario, run + 1, p50));
  }
}
