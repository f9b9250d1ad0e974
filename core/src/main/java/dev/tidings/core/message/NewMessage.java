// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

/// A message as it was published, before it has a place in a log.
///
/// @param payload one JSON value
/// @param metadata a JSON object of strings, or empty
/// @param ttlMs how long it may be delivered once it is in its log, in milliseconds;
///   [Message#NEVER] for ever
/// @param ordering what was asked of its order
/// @param dueAt when it is to be appended to its log, milliseconds since 1970: at once if that has
///   passed, as [#NOW] always has
public record NewMessage(
    Payload payload, Payload metadata, long ttlMs, Ordering ordering, long dueAt) {
  /// The `dueAt` of a message that is not to wait.
  public static final long NOW = 0;

  public NewMessage {
    IdBits.check("dueAt", dueAt, ScheduledId.MAX);
  }

  /// A message that is appended at once, without any order of its own.
  public NewMessage(Payload payload, Payload metadata, long ttlMs) {
    this(payload, metadata, ttlMs, Ordering.NONE, NOW);
  }

  /// Bytes of payload and metadata.
  public int size() {
    return payload.size() + metadata.size();
  }
}
