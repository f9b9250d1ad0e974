// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Stored;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/// What publishers sent and what they were told, to be held against what is stored.
///
/// A message is known by its publisher and that one's number for it, which its payload carries.
final class Ledger {
  private static final int SHOWN = 20;

  private final Map<Key, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();

  private record Key(int publisher, int number) {}

  private record Entry(String topic, Fate fate) {}

  /// What a publisher knows of a message.
  private sealed interface Fate {
    /// Sent, and not or not clearly answered: it may be stored, once.
    record Unknown() implements Fate {}

    /// Acknowledged under this id: it must be stored, once.
    record Answered(String id) implements Fate {}

    /// Definitely refused: it must not be stored.
    record Refused() implements Fate {}
  }

  /// A message is about to be sent.
  void sending(int publisher, int number, String topic) {
    Entry before = entries.put(new Key(publisher, number), new Entry(topic, new Fate.Unknown()));
    if (before != null) {
      throw new IllegalStateException("number " + number + " was given before");
    }
  }

  void answered(int publisher, int number, String id) {
    settle(publisher, number, new Fate.Answered(id));
    answered.incrementAndGet();
  }

  void refused(int publisher, int number) {
    settle(publisher, number, new Fate.Refused());
    refused.incrementAndGet();
  }

  private void settle(int publisher, int number, Fate fate) {
    entries.computeIfPresent(
        new Key(publisher, number), (_, entry) -> new Entry(entry.topic(), fate));
  }

  /// How many messages were acknowledged.
  int answered() {
    return answered.get();
  }

  /// How many messages were definitely refused.
  int refused() {
    return refused.get();
  }

  /// How many acknowledged messages are not among these.
  long missingFrom(Map<String, List<Stored>> stored) {
    Set<String> ids = new HashSet<>();
    stored.values().forEach(messages -> messages.forEach(message -> ids.add(message.id())));
    return entries.values().stream()
        .filter(entry -> entry.fate() instanceof Fate.Answered(String id) && !ids.contains(id))
        .count();
  }

  /// Asserts that what is stored is what was answered: all of it under its id, in order, nothing
  /// twice, nothing that was refused or never sent.
  void check(Map<String, List<Stored>> stored) {
    List<String> faults = new ArrayList<>();
    Set<Key> seen = new HashSet<>();
    stored.forEach((topic, messages) -> checkTopic(topic, messages, seen, faults));
    entries.forEach((key, entry) -> {
      if (entry.fate() instanceof Fate.Answered(String id) && !seen.contains(key)) {
        faults.add("answered and lost: " + key + " in " + entry.topic() + " as " + id);
      }
    });
    assertThat(faults.stream().limit(SHOWN))
        .as("the first of %d faults; %d messages were answered", faults.size(), answered())
        .isEmpty();
  }

  private void checkTopic(String topic, List<Stored> messages, Set<Key> seen, List<String> faults) {
    String lastId = "";
    Map<Integer, Integer> lastNumbers = new HashMap<>();
    for (Stored message : messages) {
      Key key = new Key(message.publisher(), message.number());
      String what = key + " in " + topic + " as " + message.id();
      if (message.id().compareTo(lastId) <= 0) {
        faults.add("id not above the one before, " + lastId + ": " + what);
      }
      lastId = message.id();
      if (!seen.add(key)) {
        faults.add("twice: " + what);
      }
      Integer before = lastNumbers.put(message.publisher(), message.number());
      if (before != null && before >= message.number()) {
        faults.add("out of order, after number " + before + ": " + what);
      }
      Entry entry = entries.get(key);
      if (entry == null || !entry.topic().equals(topic)) {
        faults.add("never sent: " + what);
      } else {
        switch (entry.fate()) {
          case Fate.Unknown() -> {}
          case Fate.Answered(String id) -> {
            if (!id.equals(message.id())) {
              faults.add("answered as " + id + ": " + what);
            }
          }
          case Fate.Refused() -> faults.add("refused and stored: " + what);
        }
      }
    }
  }
}
