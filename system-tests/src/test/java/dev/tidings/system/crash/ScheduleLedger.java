// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Stored;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;

/// What publishers and cancellers of scheduled messages did and were told, over several lives of
/// the server. Times are milliseconds since 1970, by the clock that the server has, too.
final class ScheduleLedger {
  private static final int SHOWN = 20;

  private final Map<Integer, Entry> entries = new HashMap<>();
  private final List<Entry> cancellable = new ArrayList<>();
  private final List<Downtime> downtimes = new ArrayList<>();
  private int accepted;
  private int cancelled;

  private record Downtime(long from, long to) {
    boolean contains(long time) {
      return from <= time && time <= to;
    }
  }

  /// One message that was sent.
  static final class Entry {
    private final int number;
    private final String topic;
    private final long due;
    private final boolean exact;
    private String id = "";
    private boolean answered;
    private long answeredAt = Long.MAX_VALUE;
    private Cancel cancel = Cancel.NONE;
    private long cancelledAt;

    /// @param due when it may be delivered at the earliest
    /// @param exact whether that is when it is due
    Entry(int number, String topic, long due, boolean exact) {
      this.number = number;
      this.topic = topic;
      this.due = due;
      this.exact = exact;
    }

    int number() {
      return number;
    }

    String topic() {
      return topic;
    }

    String id() {
      return id;
    }

    /// Whether it is known to have waited, and until when: one that came when its time had passed
    /// has the id of a message from the beginning.
    boolean waited() {
      return exact && id.matches("[0-9a-f]{8}-[0-9a-f]{4}-8.*");
    }

    @Override
    public String toString() {
      return "%d of %s due %d %s answered %s cancel %s"
          .formatted(number, topic, due, id, answered ? Long.toString(answeredAt) : "no", cancel);
    }
  }

  /// What became of an attempt to cancel a message.
  private enum Cancel {
    NONE,
    /// Sent; nobody has said what became of it.
    UNKNOWN,
    /// Of this one it was said that it is cancelled.
    DONE,
    /// It was said that there is no such message that waits.
    NOT_FOUND,
    /// It was among several, of which those that waited are cancelled.
    AMONG_SEVERAL
  }

  synchronized void sending(List<Entry> messages) {
    messages.forEach(entry -> entries.put(entry.number, entry));
  }

  /// The messages have been accepted.
  ///
  /// @param repeated whether the first answer was lost, so that nobody knows when it was given
  synchronized void accepted(List<Entry> messages, List<String> ids, boolean repeated) {
    long now = System.currentTimeMillis();
    assertThat(ids).hasSameSizeAs(messages);
    for (int i = 0; i < messages.size(); i++) {
      Entry entry = messages.get(i);
      entry.id = ids.get(i);
      entry.answered = true;
      entry.answeredAt = repeated ? Long.MAX_VALUE : now;
      cancellable.add(entry);
      accepted++;
    }
  }

  /// Takes a message that no canceller has taken before, if the one it comes upon is of such a
  /// topic.
  synchronized Optional<Entry> cancelling(Random random, Predicate<String> topic) {
    if (cancellable.isEmpty()) {
      return Optional.empty();
    }
    int place = random.nextInt(cancellable.size());
    Entry entry = cancellable.get(place);
    if (!topic.test(entry.topic)) {
      return Optional.empty();
    }
    cancellable.set(place, cancellable.getLast());
    cancellable.removeLast();
    entry.cancel = Cancel.UNKNOWN;
    return Optional.of(entry);
  }

  synchronized void cancelled(Entry entry, boolean found) {
    entry.cancel = found ? Cancel.DONE : Cancel.NOT_FOUND;
    cancelled += found ? 1 : 0;
  }

  synchronized void cancelledAmongSeveral(List<Entry> several) {
    long now = System.currentTimeMillis();
    for (Entry entry : several) {
      entry.cancel = Cancel.AMONG_SEVERAL;
      entry.cancelledAt = now;
    }
  }

  /// The server was killed and is ready again.
  synchronized void restarted(long killed, long ready) {
    downtimes.add(new Downtime(killed, ready));
  }

  synchronized int accepted() {
    return accepted;
  }

  synchronized int cancelled() {
    return cancelled;
  }

  private static long timeOf(Stored message) {
    return Long.parseLong(message.id().substring("msg_".length(), "msg_".length() + 12), 16);
  }

  /// Holds everything against what the topics hold, when nothing waits any more.
  synchronized void check(Map<String, List<Stored>> logs) {
    var faults = new ArrayList<String>();
    Map<Integer, Stored> delivered = new HashMap<>();
    logs.forEach((topic, log) -> {
      for (Stored message : log) {
        Entry entry = entries.get(message.number());
        if (entry == null || !entry.topic.equals(topic)) {
          faults.add("never sent to " + topic + ": " + message);
          continue;
        }
        Stored before = delivered.put(message.number(), message);
        if (before != null) {
          faults.add("twice: " + entry + " as " + before.id() + " and " + message.id());
        }
        if (timeOf(message) < entry.due) {
          faults.add("early: " + entry + " as " + message.id());
        }
      }
      checkOrder(log, faults);
    });
    for (Entry entry : entries.values()) {
      Stored message = delivered.get(entry.number);
      boolean must = entry.answered && Set.of(Cancel.NONE, Cancel.NOT_FOUND).contains(entry.cancel);
      if (must && message == null) {
        faults.add("lost: " + entry);
      }
      if (message != null
          && (entry.cancel == Cancel.DONE
              || (entry.cancel == Cancel.AMONG_SEVERAL && timeOf(message) > entry.cancelledAt))) {
        faults.add("cancelled and delivered: " + entry + " as " + message.id());
      }
    }
    long overdue =
        entries.values().stream()
            .filter(entry -> delivered.containsKey(entry.number))
            .filter(entry -> downtimes.stream().anyMatch(down -> down.contains(entry.due)))
            .count();
    String summary =
        "%d sent, %d accepted, %d cancelled, %d delivered, of these %d due while it was down"
            .formatted(entries.size(), accepted, cancelled, delivered.size(), overdue);
    System.out.println("ScheduledCrashTest: " + summary);
    assertThat(faults.stream().limit(SHOWN))
        .as("the first of %d faults; %s", faults.size(), summary)
        .isEmpty();
    assertThat(overdue).as("due while it was down").isPositive();
    assertThat(cancelled).isPositive();
  }

  /// What was known before it was due is not behind what was due later, in whatever life of the
  /// server it was appended.
  private void checkOrder(List<Stored> log, List<String> faults) {
    Set<Integer> seen = new HashSet<>();
    Entry latest = null;
    for (Stored message : log) {
      Entry entry = entries.get(message.number());
      if (entry == null || !entry.waited() || !seen.add(message.number())) {
        continue;
      }
      if (latest != null && entry.due < latest.due && entry.answeredAt < entry.due) {
        faults.add("out of order: " + entry + " as " + message.id() + " behind " + latest);
      }
      if (latest == null || entry.due > latest.due) {
        latest = entry;
      }
    }
  }
}
