// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BatchPublisher;
import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Consumers;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.PubsubRequests;
import dev.tidings.bench.load.Stamp;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Subscriptions: publishing to many of them, leasing and acknowledging.
@Command(
    name = "consume",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings bench consume --subscriptions 1,100 --filters none,distinct --json consume.json",
      "  tidings bench consume --modes consume --subscriptions 1 --backlog 1000000 --runs 1",
      "  tidings bench consume --url http://127.0.0.1:8000 --anonymous"
    },
    description = {
      "Subscriptions of one topic, with publishers (POST /topics/{id}/messages) and competing consumers"
          + " (GET /subscriptions/{id}/messages, then POST .../acks for all that came).",
      "  publish  publishers for --duration, nobody consumes: what a subscription costs a publish",
      "  consume  --backlog messages are published first; then they are consumed, and nothing is published",
      "  both     consumers from the start (or from a given --backlog on), while --messages are published",
      "Filters: none; same: one filter for all, which half of the messages pass; distinct: one for each,"
          + " every message passes one.",
      "With a given --backlog the rate of every tenth of what is consumed is told too.",
      "Every message must reach every subscription it is for, and no other, once: counted by number, and compared"
          + " with the server's own counts.",
      "Targets: 60,000 leased and acknowledged messages/s, durable; publishing with many subscriptions at least 1/1.5"
          + " of the rate with one, with distinct filters 1/3."
    })
final class ConsumeScenario extends Scenario {
  /// What is measured.
  enum Mode {
    publish,
    consume,
    both
  }

  private static final int MAX_LEASE = 100;
  private static final int MAX_BATCH = 10_000;
  private static final int MAX_NUMBER = 1_000_000_000;
  private static final int DEFAULT_DELIVERIES = 300_000;

  /// What an answer may hold (1 MiB), with room for the other fields of a message.
  private static final int MAX_LEASED_BYTES = 1 << 20;

  private static final int OTHER_FIELDS_BYTES = 512;
  private static final double GOAL_RATE = 60_000;

  @Mixin private CallerOptions caller = new CallerOptions();

  @Option(
      names = "--modes",
      split = ",",
      paramLabel = "MODE",
      description = "What is measured: ${COMPLETION-CANDIDATES}. Default: all")
  private List<Mode> modes = List.of(Mode.values());

  @Option(
      names = "--subscriptions",
      split = ",",
      paramLabel = "N",
      description = "Subscriptions of the topic, each number is measured. Default: 1,10,100")
  private List<Integer> subscriptions = List.of(1, 10, 100);

  @Option(
      names = "--filters",
      split = ",",
      paramLabel = "MIX",
      description =
          "Filters of the subscriptions: ${COMPLETION-CANDIDATES}; each is measured. Default: none")
  private List<FilterMix> filters = List.of(FilterMix.none);

  @Option(
      names = "--consumers",
      paramLabel = "N",
      description =
          "Consumers of a subscription, each a connection. Default: 8, and with more than 12"
              + " subscriptions fewer, about 100 in all, at least one each")
  private Optional<Integer> consumers = Optional.empty();

  @Option(
      names = "--publishers",
      paramLabel = "N",
      description = "Publishing connections. Default: ${DEFAULT-VALUE}")
  private int publishers = 4;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Messages in a publish. Default: ${DEFAULT-VALUE}")
  private int batch = 100;

  @Option(
      names = "--lease-size",
      paramLabel = "N",
      description = "Messages asked for in a lease, 1 to 100. Default: ${DEFAULT-VALUE}")
  private int leaseSize = MAX_LEASE;

  @Option(
      names = "--messages",
      paramLabel = "N",
      description =
          "Messages published by both, rounded up to whole batches. Default: as many as make 300,000"
              + " deliveries in all subscriptions")
  private Optional<Integer> messages = Optional.empty();

  @Option(
      names = "--backlog",
      paramLabel = "N",
      description =
          "Messages published before consume and both begin, rounded up to whole batches. Default:"
              + " for consume as many as --messages, for both none")
  private Optional<Integer> backlog = Optional.empty();

