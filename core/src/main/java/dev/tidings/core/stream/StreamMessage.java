// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// One message in the memory of a stream.
///
/// It is also a link of its stream's queue, since a million streams that hold one message each have
/// no room for a list of their own.
public final class StreamMessage {
  /// Heap of one besides its payload's bytes: its own 56, the payload's wrapper and array 32.
  private static final int OVERHEAD = 88;

  private final long uuidHigh;
  private final long uuidLow;
  private final long timestamp;
  private final long expiresAt;
  private final Payload payload;
  // The one behind it in the queue; the shard's own.
  @Nullable StreamMessage next;

  StreamMessage(UUID uuid, long timestamp, long expiresAt, Payload payload) {
    this.uuidHigh = uuid.getMostSignificantBits();
    this.uuidLow = uuid.getLeastSignificantBits();
    this.timestamp = timestamp;
    this.expiresAt = expiresAt;
    this.payload = payload;
  }

  /// What its sender calls it.
  public UUID uuid() {
    return new UUID(uuidHigh, uuidLow);
  }

  /// When it arrived, milliseconds since 1970.
  public long timestamp() {
    return timestamp;
  }

  /// One JSON value.
  public Payload payload() {
    return payload;
  }

  /// Whether it will expire.
  boolean expires() {
    return expiresAt != Message.NEVER;
  }

  /// Whether it must no longer be given to anybody at `now`, milliseconds since 1970.
  boolean expiredAt(long now) {
    return expiresAt <= now;
  }

  /// The heap it takes.
  int heapSize() {
    return heapSize(payload);
  }

  /// The heap that a message with `payload` takes.
  static int heapSize(Payload payload) {
    return OVERHEAD + payload.size();
  }
}
