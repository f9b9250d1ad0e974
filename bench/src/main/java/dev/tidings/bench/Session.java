// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Endpoint;
import dev.tidings.bench.load.Failures;
import dev.tidings.bench.load.LoadLoops;
import dev.tidings.bench.load.SocketOpener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// A server to measure, logged in to, and what a scenario needs to do so.
final class Session implements AutoCloseable {
  private static final Duration TICK = Duration.ofMillis(200);
  private static final Duration POLL = Duration.ofMillis(10);

  private final CommonOptions options;
  private final Report report;
  private final Progress progress;
  private final Optional<OwnServer> ownServer;
  private final Endpoint endpoint;
  private final Optional<String> token;
  private final LoadLoops loops;
  private final Failures failures = new Failures();
  private final List<String> topics = new ArrayList<>();
  private final String topicPrefix =
      "bench-"
          + Long.toString(ThreadLocalRandom.current().nextLong(1L << 40), 36)
              .toLowerCase(Locale.ROOT)
          + "-";

  private Session(
      CommonOptions options,
      Report report,
      Progress progress,
      Optional<OwnServer> ownServer,
      Endpoint endpoint,
      Optional<String> token) {
    this.options = options;
    this.report = report;
    this.progress = progress;
    this.ownServer = ownServer;
    this.endpoint = endpoint;
    this.token = token;
    this.loops = new LoadLoops(options.threads());
  }

  /// How a session gets its token, if it takes one.
  interface Login {
    Optional<String> token(Endpoint endpoint) throws InterruptedException;
  }

  /// Logs in to the server that is named, or to one started now.
  static Session open(CommonOptions options, Report report, Progress progress)
      throws InterruptedException {
    return open(
        options,
        report,
        progress,
        endpoint -> Optional.of(new RelayApi(endpoint).login(options.user(), options.password())));
  }

  /// As above, with a login of the scenario's own.
  static Session open(CommonOptions options, Report report, Progress progress, Login login)
      throws InterruptedException {
    return open(options, report, progress, login, Map.of());
  }

  /// As above; a server that is started has these keys of its configuration too.
  static Session open(
      CommonOptions options,
      Report report,
      Progress progress,
      Login login,
      Map<String, String> config)
      throws InterruptedException {
    if (options.url().isPresent()) {
      Endpoint endpoint = Endpoint.of(options.url().get());
      Optional<String> token = login.token(endpoint);
      return new Session(options, report, progress, Optional.empty(), endpoint, token);
    }
    OwnServer server = OwnServer.start(options.ownServer(config));
    try {
      warnOfMemoryDisk(options, report, server.dataDir());
      addStart(options, report, server.readyAfter());
      Optional<String> token = login.token(server.endpoint());
      return new Session(options, report, progress, Optional.of(server), server.endpoint(), token);
    } catch (BenchException | InterruptedException e) {
      server.close();
      throw e;
    }
  }

  private static void addStart(CommonOptions options, Report report, Duration readyAfter) {
    double ms = readyAfter.toMillis();
    if (options.onDatabase()) {
      report.add("start", "empty schema to ready", "ms", ms);
    } else {
      report.add("start", "empty data folder to ready", "ms", ms, Goal.atMost("<= 2,000", 2000));
    }
  }

  CommonOptions options() {
    return options;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  Optional<String> token() {
    return token;
  }

  LoadLoops loops() {
    return loops;
  }

  /// Opens WebSockets with the session's token.
  SocketOpener sockets() {
    return new SocketOpener(loops, endpoint, token, failures);
  }

  Failures failures() {
    return failures;
  }

  Report report() {
    return report;
  }

  Progress progress() {
    return progress;
  }

  /// The server's process, where that is known.
  Optional<ServerProcess> serverProcess() {
    return ownServer.map(OwnServer::process).or(() -> options.pid().map(ServerProcess::new));
  }

  /// Names of topics nobody used before; deleted afterwards if the server stays.
  List<String> newTopics(int count) {
    var names = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      names.add(topicPrefix + (topics.size() + i));
    }
    topics.addAll(names);
    return List.copyOf(names);
  }

  /// What all names on the server begin with that this session makes.
  String namePrefix() {
    return topicPrefix;
  }

