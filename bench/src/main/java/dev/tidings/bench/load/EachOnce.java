// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongFunction;
import java.util.function.LongUnaryOperator;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Makes a call for each number from 0 on once, each connection with one outstanding.
public final class EachOnce implements HttpConnection.Asker {
  /// The calls of one connection.
  private interface Calls {
    String what();

    default int expectedStatus() {
      return 200;
    }

    boolean readsBodies();

    ByteBuf request(long number);

    /// What is wrong with the answer to a number, or nothing.
    String wrong(long number, ResponseScanner answer);

    /// Gives the memory of the requests back.
    void release();
  }

  private final List<HttpConnection> connections;
  private final List<Calls> calls;
  private final long[] asked;
  private final long count;
  private final Failures failures;
  private final AtomicLong next = new AtomicLong();
  private final LongAdder answered = new LongAdder();
  private final Recorder latencies = new Recorder(3);
  private final CountDownLatch done;
  private volatile long startNs;
  private volatile long endNs;

  private EachOnce(
      List<HttpConnection> connections, List<Calls> calls, long count, Failures failures) {
    this.connections = connections;
    this.calls = calls;
    this.asked = new long[connections.size()];
    this.count = count;
    this.failures = failures;
    this.done = new CountDownLatch(connections.size());
  }

  /// Makes calls that are answered with this status, whatever the answers' bodies.
  ///
  /// @param what for messages about failures
  public static EachOnce calls(
      List<HttpConnection> connections,
      String what,
      int expectedStatus,
      LongFunction<ByteBuf> request,
      long count,
      Failures failures) {
    var calls = new AnyCalls(what, expectedStatus, request);
    return new EachOnce(
        connections, Collections.nCopies(connections.size(), calls), count, failures);
  }

  /// Sends message n of sender 0 to the stream that `streamOf` names.
  public static EachOnce sends(
      List<HttpConnection> connections,
      StreamRequests encoder,
      StreamRequests.Keeping keeping,
      long count,
      LongUnaryOperator streamOf,
      Failures failures) {
    var calls = new ArrayList<Calls>();
    for (int i = 0; i < connections.size(); i++) {
      calls.add(new Sends(encoder.send(keeping), streamOf));
    }
    return new EachOnce(connections, List.copyOf(calls), count, failures);
  }

  /// Receives from stream n, which must have message n of sender 0 there.
  public static EachOnce receives(
      List<HttpConnection> connections, StreamRequests encoder, long count, Failures failures) {
    var calls = new ArrayList<Calls>();
    for (int i = 0; i < connections.size(); i++) {
      calls.add(new Receives(encoder, encoder.receive(0), StreamRequests.messages(1)));
    }
    return new EachOnce(connections, List.copyOf(calls), count, failures);
  }

  public void start() {
    startNs = Stamp.nowNs();
    for (HttpConnection connection : connections) {
      connection
          .loop()
          .execute(() -> {
            Calls mine = calls.get(connection.index());
            connection.attach(this, mine.what(), mine.expectedStatus(), mine.readsBodies());
            next(connection);
          });
    }
  }

  /// Down when all answers are there.
  public CountDownLatch done() {
    return done;
  }

  public long answered() {
    return answered.sum();
  }

  /// What is missing, for the message about calls that get no further.
  public String shortfall() {
    return "%,d of %,d calls (%s) were answered"
        .formatted(answered(), count, calls.getFirst().what());
  }

  /// The rate from the start to the last answer.
  public double perSecond() {
    return answered() / (Math.max(1, endNs - startNs) / 1e9);
  }

  /// Latencies in nanoseconds since the last call.
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  private void next(HttpConnection connection) {
    Calls mine = calls.get(connection.index());
    long number = next.getAndIncrement();
    if (number >= count) {
      endNs = Stamp.nowNs();
      mine.release();
      done.countDown();
      return;
    }
    asked[connection.index()] = number;
    connection.send(mine.request(number));
  }

  @Override
  public void answered(HttpConnection connection, ResponseScanner answer) {
    Calls mine = calls.get(connection.index());
    if (!answer.isExpected()) {
      // Counted already; the count could never be reached now.
      failures.broken(failures.first().orElse(mine.what()));
      return;
    }
    String wrong = mine.wrong(asked[connection.index()], answer);
    if (!wrong.isEmpty()) {
      failures.broken(wrong);
      return;
    }
    latencies.recordValue(Stamp.nowNs() - connection.sentAtNs());
    answered.increment();
    next(connection);
  }

  private record AnyCalls(String what, int expectedStatus, LongFunction<ByteBuf> of)
      implements Calls {
    @Override
    public boolean readsBodies() {
      return false;
    }

    @Override
    public ByteBuf request(long number) {
      return of.apply(number);
    }

    @Override
    public String wrong(long number, ResponseScanner answer) {
      return "";
    }

    @Override
    public void release() {}
  }

  private record Sends(StreamSend request, LongUnaryOperator streamOf) implements Calls {
    @Override
    public String what() {
      return StreamRequests.SEND;
    }

    @Override
    public boolean readsBodies() {
      return false;
    }

    @Override
    public ByteBuf request(long number) {
      return request.toSend(streamOf.applyAsLong(number), 0, number, Stamp.nowNs());
    }

    @Override
    public String wrong(long number, ResponseScanner answer) {
      return "";
    }

    @Override
    public void release() {
      request.release();
    }
  }

  private record Receives(StreamRequests encoder, StreamReceive request, StampedMessages messages)
      implements Calls {
    @Override
    public String what() {
      return StreamRequests.RECEIVE;
    }

    @Override
    public boolean readsBodies() {
      return true;
    }

    @Override
    public ByteBuf request(long number) {
      return request.toSend(number);
    }

    @Override
    public String wrong(long number, ResponseScanner answer) {
      boolean right =
          messages.read(answer.kept(), answer.keptLength())
              && messages.count() == 1
              && messages.publisher(0) == 0
              && messages.number(0) == number
              && encoder.hasItsUuid(messages, 0);
      return right
          ? ""
          : "stream %s answered with another message than number %d, which it was sent: %s"
              .formatted(encoder.stream(number), number, answer.keptText());
    }

    @Override
    public void release() {
      request.release();
    }
  }
}
