// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import dev.tidings.core.slot.Slot;

/// A message that is stored until it is due, and appended to the log of its topic then.
///
/// @param topic the name of the topic
/// @param incarnation the number of its log: if the topic has another by then, the message goes
///   nowhere
/// @param number in its id
/// @param message with the time when it is due
public record ScheduledMessage(String topic, int incarnation, long number, NewMessage message) {
  // The records, the id in an index and the entry there, with compact object headers.
  private static final int OVERHEAD = 250;

  /// Under which it waits.
  public ScheduledId id() {
    return new ScheduledId(message.dueAt(), number, incarnation);
  }

  /// The slot of its topic.
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic);
  }

  /// An estimate of its heap, for the bounds of buffers in memory.
  public int heapSize() {
    return OVERHEAD + message.size() + message.ordering().heapSize();
  }
}