  /// Lets the load run until it is done; throws as soon as something breaks, or when nothing has
  /// moved on for `patience`.
  ///
  /// @param moved a count that grows while the load gets on
  /// @param shortfall what is missing, for the message
  void holdUntil(
      CountDownLatch done, Duration patience, LongSupplier moved, Supplier<String> shortfall)
      throws InterruptedException {
    long before = moved.getAsLong();
    long movedAtNs = System.nanoTime();
    while (done.getCount() > 0) {
      if (failures.awaitBroken(POLL)) {
        throwFailures();
      }
      progress.passed(POLL);
      long now = moved.getAsLong();
      if (now != before) {
        before = now;
        movedAtNs = System.nanoTime();
      } else if (System.nanoTime() - movedAtNs > patience.toNanos()) {
        throw new BenchException(
            "for %d ms nothing came: %s".formatted(patience.toMillis(), shortfall.get()));
      }
    }
    requireNoFailures();
  }

  /// Lets the load run for a while; throws as soon as something breaks.
  void hold(Duration time) throws InterruptedException {
    long endNs = System.nanoTime() + time.toNanos();
    for (long restNs = time.toNanos(); restNs > 0; restNs = endNs - System.nanoTime()) {
      Duration part = Duration.ofNanos(Math.min(restNs, TICK.toNanos()));
      if (failures.awaitBroken(part)) {
        throwFailures();
      }
      progress.passed(part);
    }
  }

  /// Throws if any answer was not as expected.
  void requireNoFailures() {
    if (failures.count() > 0) {
      throwFailures();
    }
  }

  private void throwFailures() {
    String server =
        ownServer.map(it -> "\nThe end of the server's output:\n" + it.endOfLog()).orElse("");
    throw new BenchException(
        "%,d answers or events were not as expected; the first: %s%s"
            .formatted(failures.count(), failures.first().orElse("unknown"), server));
  }

  /// Measures fdatasync and adds it to the report; empty, with a note, where the server's disk is
  /// not known.
  Optional<DiskSync> measureDiskSync() {
    Optional<Path> dir = options.fsyncDir().or(() -> ownServer.map(OwnServer::dataDir));
    if (dir.isEmpty()) {
      report.note(
          "fdatasync was not measured: give --fsync-dir with a folder on the disk of the server at --url.");
      return Optional.empty();
    }
    DiskSync sync = DiskSync.measure(dir.get());
    report.add("disk", "fdatasync of 8 KiB, p50", "ms", sync.p50Ms());
    report.add("disk", "fdatasync of 8 KiB, p99", "ms", sync.p99Ms());
    return Optional.of(sync);
  }

  /// Deletes something that was made on the server; tells whether that was done.
  interface Deletion {
    boolean delete() throws InterruptedException;
  }

  /// Deletes what a measurement made, or notes what is left there.
  ///
  /// @param left for the note, as `The topic t stays`
  void delete(String left, Deletion deletion) {
    Optional<String> problem = Optional.empty();
    try {
      if (!deletion.delete()) {
        problem = Optional.of("it did not answer 204 to a DELETE");
      }
    } catch (BenchException e) {
      problem = Optional.of(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = Optional.of("interrupted");
    }
    problem.ifPresent(why -> report.note(left + " on the server: " + why + "."));
  }

  CpuUse cpuUse() {
    return CpuUse.since(serverProcess());
  }

  @Override
  public void close() {
    loops.close();
    if (ownServer.isPresent()) {
      ownServer.get().close();
    } else {
      deleteTopics();
    }
  }

  private void deleteTopics() {
    var api = new RelayApi(endpoint);
    int left = 0;
    try {
      for (String topic : topics) {
        left += api.deleteTopic(topic, token) ? 0 : 1;
      }
    } catch (BenchException e) {
      report.note("The topics " + topicPrefix + "* stay on the server: " + e.getMessage());
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    if (left > 0) {
      report.note(
          left
              + " topics named "
              + topicPrefix
              + "* stay on the server: it did not answer 204 to their DELETE.");
    }
  }

  private static void warnOfMemoryDisk(CommonOptions options, Report report, Path dir) {
    try {
      String type = Files.getFileStore(dir).type();
      if (options.durable() && !options.onDatabase() && type.equals("tmpfs")) {
        report.note(
            "The data folder lies in memory (tmpfs), so fsync costs nothing: give --dir with a folder on a disk.");
      }
    } catch (IOException e) {
      report.note("Whether the data folder lies on a disk is not known: " + e);
    }
  }
}
