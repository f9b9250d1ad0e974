// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import dev.tidings.core.subscription.Telling.DeadLetter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/// Where the deliveries of one subscription stand: its cursor and the exceptions to it, as
/// [Deliveries] describes them, and how a command changes them and tells it.
final class DeliveryState {
  /// Changes after which the whole state is told again, so that loading it stays cheap.
  private static final int CHANGES_BETWEEN_WHOLE = 1000;

  /// A century: nothing waits or is leased for longer, so that nanoseconds do not overflow.
  static final long LONGEST_MS = Duration.ofDays(36_525).toMillis();

  final int number;
  final Matches matches;
  final Deliveries.Limits limits;

  long next;
  // The next that was told last: over what no filter wants it moves without being told.
  long toldNext;
  long passed;
  Totals totals = Totals.NONE;
  long lastOrdinal;
  int changesSinceWhole;
  int uncommitted;

  // Those outstanding or parked, by where their messages lie.
  final NavigableMap<Long, Delivery> inLog = new TreeMap<>();
  final NavigableMap<Long, Delivery> revived = new TreeMap<>();
  // Of those: waiting to be given out again, failed for the last time. The others are leased or
  // parked.
  final WaitingDeliveries waiting;
  final NavigableMap<Long, Delivery> dying = new TreeMap<>();
  final KeyLines lines = new KeyLines();
  // The key of the message that the cursor has come to and that there was no room to park.
  Optional<String> atBound = Optional.empty();
  final Optional<PriorityIndex> priorities;
  // Given out while messages of a priority above 0 wait.
  long prioritisedTurns;
  final TreeSet<Lease> leases = new TreeSet<>(Lease.BY_END);
  // Leases whose answer is not given yet, by the ordinal of the change that has to be durable.
  final Map<Long, List<Lease>> starting = new HashMap<>();
  long restoredLeases;
  // Copies of dead letters that the store may not have yet: by their sequence, and the sequences by
  // the ordinal of the change that has to be durable.
  final Map<Long, Message> copiesOnTheirWay = new HashMap<>();
  final Map<Long, List<Long>> copiesTold = new HashMap<>();

  // From the cursor on: acked, or leased before their turn.
  final Roaring64Bitmap ahead = new Roaring64Bitmap();
  final NavigableMap<Long, DeadLetter> dead = new TreeMap<>();

  /// The deliveries of a subscription as the store remembers them.
  ///
  /// @param priorities of its messages, if it orders them by priority
  /// @param changes of it, the first of them whole or the very first
  DeliveryState(
      Subscription subscription,
      Matches matches,
      Optional<PriorityIndex> priorities,
      Deliveries.Limits limits,
      List<DeliveryChange> changes,
      TimeSource time) {
    this.number = subscription.number();
    this.matches = matches;
    this.priorities = priorities;
    this.waiting = new WaitingDeliveries(priorities.isPresent());
    this.limits = limits;
    this.next = subscription.start();
    this.toldNext = next;
    changes.forEach(change -> restore(change, time));
    formLines();
  }

  // ---- what the store remembers ----

  void restore(DeliveryChange change, TimeSource time) {
    if (change.whole()) {
      List.copyOf(outstanding()).forEach(this::take);
      dead.clear();
      ahead.clear();
      changesSinceWhole = 0;
    }
    for (SequenceRange range : change.settled()) {
      List.copyOf(inLog.subMap(range.first(), true, range.last(), true).values())
          .forEach(this::take);
      List.copyOf(revived.subMap(range.first(), true, range.last(), true).values())
          .forEach(this::take);
      dead.subMap(range.first(), true, range.last(), true).clear();
      if (range.last() >= change.next()) {
        ahead.addRange(Math.max(range.first(), change.next()), range.last() + 1);
      }
    }
    Map<Outstanding, Lease> leasesBack = new HashMap<>();
    for (Outstanding told : change.outstanding()) {
      restore(told, leasesBack, time);
      if (!told.kept() && told.range().last() >= change.next()) {
        ahead.addRange(Math.max(told.range().first(), change.next()), told.range().last() + 1);
      }
    }
    for (Dead told : change.dead()) {
      for (long sequence = told.range().first(); sequence <= told.range().last(); sequence++) {
        find(sequence).ifPresent(this::take);
        dead.put(sequence, new DeadLetter(told.attempts(), told.ordering(sequence)));
      }
    }
    next = change.next();
    toldNext = next;
    passed = change.passed();
    totals = change.totals();
    forgetAheadBelowNext();
    lastOrdinal = change.ordinal();
    changesSinceWhole++;
  }

