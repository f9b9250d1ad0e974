// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BatchPublisher;
import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.DueReader;
import dev.tidings.bench.load.DueTimes;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.PubsubRequests;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.Stamp;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.HdrHistogram.Histogram;

/// How fast messages that are due later are stored, what they cost the server while they wait, and
/// how late they come.
final class ScheduledMeasurement {
  /// Messages stored a second, where no warm-up has told.
  private static final double ASSUMED_RATE = 10_000;

  /// How many messages may wait by default, less those of the warm-up.
  static final int DEFAULT_LIMIT = 9_900_000;

  private static final int WARMUP_MESSAGES = 10_000;
  private static final Duration WARMUP_LEAD = Duration.ofSeconds(1);
  private static final Duration WARMUP_OVER = Duration.ofMillis(500);

  /// For full collections, after all is stored.
  private static final Duration MARGIN = Duration.ofSeconds(10);

  private static final Duration POLL = Duration.ofMillis(20);

  /// After the last message, for those that come again.
  private static final Duration LINGER = Duration.ofMillis(500);

  private static final double GOAL_LATE_MS = 50;

  /// What is the same for all runs.
  record Settings(
      int messages,
      Duration over,
      int batch,
      int publishers,
      int payloadBytes,
      Duration patience) {}

  private final Session session;
  private final PubsubApi api;
  private final Settings settings;
  private final Clock clock = Clock.systemUTC();
  private int made;

  ScheduledMeasurement(Session session, PubsubApi api, Settings settings) {
    this.session = session;
    this.api = api;
    this.settings = settings;
  }

  /// How long before they are due messages are to be stored, of which so many are in a second.
  static Duration lead(int messages, double rate) {
    return Duration.ofMillis((long) (2000.0 * messages / rate)).plus(MARGIN);
  }

  /// Some messages are stored and received before it counts, so that code and pools are there.
  ///
  /// @return how many were stored a second
  double warmUp() throws InterruptedException {
    double rate = ASSUMED_RATE;
    Duration warmup = session.options().warmup();
    if (!warmup.isZero()) {
      session.progress().step("warm-up");
    }
    long endNs = Stamp.nowNs() + warmup.toNanos();
    while (Stamp.nowNs() < endNs) {
      int count = Math.min(settings.messages(), WARMUP_MESSAGES);
      try (Round round = new Round(count, WARMUP_LEAD, WARMUP_OVER)) {
        round.store();
        rate = round.storedPerSecond();
        round.receive();
      }
    }
    return rate;
  }

  void measure(int run, Duration lead) throws InterruptedException {
    Report report = session.report();
    Optional<ServerProcess> server = session.serverProcess();
    Optional<ServerProcess.Memory> before = memory(server);
    try (Round round = new Round(settings.messages(), lead, settings.over())) {
      String storing = "scheduled, storing %,d".formatted(round.count);
      CpuUse storingCpu = session.cpuUse();
      round.store();
      storingCpu.stop();
      round.requireNoneDue("all were stored");
      report.add(storing, "stored", "messages/s", round.storedPerSecond());
      report.addLatencies(
          storing, "publish of %,d".formatted(settings.batch()), round.publisher.takeLatencies());
      storingCpu.addTo(report, storing);
      Optional<ServerProcess.Memory> full = memory(server);
      if (before.isPresent() && full.isPresent()) {
        addMemory(storing, before.get(), full.get());
      }
      round.requireNoneDue("all were stored and the memory was read");

      String due = "scheduled, coming due over " + seconds(settings.over());
      session.hold(round.untilDue());
      CpuUse dueCpu = session.cpuUse();
      round.receive();
      dueCpu.stop();
      double rate = round.receivedPerSecond();
      report.add(due, "due", "messages/s", round.count / (settings.over().toMillis() / 1000.0));
      report.add(due, "received", "messages/s", rate);
      addLateness(due, round.reader.takeLateness());
      addCounts(due, round);
      dueCpu.addTo(report, due);
      server.ifPresent(it ->
          report.add(due, "resident memory when all have come", "MiB", mib(it.residentBytes())));
      session
          .progress()
          .step(
              "scheduled: run %d, %,.0f stored/s, %,.0f received/s"
                  .formatted(run + 1, round.storedPerSecond(), rate));
    }
  }

  private static Optional<ServerProcess.Memory> memory(Optional<ServerProcess> server)
      throws InterruptedException {
    return server.isPresent()
        ? Optional.of(server.get().memoryAfterFullCollection())
        : Optional.empty();
  }

  private void addMemory(String scenario, ServerProcess.Memory before, ServerProcess.Memory full) {
    Report report = session.report();
    report.add(scenario, "heap with none waiting", "MiB", mib(before.heapBytes()));
    report.add(scenario, "heap with all waiting", "MiB", mib(full.heapBytes()));
    report.add(scenario, "resident memory with none waiting", "MiB", mib(before.residentBytes()));
    report.add(scenario, "resident memory with all waiting", "MiB", mib(full.residentBytes()));
  }

