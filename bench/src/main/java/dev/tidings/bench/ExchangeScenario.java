// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Ack;
import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.ExchangeRequests;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Exchanges: routing by bindings, broadcast queues and work queues.
@Command(
    name = "exchange",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings bench exchange --json exchange.json",
      "  tidings bench exchange --modes fanout,work --sockets 1000 --workers 8",
      "  tidings bench exchange --bindings 1,100000 --types topic --queues durable"
    },
    description = {
      "Exchanges (POST /publish, one message a request) and the queues bound to them.",
      "  routing  publishers at full rate to one queue, through exchanges with each number of --bindings: with keys"
          + " of their own (direct), and with patterns that hold * and # (topic). The exchanges of a kind take turns"
          + " in a run. Nobody reads the queue; it is emptied after each run",
      "  fanout   --sockets WebSockets on a durable broadcast queue, and as many on a topic of the relay; either is"
          + " published to one message at a time by --publishers, as fast as its sockets follow. They take turns too",
      "  work     --workers WebSockets compete for a durable work queue, which acknowledges what is written to them,"
          + " and then waits for their acks; --work-publishers at full rate, at most --window messages ahead",
      "routing checks first that each key reaches the queue once and an unbound key does not, and counts after each"
          + " run; in fanout every socket must get every message in one order; in work every message must come once,"
          + " and the queue be empty at the end.",
      "Targets: with 10,000 bindings at least 1/1.2 of the rate with one; at least 1/1.1 of the relay's deliveries/s."
    })
final class ExchangeScenario extends Scenario {
  /// What is measured.
  enum Mode {
    routing,
    fanout,
    work
  }

  /// How the queue of routing keeps its messages.
  enum Keeping {
    durable,
    transient_;

    @Override
    public String toString() {
      return this == durable ? "durable" : "transient";
    }
  }

  private static final int MAX_CONNECTIONS = 1000;
  private static final int MAX_SOCKETS = 100_000;

  @Mixin private CallerOptions caller = new CallerOptions();

  @Option(
      names = "--modes",
      split = ",",
      paramLabel = "MODE",
      description = "What is measured: ${COMPLETION-CANDIDATES}. Default: routing")
  private List<Mode> modes = List.of(Mode.routing);

  @Option(
      names = "--bindings",
      split = ",",
      paramLabel = "N",
      description =
          "Bindings of the exchanges of routing, each number is measured. Default: 1,100,10000")
  private List<Integer> bindings = List.of(1, 100, 10_000);

  @Option(
      names = "--types",
      split = ",",
      paramLabel = "TYPE",
      description = "Types of the exchanges of routing: ${COMPLETION-CANDIDATES}. Default: all")
  private List<RoutingKeys> types = List.of(RoutingKeys.values());

  @Option(
      names = "--queues",
      split = ",",
      paramLabel = "KIND",
      description = "Queues of routing: ${COMPLETION-CANDIDATES}. Default: all")
  private List<Keeping> queues = List.of(Keeping.values());

  @Option(
      names = "--connections",
      paramLabel = "N",
      description = "Publishing connections of routing. Default: ${DEFAULT-VALUE}")
  private int connections = 64;

  @Option(
      names = "--sockets",
      paramLabel = "N",
      description =
          "WebSockets of fanout on the queue, and on the topic. Default: ${DEFAULT-VALUE}")
  private int sockets = 1000;

  @Option(
      names = "--publishers",
      paramLabel = "N",
      description = "Publishing connections of fanout. Default: ${DEFAULT-VALUE}")
  private int publishers = 8;

  @Option(
      names = "--sample-every",
      paramLabel = "N",
      description =
          "Of so many WebSockets of fanout one decodes what it receives. Default: ${DEFAULT-VALUE}")
  private int sampleEvery = 50;

  @Option(
      names = "--workers",
      paramLabel = "N",
      description = "WebSockets of work. Default: ${DEFAULT-VALUE}")
  private int workers = 8;

