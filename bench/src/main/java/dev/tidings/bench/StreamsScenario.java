// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.StreamRequests;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Streams: sending and receiving, many streams, many who wait, and stored messages.
@Command(
    name = "streams",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings bench streams --modes pairs --json streams.json",
      "  tidings bench streams --modes many --streams 1000000 --runs 1",
      "  tidings bench streams --modes pairs,stored --url http://127.0.0.1:8000 --anonymous"
    },
    description = {
      "Streams (POST /api/v1/streams/send, GET /api/v1/streams/receive), each connection with one call outstanding.",
      "  pairs    senders and receivers at once for --duration, each at one of --pair-streams; senders wait where"
          + " 100 messages are. GET /health on the same connections beside it",
      "  many     one message to each of --streams, with the server's memory; then each is received, and the"
          + " streams must be freed",
      "  waiters  --waiters receivers wait at once, with the server's memory; then each is served. After that one"
          + " receiver waits for one message, --rounds times",
      "  stored   --messages with writeToDB to --pair-streams, which are then replayed from their beginning",
      "Memory is that after a full collection (jcmd GC.run). many and waiters take a server of its own for each run;"
          + " with --url they need --pid, and make one run.",
      "Every message must come out of its stream with its id, and once: checked by number.",
      "Targets: 30,000 sends and receives/s together; 500 bytes of heap for a stream with a message of 100 bytes,"
          + " given back when it is idle; 1 ms at the median from a send to who waits."
    })
final class StreamsScenario extends Scenario {
  /// What is measured.
  enum Mode {
    pairs,
    many,
    waiters,
    stored
  }

  /// What an answer may hold (1 MiB), with room for the other fields of a message.
  private static final int MAX_ANSWER_BYTES = 1 << 20;

  private static final int OTHER_FIELDS_BYTES = 256;
  private static final int MAX_NUMBER = 1_000_000_000;
  private static final int MAX_STREAMS = 50_000_000;

  /// As many as a stamp has senders.
  private static final int MAX_CONNECTIONS = 9999;

  /// Fewer than a server accepts by default, and than one address has ports for.
  private static final int MAX_WAITERS = 19_000;

  private static final int DEFAULT_PAIR_STREAMS = 64;
  private static final double PLANNED_RATE = 15_000;

  @Mixin private CallerOptions caller = new CallerOptions();

  @Option(
      names = "--modes",
      split = ",",
      paramLabel = "MODE",
      description = "What is measured: ${COMPLETION-CANDIDATES}. Default: all")
  private List<Mode> modes = List.of(Mode.values());

  @Option(
      names = "--senders",
      paramLabel = "N",
      description = "Sending connections. Default: ${DEFAULT-VALUE}")
  private int senders = 64;

  @Option(
      names = "--receivers",
      paramLabel = "N",
      description = "Receiving connections of pairs and many. Default: ${DEFAULT-VALUE}")
  private int receivers = 64;

