// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.runtime.Later;
import java.util.Optional;

/// One call for what a stream keeps in the store, which consumes nothing. Made by the caller, who
/// can call it off by it; what else it knows belongs to the shard.
public final class Replaying extends Wait implements StreamCall {
  private final String stream;
  private final Optional<Position> from;
  private final int max;
  private final long timeoutMs;
  private final Later<Replayed> answer = new Later<>();
  private boolean parked;
  private boolean over;
  private long endsNs;
  private int passedIn;
  private long passed;

  /// @param stream the id of the stream
  /// @param from where to begin; empty for the oldest message
  /// @param max messages, 1 or more
  /// @param timeoutMs how long to wait for the first, milliseconds; 0 or less not to wait
  public Replaying(String stream, Optional<Position> from, int max, long timeoutMs) {
    this.stream = stream;
    this.from = from;
    this.max = max;
    this.timeoutMs = timeoutMs;
  }

  @Override
  public String stream() {
    return stream;
  }

  /// Where to begin; empty for the oldest message.
  public Optional<Position> from() {
    return from;
  }

  /// At most so many messages.
  public int max() {
    return max;
  }

  long timeoutMs() {
    return timeoutMs;
  }

  Later<Replayed> answer() {
    return answer;
  }

  /// Whether it has waited before, so that its answer is given later.
  boolean isParked() {
    return parked;
  }

  /// When its time is up, by the monotonic clock: it counts from the first time it finds nothing.
  long endsNs(long nowNs) {
    if (!parked) {
      parked = true;
      endsNs = nowNs + timeoutMs * 1_000_000;
    }
    return endsNs;
  }

  /// It has looked at what lies below `sequence` in the log with that number, and there was nothing
  /// for it.
  public void pass(int number, long sequence) {
    passedIn = number;
    passed = sequence;
  }

  /// Where it is in the log with that number if it began at `sequence`.
  public long reached(int number, long sequence) {
    return number == passedIn ? Math.max(sequence, passed) : sequence;
  }

  /// It was answered or called off.
  void finish() {
    over = true;
  }

  /// Whether it was answered or called off.
  public boolean isOver() {
    return over;
  }
}