  /// A deadline counts on from where it was, whatever the wall clock does meanwhile: for no longer
  /// than it was given.
  void restore(Outstanding told, Map<Outstanding, Lease> leasesBack, TimeSource time) {
    long leftMs = Math.clamp(told.since() + told.forMs() - time.wallMs(), 0, told.forMs());
    long dueNs = time.monotonicNs() + leftMs * 1_000_000;
    for (long sequence = told.range().first(); sequence <= told.range().last(); sequence++) {
      find(sequence).ifPresent(this::take);
      dead.remove(sequence);
      Delivery delivery = new Delivery(sequence, told.kept(), told.ordering(sequence));
      delivery.attempts = told.attempts();
      put(delivery);
      if (told.lease() != 0) {
        Outstanding same =
            new Outstanding(
                new SequenceRange(0, 0), 0, told.lease(), told.since(), told.forMs(), false);
        leasesBack.computeIfAbsent(same, _ -> leaseBack(told, dueNs)).add(delivery);
      } else if (told.attempts() == 0) {
        // Those with a key are released or parked: their lines are formed in the end.
        if (!delivery.ordering.hasKey()) {
          waiting.addReleased(delivery);
        }
      } else {
        delivery.since = told.since();
        delivery.forMs = told.forMs();
        delivery.dueNs = dueNs;
        waiting.addDelayed(delivery);
      }
    }
  }

  /// Whoever has been delivered is the head of its line; else the first is.
  void formLines() {
    List<Delivery> behind = new ArrayList<>();
    for (Delivery delivery : outstanding()) {
      if (!delivery.ordering.hasKey()) {
        continue;
      }
      if (delivery.attempts > 0) {
        boolean _ = lines.join(delivery);
      } else {
        behind.add(delivery);
      }
    }
    behind.sort(Comparator.comparingLong(it -> it.sequence));
    behind.forEach(this::joinLine);
  }

  /// A message that nobody holds joins the line of its key, if it has one: it is released, or
  /// parked.
  void joinLine(Delivery delivery) {
    if (!delivery.ordering.hasKey() || lines.join(delivery)) {
      waiting.addReleased(delivery);
    }
  }

  Lease leaseBack(Outstanding told, long endNs) {
    Lease lease = new Lease(told.lease(), --restoredLeases, told.since(), told.forMs());
    lease.endNs = endNs;
    leases.add(lease);
    return lease;
  }

  Collection<Delivery> outstanding() {
    List<Delivery> all = new ArrayList<>(inLog.values());
    all.addAll(revived.values());
    return all;
  }

  Optional<Delivery> find(long sequence) {
    Delivery found = inLog.get(sequence);
    return Optional.ofNullable(found != null ? found : revived.get(sequence));
  }

  void put(Delivery delivery) {
    (delivery.kept ? revived : inLog).put(delivery.sequence, delivery);
  }

  /// Takes a delivery out of the state it is in.
  void leave(Delivery delivery) {
    Lease lease = delivery.lease;
    if (lease != null) {
      delivery.lease = null;
      if (--lease.live == 0) {
        leases.remove(lease);
      }
    } else if (!delivery.parked && dying.remove(delivery.sequence) == null) {
      waiting.remove(delivery);
    }
  }

  /// It is not outstanding any more: the next of its key is released.
  void take(Delivery delivery) {
    leave(delivery);
    (delivery.kept ? revived : inLog).remove(delivery.sequence);
    if (delivery.ordering.hasKey()) {
      lines.leave(delivery).ifPresent(waiting::addReady);
    }
  }

  void forgetAheadBelowNext() {
    while (!ahead.isEmpty() && ahead.first() < next) {
      ahead.removeLong(ahead.first());
    }
  }

  /// How many are outstanding: those parked are not.
  int outstandingCount() {
    return inLog.size() + revived.size() - lines.parked();
  }

  boolean hasRoom() {
    return outstandingCount() < limits.outstanding();
  }

  /// How many changes may follow one that tells everything: in proportion to what that tells.
  long changesBetweenWhole() {
    return CHANGES_BETWEEN_WHOLE + inLog.size() + revived.size() + ahead.getLongCardinality();
  }

  /// Whether nothing is delivered for the first time because too many are parked.
  boolean isPaused() {
    return atBound.filter(lines::isTaken).isPresent() && lines.parked() >= limits.parked();
  }

  // ---- telling a change ----

  /// A change that nothing is in yet.
  Changing change() {
    return new Changing();
  }

  /// What one command changes.
  final class Changing {
    final TreeMap<Long, Boolean> settled = new TreeMap<>();
    final TreeMap<Long, Delivery> touched = new TreeMap<>();
    final TreeMap<Long, DeadLetter> died = new TreeMap<>();
    final TreeMap<Long, Boolean> copiesRemoved = new TreeMap<>();
    final TreeMap<Long, Message> copiesKept = new TreeMap<>();
    long acked;
    long expired;
    long lost;
    boolean moved;

