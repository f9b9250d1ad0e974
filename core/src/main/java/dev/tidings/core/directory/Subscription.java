// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.Slot;
import java.util.Optional;
import java.util.OptionalInt;

/// A subscription's entry in the directory: competing consumers take the messages of one topic from
/// it. What it has delivered, and what became of that, is kept under its number.
///
/// @param id unique among subscriptions
/// @param number of its deliveries and dead letters: drawn when it was created, never reused
/// @param topic the name of its topic, in whose slot it lies
/// @param incarnation the number of that topic's log; it goes when the log goes
/// @param ownerId the id of the user or client who created it
/// @param filter a JSON object that says which messages it delivers, as it was given; empty for all
/// @param policy how it delivers again what was not acked
/// @param start the sequence of the first message it may deliver
/// @param createdAt milliseconds since 1970
public record Subscription(
    String id,
    int number,
    String topic,
    int incarnation,
    String ownerId,
    Optional<Payload> filter,
    DeliveryPolicy policy,
    long start,
    long createdAt)
    implements Entry {

  @Override
  public Kind kind() {
    return Kind.SUBSCRIPTION;
  }

  @Override
  public String key() {
    return id;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic);
  }

  @Override
  public OptionalInt ownNumber() {
    return OptionalInt.of(number);
  }

  /// The same subscription, which delivers again by `other`.
  public Subscription with(DeliveryPolicy other) {
    return new Subscription(
        id, number, topic, incarnation, ownerId, filter, other, start, createdAt);
  }

  /// The same subscription, which begins with another message.
  public Subscription startingAt(long first) {
    return new Subscription(
        id, number, topic, incarnation, ownerId, filter, policy, first, createdAt);
  }
}
