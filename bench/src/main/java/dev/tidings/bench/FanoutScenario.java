// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.GatedPublisher;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.PublisherNumbers;
import dev.tidings.bench.load.Requests;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.Stamp;
import java.time.Duration;
import java.util.List;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// One topic, many WebSockets.
@Command(
    name = "fanout",
    footerHeading = "%nExamples:%n",
    footer = {"  tidings bench fanout --modes full,single --json fanout.json"},
    description = {
      "WebSockets subscribed to one topic, and publishers as fast as all sockets together can follow.",
      "  full       bulk publishes on several connections, up to --window messages ahead of the sockets",
      "  pipelined  single publishes on several connections, as many messages ahead as connections",
      "  single     one message at a time: the next is published when every socket has the previous one",
      "Frames per read tells how many messages the server wrote in one piece, as seen from outside.",
      "Latency is from just before a message is sent until a sampled socket has read it; ahead of the sockets it is",
      "mostly the window. At the end of each run every socket must have received every message, in one order.",
      "Targets: full 800,000 deliveries/s, one message at a time 300,000."
    })
final class FanoutScenario extends Scenario {
  /// How messages are published.
  enum Mode {
    full,
    pipelined,
    single
  }

  private static final int BATCH = 100;
  private static final Duration SUBSCRIBE_TIMEOUT = Duration.ofMinutes(1);

  @Option(
      names = "--sockets",
      paramLabel = "N",
      description = "WebSockets. Default: ${DEFAULT-VALUE}")
  private int sockets = 1000;

  @Option(
      names = "--modes",
      split = ",",
      paramLabel = "MODE",
      description = "What is measured: ${COMPLETION-CANDIDATES}. Default: all")
  private List<Mode> modes = List.of(Mode.values());

  @Option(
      names = "--connections",
      paramLabel = "N",
      description = "Publishing connections of full and pipelined. Default: ${DEFAULT-VALUE}")
  private int connections = 8;

  @Option(
      names = "--window",
      paramLabel = "N",
      description =
          "Messages full may be ahead of the sockets, at least 100. Default: ${DEFAULT-VALUE}")
  private int window = 800;

  @Option(
      names = "--payload-bytes",
      paramLabel = "BYTES",
      description = "Size of a payload, at least 64. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 256;

  @Option(
      names = "--sample-every",
      paramLabel = "N",
      description = "Of so many sockets one decodes what it receives. Default: ${DEFAULT-VALUE}")
  private int sampleEvery = 50;

  /// Counts that go on over all runs on the same sockets.
  private static final class Published {
    private long messages;
  }

  @Override
  Duration plannedTime() {
    Duration each = timesRuns(options().duration().plus(RUN_UP)).plus(options().warmup());
    return each.multipliedBy(modes.size());
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    if (window < BATCH) {
      throw new BenchException(
          "window: " + window + " (expected: >= " + BATCH + ", one bulk publish)");
    }
    OpenFiles.require("self", sockets + connections);
    try (Session session = Session.open(options(), report, progress)) {
      String topic = session.newTopics(1).getFirst();
      try (SocketGroup group =
          SocketGroup.open(
              session.loops(),
              session.endpoint(),
              session.token(),
              topic,
              sockets,
              sampleEvery,
              SUBSCRIBE_TIMEOUT,
              session.failures())) {
        var publishers = new PublisherNumbers();
        var published = new Published();
        for (Mode mode : modes) {
          for (int run = 0; run < options().runs(); run++) {
            measure(session, group, topic, mode, run, publishers, published);
          }
        }
      }
    }
  }

  private void measure(
      Session session,
      SocketGroup group,
      String topic,
      Mode mode,
      int run,
      PublisherNumbers publishers,
      Published published)
      throws InterruptedException {
    String scenario = "fanout %s, %d sockets".formatted(mode, sockets);
    int count = mode == Mode.single ? 1 : connections;
    session.measureDiskSync();
    var open =
        HttpConnection.openOnFirstLoop(
            session.loops(), session.endpoint(), count, session.failures());
    var encoder = new Requests(session.endpoint(), session.token(), payloadBytes);
    var publisher =
        switch (mode) {
          case full -> publisher(session, open, encoder, topic, BATCH, window, group, publishers);
          case pipelined -> publisher(session, open, encoder, topic, 1, count, group, publishers);
          case single -> publisher(session, open, encoder, topic, 1, 1, group, publishers);
        };
    publisher.start();
    session.hold(warmupOf(run));
    long startNs = Stamp.nowNs();
    group.sampleBetween(startNs, startNs + options().duration().toNanos());
    SocketGroup.Counts before = group.counts();
    CpuUse cpu = session.cpuUse();
    session.hold(options().duration());
    SocketGroup.Counts after = group.counts();
    double seconds = (Stamp.nowNs() - startNs) / 1e9;
    cpu.stop();
    published.messages += publisher.stopAndDrain(DRAIN_TIMEOUT);
    HttpConnection.closeAll(open);
    session.requireNoFailures();
    group.check(published.messages);
    session.requireNoFailures();
    addFigures(session, scenario, mode, run, before, after, seconds);
    Histogram latencies = group.takeLatencies();
    session.report().add(scenario, "latency p50", "ms", latencies.getValueAtPercentile(50) / 1e6);
    session.report().add(scenario, "latency p99", "ms", latencies.getValueAtPercentile(99) / 1e6);
    cpu.addTo(session.report(), scenario);
  }

  private static GatedPublisher publisher(
      Session session,
      List<HttpConnection> open,
      Requests encoder,
      String topic,
      int batch,
      int window,
      SocketGroup group,
      PublisherNumbers publishers) {
    return new GatedPublisher(
        session.loops(),
        open,
        encoder,
        topic,
        batch,
        window,
        group,
        publishers,
        session.failures());
  }

  private void addFigures(
      Session session,
      String scenario,
      Mode mode,
      int run,
      SocketGroup.Counts before,
      SocketGroup.Counts after,
      double seconds) {
    long deliveries = after.deliveries() - before.deliveries();
    double rate = deliveries / seconds;
    Goal goal =
        switch (mode) {
          case full -> Goal.atLeast(">= 800,000", 800_000);
          case pipelined, single -> Goal.atLeast(">= 300,000", 300_000);
        };
    Report report = session.report();
    report.add(scenario, "delivered", "messages/s", rate, goal);
    report.add(scenario, "published", "messages/s", rate / sockets);
    report.add(
        scenario,
        "frames per read",
        "messages",
        (double) deliveries / Math.max(1, after.reads() - before.reads()));
    session.progress().step("%s: run %d, %,.0f deliveries/s".formatted(scenario, run + 1, rate));
  }
}
