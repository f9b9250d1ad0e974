// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Receivers that all wait at once, for one message each: connection n at stream n modulo their
/// number, for a message whose number has the same remainder.
public final class StreamWaiters implements HttpConnection.Asker {
  /// Longer than anything here takes; the most a server allows by default.
  private static final int WAIT_S = 300;

  private final List<HttpConnection> connections;
  private final StreamRequests encoder;
  private final int streams;
  private final Failures failures;
  private final CountDownLatch served;
  private final BitSet received = new BitSet();
  private final Recorder latencies = new Recorder(3);
  private volatile long endNs;

  public StreamWaiters(
      List<HttpConnection> connections, StreamRequests encoder, int streams, Failures failures) {
    this.connections = connections;
    this.encoder = encoder;
    this.streams = streams;
    this.failures = failures;
    this.served = new CountDownLatch(connections.size());
  }

  /// Has all of them wait.
  public void start() {
    for (HttpConnection connection : connections) {
      connection
          .loop()
          .execute(() -> {
            connection.attach(this, StreamRequests.RECEIVE, 200, true);
            StreamReceive request = encoder.receive(WAIT_S);
            connection.send(request.toSend(connection.index() % streams));
            request.release();
          });
    }
  }

  /// Down when each has had its message.
  public CountDownLatch served() {
    return served;
  }

  /// Waiters that had their message so far.
  public long servedSoFar() {
    return connections.size() - served.getCount();
  }

  /// When the last was served, as [Stamp#nowNs].
  public long endNs() {
    return endNs;
  }

  /// From just before a message was sent to its waiter's answer, in nanoseconds.
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  /// What is missing, for the message about waiters that get nothing.
  public String shortfall() {
    return "%,d of %,d waiting receivers got their message"
        .formatted(servedSoFar(), connections.size());
  }

  @Override
  public void answered(HttpConnection connection, ResponseScanner answer) {
    if (!answer.isExpected()) {
      failures.broken(answer.keptText());
      return;
    }
    long nowNs = Stamp.nowNs();
    StampedMessages messages = StreamRequests.messages(1);
    boolean right =
        messages.read(answer.kept(), answer.keptLength())
            && messages.count() == 1
            && encoder.hasItsUuid(messages, 0)
            && messages.number(0) % streams == connection.index() % streams;
    if (!right || !isFirst(messages.number(0))) {
      failures.broken(
          "a receiver at %s was answered with a message of another stream, or that another one had: %s"
              .formatted(encoder.stream(connection.index() % streams), answer.keptText()));
      return;
    }
    latencies.recordValue(Math.max(0, nowNs - messages.timeNs(0)));
    endNs = nowNs;
    served.countDown();
  }

  private boolean isFirst(long number) {
    synchronized (received) { // Of all loops.
      boolean first = !received.get((int) number);
      received.set((int) number);
      return first;
    }
  }
}
