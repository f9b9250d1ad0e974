// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// Counts the scheduled messages of all shards, draws their numbers, and bounds them. Any thread.
public final class Waiting {
  private final AtomicLong count;
  private final AtomicLong lastNumber;
  private final long max;

  /// @param count of those that wait already
  /// @param lastNumber the highest number ever given
  /// @param max how many may wait; those of publishes under way are not seen, so it is kept to
  ///   within as many as those hold
  public Waiting(long count, long lastNumber, long max) {
    this.count = new AtomicLong(count);
    this.lastNumber = new AtomicLong(lastNumber);
    this.max = max;
  }

  /// How many wait.
  public long count() {
    return count.get();
  }

  /// The number of another message.
  public long nextNumber() {
    return lastNumber.incrementAndGet();
  }

  /// Why `more` messages may not be scheduled, if so.
  public Optional<String> noRoomFor(int more) {
    long waiting = count.get();
    return waiting + more <= max
        ? Optional.empty()
        : Optional.of(
            "there are "
                + waiting
                + " scheduled messages (limit: "
                + max
                + "); publish without a delay, or later");
  }

  void added(int messages) {
    count.addAndGet(messages);
  }

  void removed(int messages) {
    count.addAndGet(-messages);
  }
}
