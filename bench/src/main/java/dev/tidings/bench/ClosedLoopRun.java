// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.HttpConnection;
import java.time.Duration;
import java.util.List;
import org.HdrHistogram.Histogram;

/// What one run of a closed loop brought: answers a second, their latencies in nanoseconds, and the
/// CPU they took.
record ClosedLoopRun(double answersPerSecond, Histogram latencies, CpuUse cpu) {
  /// Adds what every closed loop tells, after the scenario's own figures.
  void addLatenciesAndCpu(Report report, String scenario) {
    report.add(scenario, "latency p50", "ms", latencies.getValueAtPercentile(50) / 1e6);
    report.add(scenario, "latency p99", "ms", latencies.getValueAtPercentile(99) / 1e6);
    cpu.addTo(report, scenario);
  }

  /// Runs the load for the warm-up and then for the measured time.
  static ClosedLoopRun measure(
      Session session,
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
    cpu.stop();
    loop.stop(Scenario.DRAIN_TIMEOUT);
    session.requireNoFailures();
    return new ClosedLoopRun(answersPerSecond, latencies, cpu);
  }
}
