// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Publishes at a fixed rate, whatever the server does, and stamps each message with the moment it
/// was due.
///
/// A message that has to wait for a free connection keeps its due time, so a stalled server shows
/// in the latencies of all messages that came due meanwhile (no coordinated omission). Runs on the
/// first loop.
public final class PacedPublisher implements HttpConnection.Asker {
  private final List<HttpConnection> connections;
  private final List<StampedRequest> requests;
  private final long[] numbers;
  private final int firstPublisher;
  private final LoadLoops loops;
  private final double intervalNs;
  private final Failures failures;
  private final Recorder lateness = new Recorder(3);
  private final ArrayDeque<HttpConnection> idle = new ArrayDeque<>();
  private long startNs;
  private long endNs;
  private volatile long sent;
  private volatile long accepted;
  private volatile boolean ended;
  private boolean scheduled;

  public PacedPublisher(
      LoadLoops loops,
      List<HttpConnection> connections,
      Supplier<StampedRequest> encode,
      double messagesPerSecond,
      PublisherNumbers publishers,
      Failures failures) {
    this.loops = loops;
    this.connections = connections;
    this.intervalNs = 1e9 / messagesPerSecond;
    this.failures = failures;
    this.numbers = new long[connections.size()];
    this.firstPublisher = publishers.take(connections.size());
    this.requests = Stream.generate(encode).limit(connections.size()).toList();
  }

  /// Publishes from `startNs` until `endNs`, on the clock of [Stamp].
  public void start(long startNs, long endNs) {
    loops
        .first()
        .execute(() -> {
          this.startNs = startNs;
          this.endNs = endNs;
          for (HttpConnection connection : connections) {
            PublishCall call = requests.get(connection.index()).call();
            connection.attach(this, call.what(), call.expectedStatus(), false);
            idle.add(connection);
          }
          pump();
        });
  }

  /// Waits until the last due message is answered, and returns how many there were.
  public long awaitEnd(Duration timeout) throws InterruptedException {
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (!ended || accepted < sent) {
      if (failures.awaitBroken(Duration.ofMillis(5))) {
        break;
      }
      if (Stamp.nowNs() > deadlineNs) {
        failures.broken(
            "the server does not keep up with the rate: of %d messages due by then %d were sent and %d answered"
                .formatted((long) ((endNs - startNs) / intervalNs), sent, accepted));
        break;
      }
    }
    return accepted;
  }

  /// How late messages were sent, in nanoseconds since the last call: the generator's own part of
  /// the latency, plus the waits for a free connection.
  public Histogram takeLateness() {
    return lateness.getIntervalHistogram();
  }

  private void pump() {
    long nowNs = Stamp.nowNs();
    while (!idle.isEmpty()) {
      long dueNs = startNs + (long) (sent * intervalNs);
      if (dueNs >= endNs) {
        ended = true;
        return;
      }
      if (dueNs > nowNs) {
        schedule(dueNs - nowNs);
        return;
      }
      send(idle.removeFirst(), dueNs, nowNs);
    }
  }

  private void schedule(long inNs) {
    if (!scheduled) {
      scheduled = true;
      var _ = loops.first().schedule(this::tick, inNs, TimeUnit.NANOSECONDS);
    }
  }

  private void tick() {
    scheduled = false;
    pump();
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by the first loop alone.
  private void send(HttpConnection connection, long dueNs, long nowNs) {
    int index = connection.index();
    sent++;
    lateness.recordValue(nowNs - dueNs);
    connection.send(requests.get(index).toSend(firstPublisher + index, ++numbers[index], dueNs));
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by the first loop alone.
  public void answered(HttpConnection connection, ResponseScanner answer) {
    if (answer.isExpected()) {
      accepted++;
    } else {
      failures.broken(failures.first().orElse("a publish failed"));
    }
    idle.add(connection);
    pump();
  }
}