  private void addLateness(String scenario, Histogram lateness) {
    Report report = session.report();
    report.add(scenario, "late p50", "ms", lateness.getValueAtPercentile(50) / 1e6);
    report.add(
        scenario,
        "late p99",
        "ms",
        lateness.getValueAtPercentile(99) / 1e6,
        Goal.atMost("<= 50", GOAL_LATE_MS));
    report.add(scenario, "late max", "ms", lateness.getMaxValue() / 1e6);
  }

  private void addCounts(String scenario, Round round) {
    Report report = session.report();
    DueReader reader = round.reader;
    Goal none = Goal.atMost("0", 0);
    report.add(scenario, "came once", "1", (double) reader.once());
    report.add(scenario, "came more than once", "1", (double) reader.moreThanOnce(), none);
    report.add(scenario, "never came", "1", (double) reader.missing(), none);
    report.add(scenario, "came before they were due", "1", (double) reader.early(), none);
    report.add(
        scenario, "came after one that is due later", "1", (double) reader.outOfOrder(), none);
  }

  private static double mib(long bytes) {
    return bytes / (double) (1 << 20);
  }

  private static String seconds(Duration time) {
    return time.toMillis() / 1000.0 + " s";
  }

  /// Messages of one new topic, stored and received once; the topic is gone after [#close].
  private final class Round implements AutoCloseable {
    private final String topic = session.namePrefix() + made;
    private final long count;
    private final DueTimes due;
    private final DueReader reader;
    private final BatchPublisher publisher;
    private final List<HttpConnection> connections;
    private final SocketGroup sockets;
    private final long startNs;

    private Round(int messages, Duration lead, Duration over) throws InterruptedException {
      // Marks of a round tell its messages from another's.
      int mark = made++ % 10_000;
      int batch = Math.min(settings.batch(), messages);
      count = (messages + batch - 1L) / batch * batch;
      api.createTopic(topic);
      boolean opened = false;
      try {
        reader = new DueReader(clock, mark, count);
        sockets = session.sockets().onSchedule(topic, reader);
        connections =
            HttpConnection.openOnFirstLoop(
                session.loops(), session.endpoint(), settings.publishers(), session.failures());
        due = new DueTimes(clock.millis() + lead.toMillis(), over.toMillis(), count);
        var encoder =
            new PubsubRequests(session.endpoint(), session.token(), settings.payloadBytes());
        publisher =
            BatchPublisher.scheduling(
                session.loops(), connections, encoder, topic, batch, due, mark, session.failures());
        startNs = Stamp.nowNs();
        opened = true;
      } finally {
        if (!opened) {
          deleteTopic();
        }
      }
    }

    private void store() throws InterruptedException {
      publisher.start(count);
      session.holdUntil(
          publisher.done(),
          settings.patience(),
          publisher::accepted,
          () -> "%,d of %,d messages were stored".formatted(publisher.accepted(), count));
      // The server would close them while the messages wait, as it does with all that are idle.
      HttpConnection.closeAll(connections);
    }

    private double storedPerSecond() {
      return count / (Math.max(1, publisher.endNs() - startNs) / 1e9);
    }

    /// Otherwise fewer were waiting than the figures say.
    private void requireNoneDue(String what) {
      if (clock.millis() >= due.startMs()) {
        throw new BenchException(
            "lead: the first messages were due before %s, %d ms after the first publish (expected: a longer --lead)"
                .formatted(what, (Stamp.nowNs() - startNs) / 1_000_000));
      }
    }

    private Duration untilDue() {
      return Duration.ofMillis(Math.max(0, due.startMs() - clock.millis()));
    }

    /// Waits until all have come, or until nothing has for as long as patience lasts.
    private void receive() throws InterruptedException {
      long endMs = due.startMs() + due.overMs();
      long before = reader.received();
      long movedMs = endMs;
      while (reader.missing() > 0) {
        session.hold(POLL);
        long now = clock.millis();
        if (reader.received() != before || now < endMs) {
          before = reader.received();
          movedMs = Math.max(now, endMs);
        } else if (now - movedMs > settings.patience().toMillis()) {
          return;
        }
      }
      session.hold(LINGER);
    }

    private double receivedPerSecond() {
      double ns = Math.max(1, reader.lastAtNs() - due.startMs() * 1_000_000);
      return (count - reader.missing()) / (ns / 1e9);
    }

    @Override
    public void close() {
      HttpConnection.closeAll(connections);
      sockets.close();
      deleteTopic();
    }

    private void deleteTopic() {
      session.delete("The topic " + topic + " stays", () -> api.deleteTopic(topic));
    }
  }
}