  @Option(
      names = "--acks",
      split = ",",
      paramLabel = "ACK",
      description = "How work acknowledges: ${COMPLETION-CANDIDATES}. Default: all")
  private List<Ack> acks = List.of(Ack.values());

  @Option(
      names = "--prefetch",
      paramLabel = "N",
      description =
          "Messages a WebSocket of work may have that it has not acknowledged, 1 to 1000."
              + " Default: ${DEFAULT-VALUE}")
  private int prefetch = 100;

  @Option(
      names = "--work-publishers",
      paramLabel = "N",
      description = "Publishing connections of work. Default: ${DEFAULT-VALUE}")
  private int workPublishers = 64;

  @Option(
      names = "--window",
      paramLabel = "N",
      description =
          "Messages that publishers of work may be ahead of the WebSockets. Default: ${DEFAULT-VALUE}")
  private int window = 1000;

  @Option(
      names = {"--payload-bytes", "--payload-size"},
      paramLabel = "BYTES",
      description = "Size of a payload, at least 64. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 256;

  @Option(
      names = "--patience",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "How long nothing may move on before that is an error. Default: ${DEFAULT-VALUE}",
      defaultValue = "30s")
  private Duration patience = DRAIN_TIMEOUT;

  @Override
  void check() {
    caller.check();
    bindings.forEach(count -> atLeastOne("bindings", count, RoutingKeys.MAX_BINDINGS));
    atLeastOne("connections", connections, MAX_CONNECTIONS);
    atLeastOne("sockets", sockets, MAX_SOCKETS);
    atLeastOne("publishers", publishers, MAX_CONNECTIONS);
    atLeastOne("sample-every", sampleEvery, MAX_SOCKETS);
    atLeastOne("workers", workers, MAX_SOCKETS);
    atLeastOne("prefetch", prefetch, 1000);
    atLeastOne("work-publishers", workPublishers, MAX_CONNECTIONS);
    atLeastOne("window", window, 1_000_000);
    if (payloadBytes < ExchangeRequests.MIN_PAYLOAD_BYTES) {
      throw new BenchException(
          "payload-bytes: %d (expected: >= %d)"
              .formatted(payloadBytes, ExchangeRequests.MIN_PAYLOAD_BYTES));
    }
  }

  @Override
  Duration plannedTime() {
    Duration run = timesRuns(options().duration().plus(RUN_UP)).plus(options().warmup());
    Duration all = Duration.ZERO;
    for (Mode mode : modes) {
      long runs =
          switch (mode) {
            case routing -> (long) bindings.size() * types.size() * queues.size();
            case fanout -> 2;
            case work -> acks.size();
          };
      all = all.plus(run.multipliedBy(runs));
    }
    return all;
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    var settings = new ExchangeSession.Settings(options(), caller, payloadBytes, patience);
    for (Mode mode : modes) {
      switch (mode) {
        case routing -> {
          try (var session =
              ExchangeSession.open(settings, report, progress, RoutingMeasurement.CONFIG)) {
            var routing =
                new RoutingMeasurement(
                    session, bindings.stream().sorted().distinct().toList(), connections);
            for (Keeping keeping : queues) {
              for (RoutingKeys keys : types) {
                routing.measure(keeping == Keeping.durable, keys);
              }
            }
          }
        }
        case fanout -> {
          OpenFiles.require("self", 2 * sockets + publishers);
          try (var session = ExchangeSession.open(settings, report, progress, Map.of())) {
            new QueueFanoutMeasurement(session, sockets, sampleEvery, publishers).measure();
          }
        }
        case work -> {
          OpenFiles.require("self", workers + workPublishers);
          try (var session = ExchangeSession.open(settings, report, progress, Map.of())) {
            var work = new WorkMeasurement(session, workers, prefetch, workPublishers, window);
            for (Ack ack : acks) {
              work.measure(ack);
            }
          }
        }
      }
    }
  }
}
