// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The line of each ordering key: its head, the one message of the key that may be outstanding, and
/// those *parked* behind it, in publish order. When the head leaves, the next is released: nobody
/// looks for it.
final class KeyLines {
  private final Map<String, Line> lines = new HashMap<>();
  private int parked;

  private static final class Line {
    private Delivery head;
    // Made when it is needed: most keys have one message at a time.
    private Optional<TreeMap<Long, Delivery>> behind = Optional.empty();

    private Line(Delivery head) {
      this.head = head;
    }
  }

  /// Whether a message of that key would be parked.
  boolean isTaken(String key) {
    return lines.containsKey(key);
  }

  /// A message with a key joins the line: at its head if there is none, else it is parked.
  ///
  /// @return whether it is the head
  boolean join(Delivery delivery) {
    Line line = lines.get(delivery.ordering.key());
    if (line == null) {
      lines.put(delivery.ordering.key(), new Line(delivery));
      return true;
    }
    TreeMap<Long, Delivery> behind = line.behind.orElseGet(TreeMap::new);
    line.behind = Optional.of(behind);
    behind.put(delivery.sequence, delivery);
    delivery.parked = true;
    parked++;
    return false;
  }

  /// A parked message takes the place of the head, which nobody has been given and which was
  /// published later: that is parked instead.
  ///
  /// @return the one that was the head; empty if it has been given to somebody, or comes first
  Optional<Delivery> overtake(Delivery parkedOne) {
    Line line = lines.get(parkedOne.ordering.key());
    if (line == null || line.behind.isEmpty()) {
      return Optional.empty();
    }
    Delivery head = line.head;
    if (head.isTaken() || head.sequence < parkedOne.sequence) {
      return Optional.empty();
    }
    line.behind.get().remove(parkedOne.sequence);
    line.behind.get().put(head.sequence, head);
    head.parked = true;
    parkedOne.parked = false;
    line.head = parkedOne;
    return Optional.of(head);
  }

  /// A message leaves the line.
  ///
  /// @return the one that is the head in its place
  Optional<Delivery> leave(Delivery delivery) {
    String key = delivery.ordering.key();
    Line line = lines.get(key);
    if (line == null) {
      return Optional.empty();
    }
    if (delivery.parked) {
      line.behind.ifPresent(behind -> behind.remove(delivery.sequence));
      forget(delivery);
      return Optional.empty();
    }
    if (line.head != delivery) {
      return Optional.empty();
    }
    if (line.behind.isEmpty() || line.behind.get().isEmpty()) {
      lines.remove(key);
      return Optional.empty();
    }
    Delivery next = line.behind.get().pollFirstEntry().getValue();
    forget(next);
    line.head = next;
    return Optional.of(next);
  }

  private void forget(Delivery delivery) {
    delivery.parked = false;
    parked--;
  }

  /// How many messages are parked.
  int parked() {
    return parked;
  }
}
