// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Subscriber.Delivered;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What publishers and consumers of one subscription did and were told. It notes at once what may
/// not happen, and says at the end what is missing.
final class DeliveryLedger {
  private static final int SHOWN = 20;

  private final int maxAttempts;
  private final Set<Key> sent = new HashSet<>();
  private final Set<Key> published = new HashSet<>();
  private final Map<String, Key> keys = new HashMap<>();
  private final Map<Key, String> ids = new HashMap<>();
  private final Map<String, Set<Integer>> attempts = new HashMap<>();
  private final Set<String> ackSent = new HashSet<>();
  private final Set<String> ackAnswered = new HashSet<>();
  private final List<String> faults = new ArrayList<>();
  private int deliveries;

  private record Key(int publisher, int number) {}

  /// @param maxAttempts of the subscription
  DeliveryLedger(int maxAttempts) {
    this.maxAttempts = maxAttempts;
  }

  synchronized void sending(int publisher, int number) {
    sent.add(new Key(publisher, number));
  }

  synchronized void published(int publisher, int number) {
    published.add(new Key(publisher, number));
  }

  /// The ids whose acks have been answered, to be asked for before a lease is.
  synchronized Set<String> acked() {
    return Set.copyOf(ackAnswered);
  }

  /// Messages that a lease gave.
  ///
  /// @param ackedBefore what [#acked()] was when the lease was asked for
  synchronized void leased(List<Delivered> messages, Set<String> ackedBefore) {
    for (Delivered message : messages) {
      deliveries++;
      Key key = new Key(message.publisher(), message.number());
      if (!sent.contains(key)) {
        faults.add("never sent: " + message);
      }
      Key other = keys.putIfAbsent(message.id(), key);
      String otherId = ids.putIfAbsent(key, message.id());
      if ((other != null && !other.equals(key))
          || (otherId != null && !otherId.equals(message.id()))) {
        faults.add("an id or a message there twice: " + message + ", " + other + ", " + otherId);
      }
      if (ackedBefore.contains(message.id())) {
        faults.add("acked, answered and delivered again: " + message);
      }
      if (!attempts.computeIfAbsent(message.id(), _ -> new HashSet<>()).add(message.attempts())) {
        faults.add("the same attempt twice: " + message);
      }
      if (message.attempts() < 1 || message.attempts() > maxAttempts) {
        faults.add("attempts beyond 1 to " + maxAttempts + ": " + message);
      }
    }
  }

  synchronized void acking(Collection<String> messages) {
    ackSent.addAll(messages);
  }

  synchronized void acked(Collection<String> messages) {
    ackAnswered.addAll(messages);
  }

  synchronized int deliveries() {
    return deliveries;
  }

  synchronized int published() {
    return published.size();
  }

  /// Holds everything against what is there in the end, when nothing is left to be delivered.
  synchronized void check(List<Delivered> deadLetters, int acked) {
    Set<String> dead = new HashSet<>();
    for (Delivered message : deadLetters) {
      Key key = new Key(message.publisher(), message.number());
      ids.putIfAbsent(key, message.id());
      if (!dead.add(message.id())) {
        faults.add("a dead letter twice: " + message);
      }
      if (message.attempts() != maxAttempts) {
        faults.add("a dead letter before attempt " + maxAttempts + ": " + message);
      }
    }
    for (Key key : published) {
      String id = ids.get(key);
      if (id == null) {
        faults.add("published, answered and never delivered: " + key);
      } else if (!ackSent.contains(id) && !dead.contains(id)) {
        faults.add("neither acked nor a dead letter, and not delivered again: " + key + " " + id);
      }
    }
    // A late ack of a dead letter is answered, and has no effect.
    long least = ackAnswered.stream().filter(id -> !dead.contains(id)).count();
    long most = ackSent.stream().filter(id -> !dead.contains(id)).count();
    if (acked < least || acked > most) {
      faults.add(
          "counted as acked: %d (expected: between %d that were answered and %d that were sent)"
              .formatted(acked, least, most));
    }
    assertThat(faults.stream().limit(SHOWN))
        .as(
            "the first of %d faults; %d published, %d deliveries",
            faults.size(), published.size(), deliveries)
        .isEmpty();
  }
}
