// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.EachOnce;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Stamp;
import dev.tidings.bench.load.StreamRequests;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// A session with what the measurements of streams share.
final class StreamsSession implements AutoCloseable {
  /// What is the same for all of them.
  record Settings(
      CommonOptions options, CallerOptions caller, int payloadBytes, Duration patience) {}

  private static final Duration TOKEN_AGE = Duration.ofMinutes(2);

  private final Settings settings;
  private final Session session;
  private final StreamsApi api;
  private Optional<String> token = Optional.empty();
  private long tokenFromNs;
  private int measurements;

  private StreamsSession(Settings settings, Session session) {
    this.settings = settings;
    this.session = session;
    this.api = new StreamsApi(session.endpoint());
  }

  /// Logs in to the server that is named, or to one started now with these keys in its
  /// configuration.
  static StreamsSession open(
      Settings settings, Report report, Progress progress, Map<String, String> config)
      throws InterruptedException {
    // The relay's login is asked for only if the caller is a user: see encoder.
    return new StreamsSession(
        settings,
        Session.open(settings.options(), report, progress, _ -> Optional.empty(), config));
  }

  Session session() {
    return session;
  }

  Report report() {
    return session.report();
  }

  CommonOptions options() {
    return settings.options();
  }

  StreamsApi api() {
    return api;
  }

  /// For a measurement with streams and ids of its own, and with a token that is not old, since one
  /// of a client may last for less than all measurements.
  StreamRequests encoder() throws InterruptedException {
    if (measurements == 0 || Stamp.nowNs() - tokenFromNs > TOKEN_AGE.toNanos()) {
      logIn();
    }
    int number = measurements++;
    String prefix = session.namePrefix() + number + "-";
    return new StreamRequests(session.endpoint(), token, prefix, settings.payloadBytes(), number);
  }

  private void logIn() throws InterruptedException {
    token = settings.caller().token(session.endpoint(), settings.options());
    tokenFromNs = Stamp.nowNs();
    api.use(token);
  }

  /// Opens connections that share nothing.
  List<HttpConnection> connect(int count) throws InterruptedException {
    return HttpConnection.open(session.loops(), session.endpoint(), count, session.failures());
  }

  /// Makes the calls of a load until all are answered.
  void finish(EachOnce calls) throws InterruptedException {
    calls.start();
    await(calls.done(), calls::answered, calls::shortfall);
  }

  /// Waits for a load that is under way; `moved` and `shortfall` as for [Session#holdUntil].
  void await(CountDownLatch done, LongSupplier moved, Supplier<String> shortfall)
      throws InterruptedException {
    session.holdUntil(done, settings.patience(), moved, shortfall);
  }

  /// The process whose memory is measured.
  ServerProcess server() {
    return session.serverProcess().orElseThrow();
  }

  /// Adds by how much memory grew for each of `count`.
  void addMemoryEach(
      String scenario,
      String what,
      ServerProcess.Memory before,
      ServerProcess.Memory after,
      int count) {
    double heap = (double) (after.heapBytes() - before.heapBytes()) / count;
    double resident = (double) (after.residentBytes() - before.residentBytes()) / count;
    report().add(scenario, "heap each, " + what, "bytes", heap);
    report().add(scenario, "resident memory each, " + what, "bytes", resident);
  }

  @Override
  public void close() {
    api.close();
    session.close();
  }
}
