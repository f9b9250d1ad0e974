// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Requests;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.StampedRequest;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
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
      try (SocketGroup group = session.sockets().onTopic(topic, sockets, sampleEvery)) {
        for (Mode mode : modes) {
          for (int run = 0; run < options().runs(); run++) {
            measure(session, group, topic, mode, run);
          }
        }
      }
    }
  }

  private void measure(Session session, SocketGroup group, String topic, Mode mode, int run)
      throws InterruptedException {
    String scenario = "fanout %s, %d sockets".formatted(mode, sockets);
    session.measureDiskSync();
    var encoder = new Requests(session.endpoint(), session.token(), payloadBytes);
    DeliveryRun result =
        switch (mode) {
          case full ->
              measure(
                  session,
                  group,
                  () -> encoder.bulk(List.of(topic), BATCH),
                  connections,
                  window,
                  run);
          case pipelined ->
              measure(session, group, () -> encoder.publish(topic), connections, connections, run);
          case single -> measure(session, group, () -> encoder.publish(topic), 1, 1, run);
        };
    double rate = result.deliveriesPerSecond();
    Goal goal =
        switch (mode) {
          case full -> Goal.atLeast(">= 800,000", 800_000);
          case pipelined, single -> Goal.atLeast(">= 300,000", 300_000);
        };
    session.report().add(scenario, "delivered", "messages/s", rate, goal);
    result.addFigures(session.report(), scenario);
    session.progress().step("%s: run %d, %,.0f deliveries/s".formatted(scenario, run + 1, rate));
  }

  private DeliveryRun measure(
      Session session,
      SocketGroup group,
      Supplier<StampedRequest> encode,
      int publishing,
      int ahead,
      int run)
      throws InterruptedException {
    return DeliveryRun.measure(
        session, group, encode, publishing, ahead, warmupOf(run), options().duration());
  }
}
