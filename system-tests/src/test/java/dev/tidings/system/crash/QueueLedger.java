// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What publishers and consumers of one work queue did and were told, over several lives of the
/// server. Unlike a [DeliveryLedger] it knows no attempts, of which sockets do not tell.
final class QueueLedger {
  private static final int SHOWN = 20;

  private final Set<Key> sent = new HashSet<>();
  private final Set<Key> published = new HashSet<>();
  private final Map<String, Key> keys = new HashMap<>();
  private final Map<Key, String> ids = new HashMap<>();
  private final Set<String> ackSent = new HashSet<>();
  private final Map<String, Integer> ackAnswered = new HashMap<>();
  private final List<String> faults = new ArrayList<>();
  private int life;
  private int deliveries;

  private record Key(int publisher, int number) {}

  /// The server has been started; whatever was on its way before is gone.
  synchronized void nextLife() {
    life++;
  }

  synchronized void sending(int publisher, int number) {
    sent.add(new Key(publisher, number));
  }

  synchronized void published(int publisher, int number) {
    published.add(new Key(publisher, number));
  }

  /// The ids whose acks have been answered, to be asked for before a lease is.
  synchronized Set<String> acked() {
    return Set.copyOf(ackAnswered.keySet());
  }

  /// A message that a lease gave.
  ///
  /// @param ackedBefore what [#acked()] was when the lease was asked for
  synchronized void leased(String id, int publisher, int number, Set<String> ackedBefore) {
    delivered(id, publisher, number);
    if (ackedBefore.contains(id)) {
      faults.add("acked, answered and leased again: " + publisher + "/" + number + " " + id);
    }
  }

  /// A message that a socket gave. Of those acked in this life of the server it may have been on
  /// its way before.
  synchronized void received(String id, int publisher, int number) {
    delivered(id, publisher, number);
    Integer ackedIn = ackAnswered.get(id);
    if (ackedIn != null && ackedIn < life) {
      faults.add("acked, confirmed and sent again: " + publisher + "/" + number + " " + id);
    }
  }

  private void delivered(String id, int publisher, int number) {
    deliveries++;
    var key = new Key(publisher, number);
    if (!sent.contains(key)) {
      faults.add("never sent: " + key + " " + id);
    }
    Key other = keys.putIfAbsent(id, key);
    String otherId = ids.putIfAbsent(key, id);
    if ((other != null && !other.equals(key)) || (otherId != null && !otherId.equals(id))) {
      faults.add("an id or a message twice: " + key + " " + id + ", " + other + ", " + otherId);
    }
  }

  synchronized void acking(Collection<String> messages) {
    ackSent.addAll(messages);
  }

  synchronized void acked(Collection<String> messages) {
    messages.forEach(id -> ackAnswered.putIfAbsent(id, life));
  }

  synchronized int deliveries() {
    return deliveries;
  }

  synchronized int published() {
    return published.size();
  }

  synchronized int answeredAcks() {
    return ackAnswered.size();
  }

  /// Holds everything against what is there in the end, when nothing is left to be delivered.
  synchronized void check(String queue, int acked, int deadLetters) {
    for (Key key : published) {
      String id = ids.get(key);
      if (id == null) {
        faults.add("published, answered and never delivered: " + key);
      } else if (!ackSent.contains(id)) {
        faults.add("not acked and not delivered again: " + key + " " + id);
      }
    }
    if (acked < ackAnswered.size() || acked > ackSent.size()) {
      faults.add(
          "counted as acked: %d (expected: between %d that were answered and %d that were sent)"
              .formatted(acked, ackAnswered.size(), ackSent.size()));
    }
    if (deadLetters > 0) {
      faults.add("dead letters: " + deadLetters);
    }
    assertThat(faults.stream().limit(SHOWN))
        .as(
            "the first of %d faults of queue %s; %d published, %d deliveries",
            faults.size(), queue, published.size(), deliveries)
        .isEmpty();
  }
}
