// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Reads stored streams from their beginning to their end in batches, connection n the stream n.
public final class StreamReplay {
  private final List<HttpConnection> connections;
  private final StreamRequests encoder;
  private final int batch;
  private final long messages;
  private final Failures failures;
  private final LongAdder read = new LongAdder();
  private final Recorder latencies = new Recorder(3);
  private final CountDownLatch done;
  private volatile long startNs;
  private volatile long endNs;

  /// @param messages sent in all, message n to the stream n modulo the connections
  public StreamReplay(
      List<HttpConnection> connections,
      StreamRequests encoder,
      int batch,
      long messages,
      Failures failures) {
    this.connections = connections;
    this.encoder = encoder;
    this.batch = batch;
    this.messages = messages;
    this.failures = failures;
    this.done = new CountDownLatch(connections.size());
  }

  public void start() {
    startNs = Stamp.nowNs();
    for (HttpConnection connection : connections) {
      new StreamReader(this, connection, encoder, batch).start();
    }
  }

  /// Down when every stream was read to its end.
  public CountDownLatch done() {
    return done;
  }

  /// Messages read so far.
  public long read() {
    return read.sum();
  }

  /// The rate from the start to the end of the last stream.
  public double perSecond() {
    return read() / (Math.max(1, endNs - startNs) / 1e9);
  }

  /// From a receive to its answer, in nanoseconds.
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  public String shortfall() {
    return "%,d of %,d messages were read".formatted(read(), messages);
  }

  int streams() {
    return connections.size();
  }

  /// How many messages a stream has.
  long sentTo(int stream) {
    return (messages - stream + streams() - 1) / streams();
  }

  Failures failures() {
    return failures;
  }

  void read(int count, long latencyNs) {
    read.add(count);
    latencies.recordValue(latencyNs);
    endNs = Stamp.nowNs();
  }

  void ended() {
    done.countDown();
  }
}
