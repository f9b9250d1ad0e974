// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// A load in which every connection sends its next request as soon as the previous one is answered.
public final class ClosedLoop implements HttpConnection.Asker {
  /// What is asked over and over.
  public interface Load {
    /// For messages about failures, as `POST /api/v1/messages`.
    String what();

    int expectedStatus();

    /// The next request of a connection.
    ByteBuf next(int connection);

    /// What the answers' bodies must hold; such bodies are looked at, which costs.
    default BodyCheck bodyCheck() {
      return BodyCheck.NONE;
    }
  }

  /// What an answer's body must say.
  public enum BodyCheck {
    NONE,
    NOTHING_REJECTED
  }

  private final List<HttpConnection> connections;
  private final Load load;
  private final BodyCheck bodyCheck;
  private final Failures failures;
  private final LongAdder answered = new LongAdder();
  private final Recorder latencies = new Recorder(3);
  private final CountDownLatch resting;
  private volatile boolean running = true;

  public ClosedLoop(List<HttpConnection> connections, Load load, Failures failures) {
    this.connections = connections;
    this.load = load;
    this.bodyCheck = load.bodyCheck();
    this.failures = failures;
    this.resting = new CountDownLatch(connections.size());
  }

  public void start() {
    for (HttpConnection connection : connections) {
      connection
          .loop()
          .execute(() -> {
            connection.attach(
                this, load.what(), load.expectedStatus(), bodyCheck != BodyCheck.NONE);
            connection.send(load.next(connection.index()));
          });
    }
  }

  /// Sends no more and waits for the answers that are still out.
  public void stop(Duration timeout) throws InterruptedException {
    running = false;
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (!resting.await(50, TimeUnit.MILLISECONDS)) {
      if (failures.isBroken()) {
        return;
      }
      if (Stamp.nowNs() > deadlineNs) {
        failures.broken(
            resting.getCount()
                + " requests ("
                + load.what()
                + ") were not answered within "
                + timeout.toSeconds()
                + " s");
        return;
      }
    }
  }

  public long answered() {
    return answered.sum();
  }

  /// Latencies in nanoseconds since the last call.
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  @Override
  public void answered(HttpConnection connection, ResponseScanner answer) {
    if (answer.isExpected()) {
      if (bodyCheck == BodyCheck.NOTHING_REJECTED
          && !BulkAnswer.isAllAccepted(answer.kept(), answer.keptLength())) {
        failures.unexpected(load.what() + " rejected messages: " + answer.keptText());
      }
      answered.increment();
      latencies.recordValue(Stamp.nowNs() - connection.sentAtNs());
    }
    if (running) {
      connection.send(load.next(connection.index()));
    } else {
      resting.countDown();
    }
  }
}
