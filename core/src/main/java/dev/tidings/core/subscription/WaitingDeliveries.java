// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.message.Ordering;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Deliveries that are to be given out again: those that may be at once, by their priority, and
/// those whose wait is not over. Within a priority whoever may be given out longer comes first.
final class WaitingDeliveries {
  private final List<TreeSet<Delivery>> ready = new ArrayList<>();
  private final TreeSet<Delivery> delayed = new TreeSet<>(Delivery.BY_DUE);
  private int readyCount;

  WaitingDeliveries() {
    for (int priority = 0; priority <= Ordering.MAX_PRIORITY; priority++) {
      ready.add(new TreeSet<>(Delivery.BY_DUE));
    }
  }

  /// Adds one that may be given out at once, before those whose wait is over.
  void addReleased(Delivery delivery) {
    delivery.dueNs = Long.MIN_VALUE;
    addReady(delivery);
  }

  /// Adds one that waits as it says.
  void addDelayed(Delivery delivery) {
    delayed.add(delivery);
  }

  private void addReady(Delivery delivery) {
    if (of(delivery).add(delivery)) {
      readyCount++;
    }
  }

  private NavigableSet<Delivery> of(Delivery delivery) {
    return ready.get(delivery.ordering.priority());
  }

  /// Removes one, if it waits.
  void remove(Delivery delivery) {
    if (of(delivery).remove(delivery)) {
      readyCount--;
    } else {
      delayed.remove(delivery);
    }
  }

  /// Takes notice of those whose wait is over.
  void mature(long nowNs) {
    while (!delayed.isEmpty() && delayed.first().dueNs <= nowNs) {
      addReady(delayed.removeFirst());
    }
  }

  /// How many wait.
  int size() {
    return readyCount + delayed.size();
  }

  /// The highest priority of those that may be given out; -1 if there are none.
  int highest() {
    for (int priority = readyCount == 0 ? -1 : Ordering.MAX_PRIORITY; priority >= 0; priority--) {
      if (!ready.get(priority).isEmpty()) {
        return priority;
      }
    }
    return -1;
  }

  /// The next of those of a priority that may be given out.
  Optional<Delivery> first(int priority) {
    TreeSet<Delivery> of = ready.get(priority);
    return of.isEmpty() ? Optional.empty() : Optional.of(of.first());
  }

  /// Of those that may be given out the one that may be longest, whatever its priority.
  Optional<Delivery> longestReady() {
    return ready.stream().filter(of -> !of.isEmpty()).map(TreeSet::first).min(Delivery.BY_DUE);
  }

  /// Those of a priority that may be given out, in order.
  Stream<Delivery> ready(int priority) {
    return ready.get(priority).stream();
  }

  /// Whether one may be given out.
  boolean isReady(long nowNs) {
    return readyCount > 0 || nextDueNs() <= nowNs;
  }

  /// When the next wait is over, by the monotonic clock; [Long#MAX_VALUE] if none is under way.
  long nextDueNs() {
    return delayed.isEmpty() ? Long.MAX_VALUE : delayed.first().dueNs;
  }
}
