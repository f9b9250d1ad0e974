// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Publishes numbered messages to one topic in batches, each connection with one outstanding. Runs
/// on the first loop, so numbers have no gaps.
public final class BatchPublisher implements HttpConnection.Asker {
  private final LoadLoops loops;
  private final List<HttpConnection> connections;
  private final List<MessageBatch> batches;
  private final String what;
  private final int expectedStatus;
  private final int publisher;
  private final long firstNumber;
  private final Failures failures;
  private final Recorder latencies = new Recorder(3);
  private final CountDownLatch done;
  private volatile long limit;
  private long sent;
  private volatile long accepted;
  private volatile long endNs;

  /// @param connections of [HttpConnection#openOnFirstLoop]
  /// @param publisher the mark its messages carry
  public BatchPublisher(
      LoadLoops loops,
      List<HttpConnection> connections,
      PubsubRequests encoder,
      String topic,
      int batch,
      int groups,
      int publisher,
      long firstNumber,
      Failures failures) {
    this(
        loops,
        connections,
        () -> encoder.publish(topic, batch, groups),
        topic,
        204,
        publisher,
        firstNumber,
        failures);
  }

  /// Publishes messages that are due later, numbered from 0 on.
  ///
  /// @param connections of [HttpConnection#openOnFirstLoop]
  /// @param publisher the mark its messages carry
  public static BatchPublisher scheduling(
      LoadLoops loops,
      List<HttpConnection> connections,
      PubsubRequests encoder,
      String topic,
      int batch,
      DueTimes due,
      int publisher,
      Failures failures) {
    return new BatchPublisher(
        loops,
        connections,
        () -> encoder.schedule(topic, batch, due),
        topic,
        200,
        publisher,
        0,
        failures);
  }

  private BatchPublisher(
      LoadLoops loops,
      List<HttpConnection> connections,
      Supplier<MessageBatch> encode,
      String topic,
      int expectedStatus,
      int publisher,
      long firstNumber,
      Failures failures) {
    this.loops = loops;
    this.connections = connections;
    this.what = "POST /topics/" + topic + "/messages";
    this.expectedStatus = expectedStatus;
    this.publisher = publisher;
    this.firstNumber = firstNumber;
    this.failures = failures;
    this.done = new CountDownLatch(connections.size());
    var encoded = new ArrayList<MessageBatch>();
    connections.forEach(_ -> encoded.add(encode.get()));
    this.batches = List.copyOf(encoded);
  }

  /// Publishes until `messages` have been sent, rounded up to a whole batch.
  public void start(long messages) {
    limit = messages;
    loops
        .first()
        .execute(() -> {
          for (HttpConnection connection : connections) {
            connection.attach(this, what, expectedStatus, false);
            next(connection);
          }
        });
  }

  /// Sends no more.
  public void stop() {
    limit = 0;
  }

  /// Down when all answers are there and nothing more is sent.
  public CountDownLatch done() {
    return done;
  }

  /// Messages whose publish was answered.
  public long accepted() {
    return accepted;
  }

  /// When the last answer came, as [Stamp#nowNs].
  public long endNs() {
    return endNs;
  }

  /// Latencies in nanoseconds since the last call.
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  private void next(HttpConnection connection) {
    MessageBatch batch = batches.get(connection.index());
    if (sent >= limit) {
      endNs = Stamp.nowNs();
      batch.release();
      done.countDown();
      return;
    }
    connection.send(batch.toSend(publisher, firstNumber + sent, Stamp.nowNs()));
    sent += batch.messages();
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by the first loop alone.
  public void answered(HttpConnection connection, ResponseScanner answer) {
    if (!answer.isExpected()) {
      // What was published is no longer known, so nothing can be counted against it.
      failures.broken(failures.first().orElse(what));
      return;
    }
    latencies.recordValue(Stamp.nowNs() - connection.sentAtNs());
    accepted += batches.get(connection.index()).messages();
    next(connection);
  }
}
