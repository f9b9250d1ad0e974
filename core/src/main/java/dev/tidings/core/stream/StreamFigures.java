// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import java.util.concurrent.atomic.LongAdder;

/// What streams have come to since the start, and what they hold now. Any thread.
public final class StreamFigures {
  private final StreamBudget budget;
  final LongAdder messages = new LongAdder();
  final LongAdder receivers = new LongAdder();
  final LongAdder senders = new LongAdder();
  final LongAdder replays = new LongAdder();
  final LongAdder sent = new LongAdder();
  final LongAdder repeated = new LongAdder();
  final LongAdder received = new LongAdder();
  final LongAdder returned = new LongAdder();
  final LongAdder replayed = new LongAdder();
  final LongAdder dropped = new LongAdder();
  final LongAdder expired = new LongAdder();
  final LongAdder sendTimeouts = new LongAdder();
  final LongAdder receiveTimeouts = new LongAdder();

  StreamFigures(StreamBudget budget) {
    this.budget = budget;
  }

  /// Streams in memory.
  public long streams() {
    return budget.streams();
  }

  /// Heap that streams in memory take.
  public long bytes() {
    return budget.bytes();
  }

  /// Messages in memory.
  public long messages() {
    return messages.sum();
  }

  /// Receivers that wait.
  public long receivers() {
    return receivers.sum();
  }

  /// Senders that wait.
  public long senders() {
    return senders.sum();
  }

  /// Replays that wait for a message.
  public long replays() {
    return replays.sum();
  }

  /// Messages taken from senders.
  public long sent() {
    return sent.sum();
  }

  /// Messages that had been taken before.
  public long repeated() {
    return repeated.sum();
  }

  /// Messages given to receivers, those given back among them.
  public long received() {
    return received.sum();
  }

  /// Messages given back, which had not reached their receiver.
  public long returned() {
    return returned.sum();
  }

  /// Messages read from the store.
  public long replayed() {
    return replayed.sum();
  }

  /// Messages dropped to make room.
  public long dropped() {
    return dropped.sum();
  }

  /// Messages found expired in memory.
  public long expired() {
    return expired.sum();
  }

  /// Senders that found no room in time.
  public long sendTimeouts() {
    return sendTimeouts.sum();
  }

  /// Receivers and replays that found nothing in time.
  public long receiveTimeouts() {
    return receiveTimeouts.sum();
  }
}