  @Option(
      names = "--pair-streams",
      paramLabel = "N",
      description =
          "Streams of pairs and stored, at most as many as senders and as receivers, who stay at one"
              + " each. Default: 64, or as many as those are")
  private Optional<Integer> pairStreams = Optional.empty();

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "Streams of many. Default: ${DEFAULT-VALUE}")
  private int streams = 1_000_000;

  @Option(
      names = "--idle-time",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      defaultValue = "1s",
      description =
          "streams.idle-time of the own server for many; say that of the server at --url."
              + " Default: ${DEFAULT-VALUE}")
  private Duration idleTime = Duration.ofSeconds(1);

  @Option(
      names = "--waiters",
      paramLabel = "N",
      description = "Receivers that wait at once. Default: ${DEFAULT-VALUE}")
  private int waiters = 10_000;

  @Option(
      names = "--waiter-streams",
      paramLabel = "N",
      description = "Streams they wait at; 0 is one for each. Default: ${DEFAULT-VALUE}")
  private int waiterStreams;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Messages sent to the one receiver that waits. Default: ${DEFAULT-VALUE}")
  private int rounds = 2000;

  @Option(
      names = "--messages",
      paramLabel = "N",
      description = "Messages of stored. Default: ${DEFAULT-VALUE}")
  private int messages = 200_000;

  @Option(
      names = "--replay-batch",
      paramLabel = "N",
      description = "maxMessages of a replay. Default: ${DEFAULT-VALUE}")
  private int replayBatch = 100;

  @Option(
      names = {"--payload-bytes", "--payload-size"},
      paramLabel = "BYTES",
      description = "Size of a message, at least 64. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 100;

  @Option(
      names = "--settle",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      defaultValue = "2s",
      description = "Rest before memory is read. Default: ${DEFAULT-VALUE}")
  private Duration settle = Duration.ofSeconds(2);

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
    atLeastOne("senders", senders, MAX_CONNECTIONS);
    atLeastOne("receivers", receivers, MAX_CONNECTIONS);
    atLeastOne("pair-streams", pairStreams(), Math.min(senders, receivers));
    atLeastOne("streams", streams, MAX_STREAMS);
    atLeastOne("waiters", waiters, MAX_WAITERS);
    atLeastOne("rounds", rounds, MAX_NUMBER);
    atLeastOne("messages", messages, MAX_NUMBER);
    atLeastOne("replay-batch", replayBatch, 1000);
    if (waiterStreams < 0 || waiterStreams > waiters) {
      throw new BenchException(
          "waiter-streams: %d (expected: 0 to %d, the waiters)".formatted(waiterStreams, waiters));
    }
    int mostBytes = MAX_ANSWER_BYTES / replayBatch - OTHER_FIELDS_BYTES;
    if (payloadBytes < StreamRequests.MIN_PAYLOAD_BYTES || payloadBytes > mostBytes) {
      throw new BenchException(
          "payload-bytes: %d (expected: %d to %d with a replay-batch of %d)"
              .formatted(payloadBytes, StreamRequests.MIN_PAYLOAD_BYTES, mostBytes, replayBatch));
    }
    boolean ofMemory = modes.contains(Mode.many) || modes.contains(Mode.waiters);
    if (ofMemory && options().url().isPresent() && options().pid().isEmpty()) {
      throw new BenchException(
          "the memory of the server at %s cannot be measured, which many and waiters do (expected: --pid with its process id, if it runs on this machine; or --modes without them)"
              .formatted(options().url().get()));
    }
  }

  private int pairStreams() {
    return pairStreams.orElse(Math.min(DEFAULT_PAIR_STREAMS, Math.min(senders, receivers)));
  }

  @Override
  Duration plannedTime() {
    long ms = 0;
    for (Mode mode : modes) {
      ms +=
          switch (mode) {
            case pairs ->
                timesRuns(options().duration().plus(RUN_UP).multipliedBy(2))
                    .plus(options().warmup().multipliedBy(2))
                    .toMillis();
            case many ->
                memoryRuns()
                    * (options().warmup().plus(settle.multipliedBy(3)).toMillis()
                        + atPlannedRate(2L * streams)
                        + 2 * ManyStreamsMeasurement.DEDUPLICATION_WINDOW.toMillis());
            case waiters ->
                memoryRuns()
                    * (options().warmup().plus(settle.multipliedBy(3)).toMillis()
                        + rounds * (WaitersMeasurement.PAUSE.toMillis() + 1));
            case stored -> timesRuns(options().warmup()).toMillis() + atPlannedRate(2L * messages);
          };
    }
    return Duration.ofMillis(ms);
  }

  private static long atPlannedRate(long calls) {
    return (long) (1000 * calls / PLANNED_RATE);
  }

  /// Memory once touched stays, so that a server can be measured once.
  private int memoryRuns() {
    return options().url().isPresent() ? 1 : options().runs();
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    var settings = new StreamsSession.Settings(options(), caller, payloadBytes, patience);
    for (Mode mode : modes) {
      switch (mode) {
        case pairs -> {
          try (var session = StreamsSession.open(settings, report, progress, Map.of())) {
            new PairsMeasurement(session, senders, receivers, pairStreams()).measure();
          }
        }
        case many -> {
          for (int run = 0; run < memoryRuns(); run++) {
            Map<String, String> config =
                ManyStreamsMeasurement.config(streams, payloadBytes, idleTime);
            try (var session = StreamsSession.open(settings, report, progress, config)) {
              new ManyStreamsMeasurement(session, streams, senders, receivers, idleTime, settle)
                  .measure(run, payloadBytes);
            }
          }
        }
        case waiters -> {
          int at = waiterStreams == 0 ? waiters : waiterStreams;
          for (int run = 0; run < memoryRuns(); run++) {
            try (var session = StreamsSession.open(settings, report, progress, Map.of())) {
              new WaitersMeasurement(session, waiters, at, senders, rounds, settle).measure(run);
            }
          }
        }
        case stored -> {
          try (var session = StreamsSession.open(settings, report, progress, Map.of())) {
            new StoredMeasurement(session, senders, pairStreams(), messages, replayBatch).measure();
          }
        }
      }
    }
    report.note(
        "Nothing was lost, nothing came twice or out of another stream, and each message had the id it was sent with.");
  }
}
