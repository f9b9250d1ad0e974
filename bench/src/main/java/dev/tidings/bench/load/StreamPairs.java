// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Senders and receivers at full speed, each connection with one outstanding call, until all that
/// was sent is received.
///
/// Connection n belongs to stream n modulo their number, and all of a stream's are on one loop, so
/// that its [StreamLedger] needs no locks.
public final class StreamPairs {
  private final List<StreamSender> senders = new ArrayList<>();
  private final List<StreamReceiver> receivers = new ArrayList<>();
  private final List<StreamLedger> ledgers = new ArrayList<>();
  private final Failures failures;
  private final CountDownLatch done;
  private final LongAdder sent = new LongAdder();
  private final LongAdder received = new LongAdder();
  private final LongAdder foundNothing = new LongAdder();
  private final Recorder sends = new Recorder(3);
  private final Recorder deliveries = new Recorder(3);
  private volatile boolean stopped;

  /// @param sending connections of [HttpConnection#openInGroups] with so many groups, as are those
  ///   of `receiving`; at least one of each for every stream
  public StreamPairs(
      List<HttpConnection> sending,
      List<HttpConnection> receiving,
      StreamRequests encoder,
      int streams,
      Failures failures) {
    this.failures = failures;
    this.done = new CountDownLatch(sending.size() + receiving.size());
    for (int i = 0; i < streams; i++) {
      ledgers.add(
          new StreamLedger(
              encoder.stream(i),
              i,
              streams,
              connectionsOf(i, streams, sending.size()),
              connectionsOf(i, streams, receiving.size()) == 1));
    }
    for (HttpConnection connection : sending) {
      int stream = connection.index() % streams;
      StreamSend request = encoder.send(StreamRequests.Keeping.BLOCKING);
      senders.add(new StreamSender(this, connection, ledgers.get(stream), stream, request));
    }
    for (HttpConnection connection : receiving) {
      int stream = connection.index() % streams;
      receivers.add(new StreamReceiver(this, connection, ledgers.get(stream), stream, encoder));
    }
  }

  private static int connectionsOf(int stream, int streams, int connections) {
    return (connections - stream + streams - 1) / streams;
  }

  public void start() {
    receivers.forEach(StreamReceiver::start);
    senders.forEach(StreamSender::start);
  }

  /// Sends no more; receivers go on until the streams are empty.
  public void stop() {
    stopped = true;
  }

  /// Down when all that was sent is received, and no stream has more.
  public CountDownLatch done() {
    return done;
  }

  /// Sends that were answered.
  public long sent() {
    return sent.sum();
  }

  /// Messages received.
  public long received() {
    return received.sum();
  }

  /// Receives that waited in vain.
  public long waitedInVain() {
    return foundNothing.sum();
  }

  /// From a send to its answer, in nanoseconds.
  public Histogram takeSendLatencies() {
    return sends.getIntervalHistogram();
  }

  /// From just before a message was sent to the answer that brought it, in nanoseconds.
  public Histogram takeDeliveryLatencies() {
    return deliveries.getIntervalHistogram();
  }

  /// What the streams still have, for the message about receivers that get no further.
  public String shortfall() {
    List<StreamLedger> missing = ledgers.stream().filter(StreamLedger::isShort).toList();
    if (missing.isEmpty()) {
      return "%,d messages were sent and received, but not every call was answered"
          .formatted(received());
    }
    String first = missing.getFirst().shortfall();
    return missing.size() == 1
        ? first
        : first + ", and " + (missing.size() - 1) + " more streams miss some";
  }

  boolean isStopped() {
    return stopped;
  }

  Failures failures() {
    return failures;
  }

  void ended() {
    done.countDown();
  }

  void sent(long latencyNs) {
    sent.increment();
    sends.recordValue(latencyNs);
  }

  void received(long latencyNs) {
    received.increment();
    deliveries.recordValue(Math.max(0, latencyNs));
  }

  void foundNothing() {
    foundNothing.increment();
  }
}