    long ordinal() {
      return lastOrdinal + 1;
    }

    void settle(Delivery delivery) {
      take(delivery);
      settled.put(delivery.sequence, true);
      if (delivery.kept) {
        copiesRemoved.put(delivery.sequence, true);
      }
    }

    /// Waits from now on for so long.
    void retry(Delivery delivery, long delayMs, TimeSource time) {
      long forMs = Math.min(delayMs, LONGEST_MS);
      leave(delivery);
      delivery.since = time.wallMs();
      delivery.forMs = forMs;
      delivery.dueNs = time.monotonicNs() + forMs * 1_000_000;
      waiting.addDelayed(delivery);
      touched.put(delivery.sequence, delivery);
    }

    void release(Delivery delivery, TimeSource time) {
      leave(delivery);
      delivery.attempts--;
      if (delivery.attempts <= 0) {
        delivery.attempts = 0;
        waiting.addReleased(delivery);
      } else {
        delivery.since = time.wallMs();
        delivery.forMs = 0;
        delivery.dueNs = time.monotonicNs();
        waiting.addDelayed(delivery);
      }
      touched.put(delivery.sequence, delivery);
    }

    /// Becomes a dead letter.
    void die(Delivery delivery, Optional<Message> message) {
      take(delivery);
      DeadLetter letter = new DeadLetter(delivery.attempts, delivery.ordering);
      dead.put(delivery.sequence, letter);
      died.put(delivery.sequence, letter);
      message.ifPresent(it -> copiesKept.put(it.sequence(), it));
      while (dead.size() > limits.deadLetters()) {
        long oldest = dead.firstKey();
        dead.remove(oldest);
        died.remove(oldest);
        settled.put(oldest, true);
        if (copiesKept.remove(oldest) == null) {
          copiesRemoved.put(oldest, true);
        }
        lost++;
      }
    }

    /// A message from the cursor on needs no delivery any more.
    void passAhead(long sequence) {
      ahead.addLong(sequence);
      // Perhaps the one that there was no room for.
      atBound = Optional.empty();
      settled.put(sequence, true);
      priorities.ifPresent(index -> index.forget(sequence));
    }

    boolean isNothing() {
      return settled.isEmpty() && touched.isEmpty() && died.isEmpty() && !moved;
    }

    Deliveries.Change end() {
      totals = totals.plus(acked, expired, lost);
      if (isNothing()) {
        return Deliveries.Change.NONE;
      }
      while (ahead.contains(next)) {
        next++;
        passed++;
      }
      forgetAheadBelowNext();
      lastOrdinal++;
      uncommitted++;
      toldNext = next;
      boolean whole = ++changesSinceWhole > changesBetweenWhole();
      DeliveryChange change = whole ? tellAll() : tell();
      if (whole) {
        changesSinceWhole = 1;
      }
      List<Message> kept = List.copyOf(copiesKept.values());
      if (!kept.isEmpty()) {
        kept.forEach(copy -> copiesOnTheirWay.put(copy.sequence(), copy));
        copiesTold.put(lastOrdinal, List.copyOf(copiesKept.keySet()));
      }
      return new Deliveries.Change(
          Optional.of(change),
          kept,
          Ranges.of(copiesRemoved.keySet()),
          acked,
          expired,
          lost,
          died.size());
    }

    DeliveryChange tell() {
      return new DeliveryChange(
          lastOrdinal,
          false,
          next,
          passed,
          totals,
          Ranges.of(settled.keySet()),
          Telling.outstanding(touched.values()),
          Telling.dead(died));
    }

    DeliveryChange tellAll() {
      List<Long> beyond = new ArrayList<>();
      ahead.forEach(beyond::add);
      TreeMap<Long, Delivery> all = new TreeMap<>(inLog);
      all.putAll(revived);
      return new DeliveryChange(
          lastOrdinal,
          true,
          next,
          passed,
          totals,
          Ranges.of(beyond),
          Telling.outstanding(all.values()),
          Telling.dead(dead));
    }
  }

  /// The change with that ordinal is durable: its answer is given, and the lease it made begins.
  void committed(long ordinal, TimeSource time) {
    uncommitted--;
    Objects.requireNonNullElse(copiesTold.remove(ordinal), List.<Long>of())
        .forEach(copiesOnTheirWay::remove);
    for (Lease lease : Objects.requireNonNullElse(starting.remove(ordinal), List.<Lease>of())) {
      if (lease.live > 0) {
        lease.endNs = time.monotonicNs() + lease.forMs * 1_000_000;
        leases.add(lease);
      }
    }
  }

  /// Whether something told is not durable yet.
  boolean hasUncommitted() {
    return uncommitted > 0;
  }
}
