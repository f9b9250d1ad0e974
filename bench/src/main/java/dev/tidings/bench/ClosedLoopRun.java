// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.HttpConnection;
import java.time.Duration;
import java.util.List;
import org.HdrHistogram.Histogram;

/// What one run of a closed loop brought.
///
/// @param answers in the measured time
/// @param answersInAll in the warm-up and after the measured time too
/// @param latencies of the measured time, in nanoseconds
record ClosedLoopRun(
    long answers, long answersInAll, double seconds, Histogram latencies, CpuUse cpu) {
  double answersPerSecond() {
    return answers / seconds;
  }

  /// Adds what every closed loop tells, after the scenario's own figures.
  void addLatenciesAndCpu(Report report, String scenario) {
    report.addLatencies(scenario, "latency", latencies);
    cpu.addTo(report, scenario);
  }

  /// Both taken together, as two parts of one run.
  ClosedLoopRun and(ClosedLoopRun other) {
    Histogram all = latencies.copy();
    all.add(other.latencies);
    return new ClosedLoopRun(
        answers + other.answers,
        answersInAll + other.answersInAll,
        seconds + other.seconds,
        all,
        cpu.and(other.cpu));
  }

  /// Runs the load for the warm-up of run number `run` and then for the time of a measurement.
  static ClosedLoopRun measure(
      Session session, List<HttpConnection> connections, ClosedLoop.Load load, int run)
      throws InterruptedException {
    CommonOptions options = session.options();
    return measure(session, connections, load, options.warmupOf(run), options.duration());
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
    long answers = loop.answered() - before;
    Histogram latencies = loop.takeLatencies();
    cpu.stop();
    loop.stop(Scenario.DRAIN_TIMEOUT);
    session.requireNoFailures();
    return new ClosedLoopRun(answers, loop.answered(), seconds, latencies, cpu);
  }
}
