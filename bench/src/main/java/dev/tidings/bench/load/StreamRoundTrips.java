// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// One waiting receiver and one sender, who sends when the receiver has waited for a while; over
/// and over. Runs on the first loop.
public final class StreamRoundTrips implements HttpConnection.Asker {
  private static final int WAIT_S = 30;

  private final LoadLoops loops;
  private final HttpConnection receiver;
  private final HttpConnection sender;
  private final StreamRequests encoder;
  private final StreamReceive receive;
  private final StreamSend send;
  private final StampedMessages messages = StreamRequests.messages(1);
  private final long pauseNs;
  private final Failures failures;
  private final Recorder latencies = new Recorder(3);
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile long limit = Long.MAX_VALUE;
  private volatile long rounds;
  private int unanswered;

  /// @param pair two connections of [HttpConnection#openOnFirstLoop]
  /// @param pauseNs how long the receiver waits before its message is sent
  public StreamRoundTrips(
      LoadLoops loops,
      List<HttpConnection> pair,
      StreamRequests encoder,
      long pauseNs,
      Failures failures) {
    this.loops = loops;
    this.receiver = pair.getFirst();
    this.sender = pair.getLast();
    this.encoder = encoder;
    this.receive = encoder.receive(WAIT_S);
    this.send = encoder.send(StreamRequests.Keeping.CIRCULAR);
    this.pauseNs = pauseNs;
    this.failures = failures;
  }

  /// Goes on until [#endAfter].
  public void start() {
    loops
        .first()
        .execute(() -> {
          receiver.attach(this, StreamRequests.RECEIVE, 200, true);
          sender.attach(this, StreamRequests.SEND, 200, false);
          begin();
        });
  }

  /// Forgets the latencies so far and ends after that many more rounds.
  public void endAfter(long more) {
    loops
        .first()
        .execute(() -> {
          latencies.reset();
          limit = rounds + more;
        });
  }

  /// Down after the last round.
  public CountDownLatch done() {
    return done;
  }

  public long rounds() {
    return rounds;
  }

  /// From just before a message was sent to the waiter's answer, in nanoseconds, since [#endAfter].
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  private void begin() {
    if (rounds >= limit) {
      receive.release();
      send.release();
      done.countDown();
      return;
    }
    unanswered = 2;
    receiver.send(receive.toSend(0));
    var _ =
        loops
            .first()
            .schedule(
                () -> sender.send(send.toSend(0, 0, rounds, Stamp.nowNs())),
                pauseNs,
                TimeUnit.NANOSECONDS);
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by the first loop alone.
  public void answered(HttpConnection connection, ResponseScanner answer) {
    if (!answer.isExpected()) {
      failures.broken(answer.keptText());
      return;
    }
    if (connection == receiver) {
      long nowNs = Stamp.nowNs();
      boolean right =
          messages.read(answer.kept(), answer.keptLength())
              && messages.count() == 1
              && messages.number(0) == rounds
              && encoder.hasItsUuid(messages, 0);
      if (!right) {
        failures.broken(
            "the waiting receiver got another message than number %d, which was sent: %s"
                .formatted(rounds, answer.keptText()));
        return;
      }
      latencies.recordValue(nowNs - messages.timeNs(0));
    }
    if (--unanswered == 0) {
      rounds++;
      begin();
    }
  }
}
