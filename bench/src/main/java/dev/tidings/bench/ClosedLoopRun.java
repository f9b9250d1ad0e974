// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.HttpConnection;
import java.time.Duration;
import java.util.List;
import org.HdrHistogram.Histogram;

/// What one run of a closed loop brought: answers a second, and their latencies in nanoseconds.
record ClosedLoopRun(double answersPerSecond, Histogram latencies) {
  /// Runs the load for the warm-up and then for the measured time; CPU use goes to the report.
  static ClosedLoopRun measure(
      Session session,
      String scenario,
      List<HttpConnection> connections,
      ClosedLoop.Load load,
      Duration warmup,
      Duration duration)
      throws InterruptedException {
    var loop = new ClosedLoop(connections, load, session.failures());
    loop.start();
    session.hold(warmup);
    loop.takeLatencies();
    long before = loop.answered();
    long startNs = System.nanoTime();
    CpuUse cpu = session.cpuUse();
    session.hold(duration);
    double seconds = (System.nanoTime() - startNs) / 1e9;
    double answersPerSecond = (loop.answered() - before) / seconds;
    Histogram latencies = loop.takeLatencies();
    cpu.addTo(session.report(), scenario);
    loop.stop(Scenario.DRAIN_TIMEOUT);
    session.requireNoFailures();
    return new ClosedLoopRun(answersPerSecond, latencies);
  }
}
