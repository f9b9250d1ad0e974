// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/// An encoded publish of several messages that are due later. Each tells that time twice: as
/// `deliver_at`, and as the time in its stamp, which is in nanoseconds since 1970 here.
final class ScheduledBatch implements MessageBatch {
  /// What stands in place of a time until it is written.
  static final String NO_TIME = "0000-00-00T00:00:00.000Z";

  private static final long NS_PER_MS = 1_000_000;

  private final ByteBuf bytes;
  private final int[] times;
  private final int[] stamps;
  private final DueTimes due;

  /// @param times where they begin
  /// @param stamps where they begin
  ScheduledBatch(ByteBuf bytes, int[] times, int[] stamps, DueTimes due) {
    this.bytes = bytes;
    this.times = times;
    this.stamps = stamps;
    this.due = due;
  }

  @Override
  public int messages() {
    return stamps.length;
  }

  @Override
  public ByteBuf toSend(int publisher, long firstNumber, long timeNs) {
    for (int i = 0; i < stamps.length; i++) {
      long number = firstNumber + i;
      long dueMs = due.of(number);
      writeTime(times[i], dueMs);
      Stamp.write(bytes, stamps[i], publisher, number, dueMs * NS_PER_MS);
    }
    return bytes.retainedDuplicate();
  }

  private void writeTime(int at, long ms) {
    OffsetDateTime time = Instant.ofEpochMilli(ms).atOffset(ZoneOffset.UTC);
    Stamp.digits(bytes, at, 4, time.getYear());
    Stamp.digits(bytes, at + 5, 2, time.getMonthValue());
    Stamp.digits(bytes, at + 8, 2, time.getDayOfMonth());
    Stamp.digits(bytes, at + 11, 2, time.getHour());
    Stamp.digits(bytes, at + 14, 2, time.getMinute());
    Stamp.digits(bytes, at + 17, 2, time.getSecond());
    Stamp.digits(bytes, at + 20, 3, time.getNano() / NS_PER_MS);
  }

  @Override
  public void release() {
    bytes.release();
  }
}
