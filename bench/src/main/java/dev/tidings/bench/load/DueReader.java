// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.time.Clock;
import java.time.Instant;
import java.util.BitSet;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// What a socket does with messages that were scheduled: counts how often each comes, and how late
/// it is by the clock of this machine. Its counts may be asked for on any thread.
@SuppressWarnings("NonAtomicVolatileUpdate") // Written by the socket's loop alone.
public final class DueReader implements SocketReader {
  private static final long NS_PER_S = 1_000_000_000;

  private final Clock clock;
  private final int publisher;
  private final long messages;
  private final BitSet came;
  private final BitSet cameAgain = new BitSet();
  private final Recorder lateness = new Recorder(3);
  private long lastDueNs;
  private volatile long received;
  private volatile long different;
  private volatile long repeated;
  private volatile long early;
  private volatile long outOfOrder;
  private volatile long lastAtNs;

  /// @param publisher the mark its messages carry
  /// @param messages how many were scheduled, numbered from 0 on
  public DueReader(Clock clock, int publisher, long messages) {
    this.clock = clock;
    this.publisher = publisher;
    this.messages = messages;
    this.came = new BitSet((int) messages);
  }

  @Override
  public String message(ByteBuf frame, int offset, int length, int stampAt) {
    long number = Stamp.number(frame, stampAt);
    if (Stamp.publisher(frame, stampAt) != publisher || number >= messages) {
      return "received a message that was not scheduled for it";
    }
    received++;
    if (came.get((int) number)) {
      if (!cameAgain.get((int) number)) {
        cameAgain.set((int) number);
        repeated++;
      }
      return "";
    }
    came.set((int) number);
    different++;
    note(Stamp.timeNs(frame, stampAt));
    return "";
  }

  private void note(long dueNs) {
    Instant now = clock.instant();
    long nowNs = now.getEpochSecond() * NS_PER_S + now.getNano();
    lastAtNs = nowNs;
    if (nowNs < dueNs) {
      early++;
    }
    lateness.recordValue(Math.max(0, nowNs - dueNs));
    if (dueNs < lastDueNs) {
      outOfOrder++;
    }
    lastDueNs = Math.max(lastDueNs, dueNs);
  }

  @Override
  public Optional<String> answer() {
    return Optional.empty();
  }

  /// Messages received, each as often as it came.
  public long received() {
    return received;
  }

  /// Messages that came once.
  public long once() {
    return different - repeated;
  }

  /// Messages that came more than once.
  public long moreThanOnce() {
    return repeated;
  }

  /// Messages that have not come.
  public long missing() {
    return messages - different;
  }

  /// Messages that came before they were due.
  public long early() {
    return early;
  }

  /// Messages that came after one that is due later.
  public long outOfOrder() {
    return outOfOrder;
  }

  /// When the last message came that had not come before, in nanoseconds since 1970.
  public long lastAtNs() {
    return lastAtNs;
  }

  /// How late messages came that had not come before, in nanoseconds.
  public Histogram takeLateness() {
    return lateness.getIntervalHistogram();
  }
}
