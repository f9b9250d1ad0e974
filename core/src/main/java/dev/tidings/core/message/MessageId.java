// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.util.Optional;
import java.util.UUID;

/// Names one message: a UUIDv7 (RFC 9562) whose 74 free bits are the log's sequence and
/// incarnation. So ids of one log sort in log order, and reading "since" an id needs no index.
///
/// @param timestamp milliseconds since 1970, below 2^48
/// @param sequence the place in the log, below 2^48
/// @param incarnation the number of the log, below 2^26 and never reused
public record MessageId(long timestamp, long sequence, int incarnation) implements PublishedId {
  /// The highest sequence an id can name.
  public static final long MAX_SEQUENCE = IdBits.MAX_48_BITS;

  /// The highest incarnation an id can name.
  public static final int MAX_INCARNATION = IdBits.MAX_INCARNATION;

  private static final int VERSION = 7;

  public MessageId {
    IdBits.check("timestamp", timestamp, IdBits.MAX_48_BITS);
    IdBits.check("sequence", sequence, MAX_SEQUENCE);
    IdBits.check("incarnation", incarnation, MAX_INCARNATION);
  }

  /// The id of `message` in the log with number `incarnation`.
  public static MessageId of(Message message, int incarnation) {
    return new MessageId(message.timestamp(), message.sequence(), incarnation);
  }

  /// Reads either spelling: a UUID, or `msg_` and 32 hex digits. Anything else, and any UUID that
  /// is not a version 7, is empty.
  public static Optional<MessageId> parse(String text) {
    return IdBits.parse(text, VERSION)
        .map(bits -> new MessageId(bits.timestamp(), bits.number(), bits.incarnation()));
  }

  @Override
  public UUID toUuid() {
    return new IdBits(timestamp, sequence, incarnation).uuid(VERSION);
  }
}
