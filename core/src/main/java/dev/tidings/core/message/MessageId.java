// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;

/// Names one message: a UUIDv7 (RFC 9562) whose 74 free bits are the log's sequence and
/// incarnation.
///
/// The 12 bits of `rand_a` hold the upper bits of the sequence; the 62 bits of `rand_b` hold the
/// lower 36 bits of the sequence and then the incarnation. So ids of one log sort in log order, and
/// reading "since" an id needs no index.
///
/// @param timestamp milliseconds since 1970, below 2^48
/// @param sequence the place in the log, below 2^48
/// @param incarnation the number of the log, below 2^26 and never reused
public record MessageId(long timestamp, long sequence, int incarnation) {
  private static final int INCARNATION_BITS = 26;
  private static final int LOW_SEQUENCE_BITS = 36;
  private static final long LOW_SEQUENCE_MASK = (1L << LOW_SEQUENCE_BITS) - 1;
  private static final String RELAY_PREFIX = "msg_";

  /// The highest sequence an id can name.
  public static final long MAX_SEQUENCE = (1L << 48) - 1;

  /// The highest incarnation an id can name.
  public static final int MAX_INCARNATION = (1 << INCARNATION_BITS) - 1;

  public MessageId {
    if (timestamp < 0 || timestamp > MAX_SEQUENCE) {
      throw new IllegalArgumentException(
          "timestamp: " + timestamp + " (expected: 0 to 2^48-1 milliseconds)");
    }
    if (sequence < 0 || sequence > MAX_SEQUENCE) {
      throw new IllegalArgumentException("sequence: " + sequence + " (expected: 0 to 2^48-1)");
    }
    if (incarnation < 0 || incarnation > MAX_INCARNATION) {
      throw new IllegalArgumentException(
          "incarnation: " + incarnation + " (expected: 0 to 2^26-1)");
    }
  }

  /// The id of `message` in the log with number `incarnation`.
  public static MessageId of(Message message, int incarnation) {
    return new MessageId(message.timestamp(), message.sequence(), incarnation);
  }

  /// Reads either spelling: a UUID, or `msg_` and 32 hex digits. Anything else, and any UUID that
  /// is not a version 7, is empty.
  public static Optional<MessageId> parse(String text) {
    try {
      if (text.length() == 36 && !text.startsWith(RELAY_PREFIX)) {
        UUID uuid = UUID.fromString(text);
        if (!uuid.toString().equalsIgnoreCase(text)) {
          // The JDK also reads signs, foreign digits and groups of other lengths.
          return Optional.empty();
        }
        return fromBits(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits());
      }
      if (text.length() == 36) {
        return fromBits(
            HexFormat.fromHexDigitsToLong(text, 4, 20),
            HexFormat.fromHexDigitsToLong(text, 20, 36));
      }
      return Optional.empty();
    } catch (IllegalArgumentException _) {
      // Not hex: not an id, which is an answer here and not an error.
      return Optional.empty();
    }
  }

  private static Optional<MessageId> fromBits(long high, long low) {
    if (((high >>> 12) & 0xF) != 7 || low >>> 62 != 0b10) {
      return Optional.empty();
    }
    long upper = (high & 0xFFF) << LOW_SEQUENCE_BITS;
    long lower = (low >>> INCARNATION_BITS) & LOW_SEQUENCE_MASK;
    long sequence = upper | lower;
    return Optional.of(new MessageId(high >>> 16, sequence, (int) (low & MAX_INCARNATION)));
  }

  private long highBits() {
    return (timestamp << 16) | (7L << 12) | (sequence >>> LOW_SEQUENCE_BITS);
  }

  private long lowBits() {
    return (1L << 63) | ((sequence & LOW_SEQUENCE_MASK) << INCARNATION_BITS) | incarnation;
  }

  /// The spelling of the pubsub API.
  public UUID toUuid() {
    return new UUID(highBits(), lowBits());
  }

  /// The spelling of the relay API: `msg_` and 32 hex digits.
  public String toRelayId() {
    HexFormat hex = HexFormat.of();
    return RELAY_PREFIX + hex.toHexDigits(highBits()) + hex.toHexDigits(lowBits());
  }
}
