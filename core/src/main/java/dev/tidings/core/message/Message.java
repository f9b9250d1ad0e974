// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

/// One published message as its log keeps it.
///
/// @param sequence its place in the log: 1 or more, rising, below 2^48
/// @param timestamp when its shard appended it, in milliseconds since 1970; never falls within a
///   log
/// @param expiresAt when it stops being delivered, in milliseconds since 1970; [#NEVER] without
///   `ttl`
/// @param payload the published JSON value, byte for byte
/// @param metadata a JSON object of strings, byte for byte; empty where the publisher gave none
/// @param ordering what the publisher asked of the order among consumers
public record Message(
    long sequence,
    long timestamp,
    long expiresAt,
    Payload payload,
    Payload metadata,
    Ordering ordering) {

  /// The `expiresAt` of a message that does not expire.
  public static final long NEVER = Long.MAX_VALUE;

  /// Heap used by the objects of one message besides its bytes: with compact object headers 48 for
  /// the record, and for each payload 16 for its wrapper and up to 16 for its array.
  private static final int OVERHEAD = 112;

  /// A message for whose order nothing was asked.
  public Message(long sequence, long timestamp, long expiresAt, Payload payload, Payload metadata) {
    this(sequence, timestamp, expiresAt, payload, metadata, Ordering.NONE);
  }

  /// Whether it must no longer be delivered at `now` (milliseconds since 1970).
  public boolean expiredAt(long now) {
    return expiresAt <= now;
  }

  /// Bytes of payload and metadata: what retention by bytes counts.
  public int size() {
    return payload.size() + metadata.size();
  }

  /// An estimate of its heap, for the bounds of buffers in memory.
  public int heapSize() {
    return OVERHEAD + size() + ordering.heapSize();
  }
}
