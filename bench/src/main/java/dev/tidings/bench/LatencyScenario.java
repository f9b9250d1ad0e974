// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.PacedPublisher;
import dev.tidings.bench.load.Requests;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.Stamp;
import java.time.Duration;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// From publish to WebSocket at a fixed rate.
@Command(
    name = "latency",
    footerHeading = "%nExamples:%n",
    footer = {"  tidings bench latency --duration 10s"},
    description = {
      "From publish to WebSocket at a fixed rate. A message's time begins when it was due, not when it could be sent,",
      "so that a stall counts for every message it delayed (no coordinated omission).",
      "The generator's own lateness is told beside it.",
      "Targets: p50 1.5 ms; p99 3 x fdatasync p99 + 2 ms, of the same run."
    })
final class LatencyScenario extends Scenario {
  private static final Duration LEAD = Duration.ofMillis(20);

  @Option(
      names = "--rate",
      paramLabel = "N",
      description = "Messages a second. Default: ${DEFAULT-VALUE}")
  private int rate = 2000;

  @Option(
      names = "--connections",
      paramLabel = "N",
      description =
          "Publishing connections; a due message takes a free one. Default: ${DEFAULT-VALUE}")
  private int connections = 32;

  @Option(
      names = "--sockets",
      paramLabel = "N",
      description = "WebSockets, of which every one is measured. Default: ${DEFAULT-VALUE}")
  private int sockets = 1;

  @Option(
      names = "--payload-bytes",
      paramLabel = "BYTES",
      description = "Size of a payload, at least 64. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 256;

  @Override
  Duration plannedTime() {
    return timesRuns(options().duration().plus(RUN_UP)).plus(options().warmup());
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    if (rate < 1) {
      throw new BenchException("rate: " + rate + " (expected: >= 1)");
    }
    OpenFiles.require("self", sockets + connections);
    try (Session session = Session.open(options(), report, progress)) {
      String topic = session.newTopics(1).getFirst();
      try (SocketGroup group = session.sockets().onTopic(topic, sockets, 1)) {
        for (int run = 0; run < options().runs(); run++) {
          measure(session, group, topic, run);
        }
      }
    }
  }

  private void measure(Session session, SocketGroup group, String topic, int run)
      throws InterruptedException {
    String scenario = "latency, %d messages/s, %d sockets".formatted(rate, sockets);
    Optional<DiskSync> sync = session.measureDiskSync();
    var open =
        HttpConnection.openOnFirstLoop(
            session.loops(), session.endpoint(), connections, session.failures());
    var encoder = new Requests(session.endpoint(), session.token(), payloadBytes);
    var publisher =
        new PacedPublisher(
            session.loops(),
            open,
            () -> encoder.publish(topic),
            rate,
            group.publishers(),
            session.failures());

    long startNs = Stamp.nowNs() + LEAD.toNanos();
    long fromNs = startNs + warmupOf(run).toNanos();
    long toNs = fromNs + options().duration().toNanos();
    group.sampleBetween(fromNs, toNs);
    publisher.start(startNs, toNs);
    session.hold(warmupOf(run).plus(LEAD));
    publisher.takeLateness();
    CpuUse cpu = session.cpuUse();
    session.hold(options().duration());
    cpu.stop();
    long published = publisher.awaitEnd(DRAIN_TIMEOUT);
    session.requireNoFailures();
    group.awaitAndCheck(published, DRAIN_TIMEOUT);
    HttpConnection.closeAll(open);
    session.requireNoFailures();

    addFigures(session.report(), scenario, group.takeLatencies(), publisher.takeLateness(), sync);
    cpu.addTo(session.report(), scenario);
    session.progress().step("%s: run %d done".formatted(scenario, run + 1));
  }

  private void addFigures(
      Report report,
      String scenario,
      Histogram latencies,
      Histogram lateness,
      Optional<DiskSync> sync) {
    double p50 = ms(latencies, 50);
    double p99 = ms(latencies, 99);
    report.add(scenario, "publish to WebSocket p50", "ms", p50, Goal.atMost("<= 1.5", 1.5));
    report.add(scenario, "publish to WebSocket p90", "ms", ms(latencies, 90));
    if (sync.isPresent() && options().durable()) {
      Goal goal = Goal.atMost("<= 3 x fdatasync p99 + 2", 3 * sync.get().p99Ms() + 2);
      report.add(scenario, "publish to WebSocket p99", "ms", p99, goal);
    } else {
      report.add(scenario, "publish to WebSocket p99", "ms", p99);
    }
    report.add(scenario, "publish to WebSocket p99.9", "ms", ms(latencies, 99.9));
    report.add(scenario, "publish to WebSocket max", "ms", latencies.getMaxValue() / 1e6);
    report.add(scenario, "sent late p99", "ms", ms(lateness, 99));
    report.add(scenario, "messages measured", "messages", (double) latencies.getTotalCount());
  }

  private static double ms(Histogram histogram, double percentile) {
    return histogram.getValueAtPercentile(percentile) / 1e6;
  }
}
