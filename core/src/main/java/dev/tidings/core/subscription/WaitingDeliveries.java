// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Deliveries that are to be given out again: those that may be at once, by their priority, and
/// those whose wait is not over. Within a priority whoever may be given out longer comes first.
final class WaitingDeliveries {
  private final boolean byPriority;
  // Only those priorities that there are.
  private final TreeMap<Integer, TreeSet<Delivery>> ready = new TreeMap<>();
  private final TreeSet<Delivery> delayed = new TreeSet<>(Delivery.BY_DUE);
  private int readyCount;
  private long nowNs = Long.MIN_VALUE;

  /// @param byPriority whether priorities count; else all are 0
  WaitingDeliveries(boolean byPriority) {
    this.byPriority = byPriority;
  }

  /// Adds one that may be given out at once, before those whose wait is over.
  void addReleased(Delivery delivery) {
    delivery.dueNs = Long.MIN_VALUE;
    enter(delivery);
  }

  /// Adds one that may be given out from now on, after those whose wait was over before.
  void addReady(Delivery delivery) {
    delivery.dueNs = nowNs;
    enter(delivery);
  }

  /// Adds one that waits as it says.
  void addDelayed(Delivery delivery) {
    delayed.add(delivery);
  }

  private void enter(Delivery delivery) {
    boolean isNew =
        ready
            .computeIfAbsent(priorityOf(delivery), _ -> new TreeSet<>(Delivery.BY_DUE))
            .add(delivery);
    readyCount += isNew ? 1 : 0;
  }

  private int priorityOf(Delivery delivery) {
    return byPriority ? delivery.ordering.priority() : 0;
  }

  /// Removes one, if it waits.
  void remove(Delivery delivery) {
    int priority = priorityOf(delivery);
    TreeSet<Delivery> of = ready.get(priority);
    if (of == null || !of.remove(delivery)) {
      delayed.remove(delivery);
      return;
    }
    readyCount--;
    if (of.isEmpty()) {
      ready.remove(priority);
    }
  }

  /// Takes notice of the time, by the monotonic clock, and of those whose wait is over.
  void mature(long now) {
    nowNs = now;
    while (!delayed.isEmpty() && delayed.first().dueNs <= now) {
      enter(delayed.removeFirst());
    }
  }

  /// How many wait.
  int size() {
    return readyCount + delayed.size();
  }

  /// The highest priority of those that may be given out; -1 if there are none.
  int highest() {
    return ready.isEmpty() ? -1 : ready.lastKey();
  }

  /// The next of those of a priority that may be given out.
  Optional<Delivery> first(int priority) {
    TreeSet<Delivery> of = ready.get(priority);
    return of == null ? Optional.empty() : Optional.of(of.first());
  }

  /// Of those that may be given out the one that may be longest, whatever its priority.
  Optional<Delivery> longestReady() {
    return ready.values().stream().map(TreeSet::first).min(Delivery.BY_DUE);
  }

  /// `delivery`, which may be given out, and those of its priority that come after it, in order.
  Stream<Delivery> readyFrom(Delivery delivery) {
    TreeSet<Delivery> of = ready.get(priorityOf(delivery));
    return of == null ? Stream.empty() : of.tailSet(delivery, true).stream();
  }

  /// Whether one may be given out.
  boolean isReady(long now) {
    return readyCount > 0 || nextDueNs() <= now;
  }

  /// When the next wait is over, by the monotonic clock; [Long#MAX_VALUE] if none is under way.
  long nextDueNs() {
    return delayed.isEmpty() ? Long.MAX_VALUE : delayed.first().dueNs;
  }
}
