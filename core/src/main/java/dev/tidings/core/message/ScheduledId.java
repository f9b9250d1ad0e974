// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.util.Comparator;
import java.util.Optional;
import java.util.UUID;

/// Names a message that waits until it is due: a UUIDv8 (RFC 9562) that holds when that is. In
/// their order scheduled messages are appended: by the time when they are due, then as they were
/// published.
///
/// @param dueAt milliseconds since 1970, below 2^48
/// @param number below 2^48, drawn when it was published; never reused
/// @param incarnation the number of the log it will be appended to, below 2^26
public record ScheduledId(long dueAt, long number, int incarnation)
    implements PublishedId, Comparable<ScheduledId> {
  /// The latest time a message can be due, milliseconds since 1970, and the highest number.
  public static final long MAX = IdBits.MAX_48_BITS;

  /// None comes before it.
  public static final ScheduledId FIRST = new ScheduledId(0, 0, 0);

  private static final int VERSION = 8;
  private static final Comparator<ScheduledId> ORDER =
      Comparator.comparingLong(ScheduledId::dueAt)
          .thenComparingLong(ScheduledId::number)
          .thenComparingInt(ScheduledId::incarnation);

  public ScheduledId {
    IdBits.check("dueAt", dueAt, MAX);
    IdBits.check("number", number, MAX);
    IdBits.check("incarnation", incarnation, MessageId.MAX_INCARNATION);
  }

  /// Reads either spelling: a UUID, or `msg_` and 32 hex digits. Anything else, and any UUID that
  /// is not a version 8, is empty.
  public static Optional<ScheduledId> parse(String text) {
    return IdBits.parse(text, VERSION)
        .map(bits -> new ScheduledId(bits.timestamp(), bits.number(), bits.incarnation()));
  }

  /// The first id that may come after this one: its number is not given twice. After the last that
  /// there can be, which no message ever has, comes that itself.
  public ScheduledId next() {
    if (number < MAX) {
      return new ScheduledId(dueAt, number + 1, 0);
    }
    return dueAt < MAX
        ? new ScheduledId(dueAt + 1, 0, 0)
        : new ScheduledId(MAX, MAX, MessageId.MAX_INCARNATION);
  }

  @Override
  public long timestamp() {
    return dueAt;
  }

  @Override
  public UUID toUuid() {
    return new IdBits(dueAt, number, incarnation).uuid(VERSION);
  }

  @Override
  public int compareTo(ScheduledId other) {
    return ORDER.compare(this, other);
  }
}
