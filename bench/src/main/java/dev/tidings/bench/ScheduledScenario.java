// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.DueTimes;
import dev.tidings.bench.load.PubsubRequests;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Scheduled messages: storing many, and how late they come.
@Command(
    name = "scheduled",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings bench scheduled --runs 1 --json scheduled.json",
      "  tidings bench scheduled --messages 10000000 --over 10m --lead 10m --runs 1"
    },
    description = {
      "Messages that are due later (POST /topics/{id}/messages with deliver_at), stored in an order that is not that of"
          + " their due times, which are spread evenly over a while that begins when all are stored. A WebSocket on"
          + " their topic gets them.",
      "Memory is that after a full collection (jcmd GC.run), with none and with all of them waiting; with --url it needs"
          + " --pid.",
      "How late a message comes is told by the clock of this machine: a server elsewhere needs the same time.",
      "Messages are counted by number: how many came once, more than once, and never.",
      "Targets: 50 ms at the 99th percentile, and every message once."
    })
final class ScheduledScenario extends Scenario {
  /// What a server accepts in one request by default, less what surrounds a payload.
  private static final int MAX_BATCH_BYTES = 8 << 20;

  private static final int OTHER_FIELDS_BYTES = 100;
  private static final int MAX_BATCH = 10_000;
  private static final double PLANNED_RATE = 50_000;
  private static final Duration MAX_TIME = Duration.ofDays(1);

  @Mixin private CallerOptions caller = new CallerOptions();

  @Option(
      names = "--messages",
      paramLabel = "N",
      description = "Messages, rounded up to whole batches. Default: ${DEFAULT-VALUE}")
  private int messages = 1_000_000;

  @Option(
      names = "--over",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      defaultValue = "60s",
      description = "How long they come due. Default: ${DEFAULT-VALUE}")
  private Duration over = Duration.ofSeconds(60);

  @Option(
      names = "--lead",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "From the first publish until the first message is due. Default: twice what storing takes at"
              + " the rate of the warm-up, and 10 s")
  private Optional<Duration> lead = Optional.empty();

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Messages in a publish. Default: ${DEFAULT-VALUE}")
  private int batch = 1000;

  @Option(
      names = "--publishers",
      paramLabel = "N",
      description = "Publishing connections. Default: ${DEFAULT-VALUE}")
  private int publishers = 4;

  @Option(
      names = {"--payload-bytes", "--payload-size"},
      paramLabel = "BYTES",
      description = "Size of a payload, at least 96. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 128;

  @Option(
      names = "--patience",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "How long nothing may come, once all is due, before the rest counts as never come."
              + " Default: ${DEFAULT-VALUE}",
      defaultValue = "30s")
  private Duration patience = DRAIN_TIMEOUT;

  @Override
  void check() {
    caller.check();
    atLeastOne("messages", messages, DueTimes.MAX_MESSAGES - MAX_BATCH);
    atLeastOne("batch", batch, MAX_BATCH);
    atLeastOne("publishers", publishers, 10_000);
    if (over.isZero() || over.compareTo(MAX_TIME) > 0) {
      throw new BenchException(
          "over: " + over.toMillis() + " ms (expected: 1 ms to " + MAX_TIME.toHours() + " h)");
    }
    int mostBytes = MAX_BATCH_BYTES / batch - OTHER_FIELDS_BYTES;
    if (payloadBytes < PubsubRequests.MIN_PAYLOAD_BYTES || payloadBytes > mostBytes) {
      throw new BenchException(
          "payload-bytes: %d (expected: %d to %d with a batch of %d)"
              .formatted(payloadBytes, PubsubRequests.MIN_PAYLOAD_BYTES, mostBytes, batch));
    }
  }

  @Override
  Duration plannedTime() {
    Duration storing = lead.orElse(ScheduledMeasurement.lead(messages, PLANNED_RATE));
    return options().warmup().plus(timesRuns(storing.plus(over)));
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    Session.Login login = endpoint -> caller.token(endpoint, options());
    try (Session session = Session.open(options(), report, progress, login, config());
        PubsubApi api = new PubsubApi(session.endpoint())) {
      api.use(session.token());
      var settings =
          new ScheduledMeasurement.Settings(
              messages, over, batch, publishers, payloadBytes, patience);
      var measurement = new ScheduledMeasurement(session, api, settings);
      double rate = measurement.warmUp();
      for (int run = 0; run < options().runs(); run++) {
        session.measureDiskSync();
        measurement.measure(run, lead.orElse(ScheduledMeasurement.lead(messages, rate)));
      }
    }
  }

  /// What a server of its own needs so that it does not refuse the messages.
  private Map<String, String> config() {
    return messages > ScheduledMeasurement.DEFAULT_LIMIT
        ? Map.of("scheduled.limit", Integer.toString(messages + batch))
        : Map.of();
  }
}