  @Option(
      names = {"--payload-bytes", "--payload-size"},
      paramLabel = "BYTES",
      description = "Size of a payload, at least 96. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 256;

  @Option(
      names = "--patience",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "How long nothing may move on before that is an error. Default: ${DEFAULT-VALUE}",
      defaultValue = "30s")
  private Duration patience = DRAIN_TIMEOUT;

  /// One row: so many subscriptions with such filters.
  private record Row(int subscriptions, FilterMix filters) {
    String name(Mode mode) {
      return "%s, %d subscriptions, filters %s".formatted(mode, subscriptions, filters);
    }
  }

  /// What a call of this scenario has counted, over all its measurements.
  private static final class Totals {
    private int measurements;
    private long published;
    private long acked;
  }

  @Override
  Duration plannedTime() {
    long ms = options().warmup().toMillis();
    for (Row row : rows()) {
      for (Mode mode : modes) {
        ms +=
            switch (mode) {
              case publish ->
                  timesRuns(options().duration().plus(RUN_UP)).plus(options().warmup()).toMillis();
              case consume -> timesRuns(atGoalRate(row, backlog(row))).toMillis();
              case both -> timesRuns(atGoalRate(row, backlog.orElse(0) + messages(row))).toMillis();
            };
      }
    }
    return Duration.ofMillis(ms);
  }

  private static Duration atGoalRate(Row row, long messages) {
    double seconds = row.filters().deliveries(messages, row.subscriptions()) / GOAL_RATE;
    return Duration.ofMillis((long) (1000 * seconds));
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    int most = Collections.max(rows().stream().map(this::connections).toList());
    OpenFiles.require("self", most);
    var totals = new Totals();
    // The relay's login and topics are not asked for: another server of this API has neither.
    try (Session session = Session.open(options(), report, progress, _ -> Optional.empty());
        PubsubApi api = new PubsubApi(session.endpoint())) {
      warmUp(session, api, totals);
      for (int run = 0; run < options().runs(); run++) {
        Map<Row, Double> published = new HashMap<>();
        for (Row row : rows()) {
          for (Mode mode : modes) {
            switch (mode) {
              case publish -> measurePublish(session, api, row, run, totals, published);
              case consume -> measureConsume(session, api, row, run, totals);
              case both -> measureBoth(session, api, row, run, totals);
            }
          }
        }
      }
    }
    report.note(
        ("Counted: %,d messages published, %,d deliveries leased and acknowledged. Nothing was lost,"
                + " nothing was delivered twice or to a subscription whose filter excludes it.")
            .formatted(totals.published, totals.acked));
  }

  private List<Row> rows() {
    return filters.stream()
        .flatMap(mix -> subscriptions.stream().map(count -> new Row(count, mix)))
        .toList();
  }

  @Override
  void check() {
    caller.check();
    subscriptions.forEach(count -> atLeastOne("subscriptions", count, PubsubRequests.MAX_GROUPS));
    atLeastOne("publishers", publishers, 10_000);
    atLeastOne("batch", batch, MAX_BATCH);
    atLeastOne("lease-size", leaseSize, MAX_LEASE);
    consumers.ifPresent(count -> atLeastOne("consumers", count, 10_000));
    messages.ifPresent(count -> atLeastOne("messages", count, MAX_NUMBER));
    backlog.ifPresent(count -> atLeastOne("backlog", count, MAX_NUMBER));
    int mostBytes = MAX_LEASED_BYTES / leaseSize - OTHER_FIELDS_BYTES;
    if (payloadBytes < PubsubRequests.MIN_PAYLOAD_BYTES || payloadBytes > mostBytes) {
      throw new BenchException(
          "payload-bytes: %d (expected: %d to %d with a lease-size of %d)"
              .formatted(payloadBytes, PubsubRequests.MIN_PAYLOAD_BYTES, mostBytes, leaseSize));
    }
  }

  private int consumers(Row row) {
    return consumers.orElse(Math.clamp(100 / row.subscriptions(), 1, 8));
  }

  private int connections(Row row) {
    return publishers + row.subscriptions() * consumers(row);
  }

  private long messages(Row row) {
    if (messages.isPresent()) {
      return wholeBatches(messages.get());
    }
    long each = row.filters().deliveries(row.subscriptions() * 2L, row.subscriptions());
    return wholeBatches(2L * DEFAULT_DELIVERIES * row.subscriptions() / each);
  }

  private long backlog(Row row) {
    return backlog.isPresent() ? wholeBatches(backlog.get()) : messages(row);
  }

  private long wholeBatches(long count) {
    return (count + batch - 1) / batch * batch;
  }

  /// One subscription for the warm-up's time, published to and consumed.
  private void warmUp(Session session, PubsubApi api, Totals totals) throws InterruptedException {
    if (options().warmup().isZero()) {
      return;
    }
    session.progress().step("warm-up");
    var row = new Row(1, FilterMix.none);
    PubsubRequests encoder = encoder(session, api);
    try (SubscribedTopic topic = topic(session, api, row, totals)) {
      var consuming = consumers(session, topic, row, encoder, 0);
      consuming.start();
      List<HttpConnection> open = openPublishers(session);
      BatchPublisher publisher = topic.publisher(open, encoder, batch, 0);
      publisher.start(MAX_NUMBER);
      session.hold(options().warmup());
      publisher.stop();
      finish(session, topic, publisher, consuming, 0, totals);
      HttpConnection.closeAll(open);
      consuming.close();
    }
  }

  private void measurePublish(
      Session session, PubsubApi api, Row row, int run, Totals totals, Map<Row, Double> rates)
      throws InterruptedException {
    String scenario = row.name(Mode.publish);
    session.measureDiskSync();
    PubsubRequests encoder = encoder(session, api);
    try (SubscribedTopic topic = topic(session, api, row, totals)) {
      List<HttpConnection> open = openPublishers(session);
      BatchPublisher publisher = topic.publisher(open, encoder, batch, 0);
      publisher.start(MAX_NUMBER);
      session.hold(RUN_UP);
      publisher.takeLatencies();
      long before = publisher.accepted();
      long startNs = Stamp.nowNs();
      CpuUse cpu = session.cpuUse();
      session.hold(options().duration());
      double rate = (publisher.accepted() - before) / ((Stamp.nowNs() - startNs) / 1e9);
      Histogram latencies = publisher.takeLatencies();
      cpu.stop();
      publisher.stop();
      awaitPublished(session, publisher);
      topic.requireAvailable(publisher.accepted(), patience);
      totals.published += publisher.accepted();
      rates.put(row, rate);
      Report report = session.report();
      report.add(scenario, "published", "messages/s", rate);
      addShareOfOne(report, scenario, row, rate, rates);
      report.addLatencies(scenario, "publish of " + batch, latencies);
      cpu.addTo(report, scenario);
      session.progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
      HttpConnection.closeAll(open);
    }
  }

  private static void addShareOfOne(
      Report report, String scenario, Row row, double rate, Map<Row, Double> rates) {
    Optional<Double> one = Optional.ofNullable(rates.get(new Row(1, FilterMix.none)));
    if (one.isEmpty() || row.equals(new Row(1, FilterMix.none))) {
      return;
    }
    double share = rate / one.get();
    String name = "share of the rate with 1, filters none";
    switch (row.filters()) {
      case none -> report.add(scenario, name, "ratio", share, Goal.atLeast(">= 1/1.5", 1 / 1.5));
      case distinct -> report.add(scenario, name, "ratio", share, Goal.atLeast(">= 1/3", 1.0 / 3));
      case same -> report.add(scenario, name, "ratio", share);
    }
  }

  private void measureConsume(Session session, PubsubApi api, Row row, int run, Totals totals)
      throws InterruptedException {
    String scenario = row.name(Mode.consume);
    session.measureDiskSync();
    PubsubRequests encoder = encoder(session, api);
    try (SubscribedTopic topic = topic(session, api, row, totals)) {
      long published = publishBacklog(session, topic, encoder, backlog(row), scenario);
      addMemory(session, scenario, "resident memory with the backlog");
      long deliveries = row.filters().deliveries(published, row.subscriptions());
      var consuming = consumers(session, topic, row, encoder, deliveries);
      consuming.allPublished(published);
      CpuUse cpu = session.cpuUse();
      consuming.start();
      awaitConsumed(session, consuming);
      cpu.stop();
      topic.requireAvailable(published, patience);
      totals.published += published;
      totals.acked += consuming.acked();
      addConsumed(session, scenario, consuming, deliveries, run);
      cpu.addTo(session.report(), scenario);
      addMemory(session, scenario, "resident memory when it is consumed");
      consuming.close();
    }
  }

  private void measureBoth(Session session, PubsubApi api, Row row, int run, Totals totals)
      throws InterruptedException {
    String scenario = row.name(Mode.both);
    session.measureDiskSync();
    PubsubRequests encoder = encoder(session, api);
    try (SubscribedTopic topic = topic(session, api, row, totals)) {
      long before =
          backlog.isPresent() ? publishBacklog(session, topic, encoder, backlog(row), scenario) : 0;
      long all = before + messages(row);
      long deliveries = row.filters().deliveries(all, row.subscriptions());
      var consuming = consumers(session, topic, row, encoder, deliveries);
      List<HttpConnection> open = openPublishers(session);
      BatchPublisher publisher = topic.publisher(open, encoder, batch, before);
      CpuUse cpu = session.cpuUse();
      long startNs = Stamp.nowNs();
      consuming.start();
      publisher.start(messages(row));
      finish(session, topic, publisher, consuming, before, totals);
      cpu.stop();
      totals.published += before;
      double seconds = (publisher.endNs() - startNs) / 1e9;
      session.report().add(scenario, "published", "messages/s", publisher.accepted() / seconds);
      addConsumed(session, scenario, consuming, deliveries, run);
      if (before == 0) {
        session
            .report()
            .addLatencies(scenario, "publish to lease", consuming.takeDeliveryLatencies());
      }
      cpu.addTo(session.report(), scenario);
      HttpConnection.closeAll(open);
      consuming.close();
    }
  }

  /// Waits for the publisher and then for the consumers, and checks the counts.
  private void finish(
      Session session,
      SubscribedTopic topic,
      BatchPublisher publisher,
      Consumers consuming,
      long before,
      Totals totals)
      throws InterruptedException {
    awaitPublished(session, publisher);
    consuming.allPublished(before + publisher.accepted());
    awaitConsumed(session, consuming);
    topic.requireAvailable(before + publisher.accepted(), patience);
    totals.published += publisher.accepted();
    totals.acked += consuming.acked();
  }

  private long publishBacklog(
      Session session, SubscribedTopic topic, PubsubRequests encoder, long count, String scenario)
      throws InterruptedException {
    List<HttpConnection> open = openPublishers(session);
    BatchPublisher publisher = topic.publisher(open, encoder, batch, 0);
    long startNs = Stamp.nowNs();
    publisher.start(count);
    awaitPublished(session, publisher);
    double seconds = (publisher.endNs() - startNs) / 1e9;
    session
        .report()
        .add(scenario, "backlog published", "messages/s", publisher.accepted() / seconds);
    HttpConnection.closeAll(open);
    topic.requireAvailable(publisher.accepted(), patience);
    return publisher.accepted();
  }

  private void addConsumed(
      Session session, String scenario, Consumers consuming, long deliveries, int run) {
    Report report = session.report();
    double rate = rate(consuming, (double) deliveries, 0, Consumers.PARTS);
    if (options().durable() && !options().onDatabase() && leaseSize == MAX_LEASE) {
      report.add(
          scenario, "leased and acked", "messages/s", rate, Goal.atLeast(">= 60,000", GOAL_RATE));
    } else {
      report.add(scenario, "leased and acked", "messages/s", rate);
    }
    if (backlog.isPresent()) {
      addTenths(report, scenario, consuming, deliveries);
    }
    report.addLatencies(scenario, "lease", consuming.takeLeaseLatencies());
    report.addLatencies(scenario, "ack", consuming.takeAckLatencies());
    report.add(scenario, "empty leases", "1", (double) consuming.emptyLeases());
    session.progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
  }

  private static void addTenths(
      Report report, String scenario, Consumers consuming, long deliveries) {
    double tenth = deliveries / (double) Consumers.PARTS;
    for (int part = 1; part <= Consumers.PARTS; part++) {
      report.add(
          scenario,
          "tenth %2d".formatted(part),
          "messages/s",
          rate(consuming, tenth, part - 1, part));
    }
    double first = rate(consuming, tenth, 0, 1);
    double last = rate(consuming, tenth, Consumers.PARTS - 1, Consumers.PARTS);
    report.add(scenario, "last tenth to first", "ratio", last / first, Goal.atLeast(">= 0.8", 0.8));
  }

  private static double rate(Consumers consuming, double messages, int from, int to) {
    double ns = Math.max(1, consuming.partEndNs(to) - consuming.partEndNs(from));
    return messages / (ns / 1e9);
  }

  private void addMemory(Session session, String scenario, String name) {
    if (backlog.isPresent()) {
      session
          .serverProcess()
          .ifPresent(server ->
              session
                  .report()
                  .add(scenario, name, "MiB", server.residentBytes() / (double) (1 << 20)));
    }
  }

  private void awaitPublished(Session session, BatchPublisher publisher)
      throws InterruptedException {
    session.holdUntil(
        publisher.done(),
        patience,
        publisher::accepted,
        () -> "%,d messages were published".formatted(publisher.accepted()));
  }

  private void awaitConsumed(Session session, Consumers consuming) throws InterruptedException {
    session.holdUntil(consuming.done(), patience, consuming::acked, consuming::shortfall);
  }

  private SubscribedTopic topic(Session session, PubsubApi api, Row row, Totals totals)
      throws InterruptedException {
    return SubscribedTopic.create(
        session, api, totals.measurements++, row.subscriptions(), row.filters());
  }

  /// With a token that is new, since one of a client may last for less than all measurements.
  private PubsubRequests encoder(Session session, PubsubApi api) throws InterruptedException {
    Optional<String> token = caller.token(session.endpoint(), options());
    api.use(token);
    return new PubsubRequests(session.endpoint(), token, payloadBytes);
  }

  private List<HttpConnection> openPublishers(Session session) throws InterruptedException {
    return HttpConnection.openOnFirstLoop(
        session.loops(), session.endpoint(), publishers, session.failures());
  }

  private Consumers consumers(
      Session session, SubscribedTopic topic, Row row, PubsubRequests encoder, long planned)
      throws InterruptedException {
    return Consumers.open(
        session.loops(),
        session.endpoint(),
        topic.ledgers(),
        consumers(row),
        encoder,
        leaseSize,
        planned,
        session.failures());
  }
}
