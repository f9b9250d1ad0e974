// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;

/// How a time and two numbers lie in a UUID (RFC 9562): 48 bits of milliseconds as in version 7;
/// then the 12 bits of `rand_a` hold the upper bits of the first number, and the 62 bits of
/// `rand_b` its lower 36 bits and then the second. So UUIDs sort as their parts do.
///
/// @param timestamp milliseconds since 1970, below 2^48
/// @param number below 2^48
/// @param incarnation below 2^26
record IdBits(long timestamp, long number, int incarnation) {
  static final long MAX_48_BITS = (1L << 48) - 1;
  static final int MAX_INCARNATION = (1 << 26) - 1;

  private static final int INCARNATION_BITS = 26;
  private static final int LOW_BITS = 36;
  private static final long LOW_MASK = (1L << LOW_BITS) - 1;
  private static final int TEXT_LENGTH = 36;

  /// Fails if `value`, called `name`, is out of bounds.
  static void check(String name, long value, long max) {
    if (value < 0 || value > max) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 0 to " + max + ")");
    }
  }

  /// Reads either spelling: a UUID, or `msg_` and 32 hex digits. Anything else, and any UUID that
  /// is not of that version, is empty.
  static Optional<IdBits> parse(String text, int version) {
    if (text.length() != TEXT_LENGTH) {
      return Optional.empty();
    }
    try {
      if (text.startsWith(PublishedId.RELAY_PREFIX)) {
        return of(
            HexFormat.fromHexDigitsToLong(text, 4, 20),
            HexFormat.fromHexDigitsToLong(text, 20, TEXT_LENGTH),
            version);
      }
      UUID uuid = UUID.fromString(text);
      // The JDK also reads signs, foreign digits and groups of other lengths.
      return uuid.toString().equalsIgnoreCase(text)
          ? of(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits(), version)
          : Optional.empty();
    } catch (IllegalArgumentException _) {
      // Not hex: not an id, which is an answer here and not an error.
      return Optional.empty();
    }
  }

  private static Optional<IdBits> of(long high, long low, int version) {
    if (((high >>> 12) & 0xF) != version || low >>> 62 != 0b10) {
      return Optional.empty();
    }
    long upper = (high & 0xFFF) << LOW_BITS;
    long lower = (low >>> INCARNATION_BITS) & LOW_MASK;
    return Optional.of(new IdBits(high >>> 16, upper | lower, (int) (low & MAX_INCARNATION)));
  }

  UUID uuid(int version) {
    return new UUID(
        (timestamp << 16) | ((long) version << 12) | (number >>> LOW_BITS),
        (1L << 63) | ((number & LOW_MASK) << INCARNATION_BITS) | incarnation);
  }
}
