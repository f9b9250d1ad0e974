// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Later;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// One call that sends a message to a stream. Made by the caller, who can call it off by it; what
/// else it knows belongs to the shard.
public final class Sending implements StreamCall {
  private final String stream;
  private final UUID uuid;
  private Payload payload;
  private final int capacity;
  private final long timeoutMs;
  private final OptionalLong storeForMs;
  private final String principalId;
  private final Later<Boolean> answer = new Later<>();
  // What it waits for, perhaps with others that send the same, and since when.
  @Nullable WaitingSend waitsFor;
  long waitsSinceNs;
  private boolean calledOff;

  /// @param stream the id of the stream, which is made if it is not there
  /// @param uuid what the sender calls the message
  /// @param payload one JSON value
  /// @param capacity messages that the stream is to hold, 0 or more, if this makes it
  /// @param timeoutMs how long to wait for room, or in a stream of capacity 0 for a receiver,
  ///   milliseconds; 0 or less to drop the oldest message instead
  /// @param storeForMs how long the message is also to be kept in the store, milliseconds; empty
  ///   for not at all
  /// @param principalId the user or client that makes the stream
  public Sending(
      String stream,
      UUID uuid,
      Payload payload,
      int capacity,
      long timeoutMs,
      OptionalLong storeForMs,
      String principalId) {
    this.stream = stream;
    this.uuid = uuid;
    this.payload = payload;
    this.capacity = capacity;
    this.timeoutMs = timeoutMs;
    this.storeForMs = storeForMs;
    this.principalId = principalId;
  }

  @Override
  public String stream() {
    return stream;
  }

  /// What the sender calls the message.
  public UUID uuid() {
    return uuid;
  }

  /// One JSON value.
  public Payload payload() {
    return payload;
  }

  /// It is not to be sent any more, if it has not been yet.
  void callOff() {
    calledOff = true;
  }

  /// Whether it was called off.
  public boolean isCalledOff() {
    return calledOff;
  }

  /// Lets go of the payload: somebody else has sent the same, whose bytes are kept.
  void forgetPayload() {
    payload = Payload.EMPTY;
  }

  /// How long it is kept in the store, milliseconds; empty for not at all.
  public OptionalLong storeForMs() {
    return storeForMs;
  }

  int capacity() {
    return capacity;
  }

  /// Whether it waits rather than drop a message.
  boolean isBlocking() {
    return timeoutMs > 0;
  }

  long timeoutMs() {
    return timeoutMs;
  }

  /// Whether it is kept in the store.
  public boolean isDurable() {
    return storeForMs.isPresent();
  }

  /// Who makes the stream.
  public String principalId() {
    return principalId;
  }

  Later<Boolean> answer() {
    return answer;
  }
}
