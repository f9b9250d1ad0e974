// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import dev.tidings.core.subscription.MessageLookup.Found;
import dev.tidings.core.subscription.MessageLookup.Gone;
import dev.tidings.core.subscription.MessageLookup.Look;
import dev.tidings.core.subscription.MessageLookup.Stretch;
import dev.tidings.core.subscription.MessageLookup.Unknown;
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
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/// What a subscription's consumers were given of its log, and what became of it.
///
/// The state is a cursor and the exceptions to it: below it the messages that are *outstanding*
/// (leased, waiting to be delivered again, or about to become dead letters) or *parked* (behind
/// another of their key), above it those that were acked without having been leased or that were
/// leased before their turn, because of their priority. Everything else below it is settled. So a
/// message costs a subscription nothing before it is delivered and nothing after it is acked, and
/// its payload stays in the log.
///
/// Of the messages of one ordering key one at most is outstanding; those behind it are parked when
/// the cursor comes to them, and the next is released when the one before it is settled or dead. In
/// a work queue messages of a higher priority are given out first, but one of [#FAIR_TURN] is given
/// by age.
///
/// A change is applied at once and told as a [DeliveryChange]. A lease ends by the monotonic clock,
/// counted from when its change is durable, since only then is it answered; that it has ended is
/// told nowhere, since its deadline is.
///
/// Belongs to the shard of its topic.
public final class Deliveries {
  /// Changes after which the whole state is told again, so that loading it stays cheap.
  private static final int CHANGES_BETWEEN_WHOLE = 1000;

  /// How far the cursor moves over what no filter wants before it is told.
  private static final long WORTH_TELLING = 10_000;

  /// So many expired messages are passed over before other commands have their turn.
  private static final int EXPIRED_AT_ONCE = 5000;

  /// So many messages are parked before other commands have their turn.
  private static final int PARKED_AT_ONCE = 1000;

  /// While messages of a priority above 0 wait, one of so many that are given out is, by turns, the
  /// one whose wait has been over longest, and the oldest that was never given out.
  private static final int FAIR_TURN = 8;

  // So many recent messages are searched at once; more are left to another thread.
  private static final int SEARCHED_AT_ONCE = 1000;

  /// A century: nothing waits or is leased for longer, so that nanoseconds do not overflow.
  private static final long LONGEST_MS = Duration.ofDays(36_525).toMillis();

  private final int number;
  private final Matches matches;
  private final Limits limits;

  private long next;
  // The next that was told last: over what no filter wants it moves without being told.
  private long toldNext;
  private long passed;
  private Totals totals = Totals.NONE;
  private long lastOrdinal;
  private int changesSinceWhole;
  private int uncommitted;

  // Those outstanding or parked, by where their messages lie.
  private final NavigableMap<Long, Delivery> inLog = new TreeMap<>();
  private final NavigableMap<Long, Delivery> revived = new TreeMap<>();
  // Of those: waiting to be given out again, failed for the last time. The others are leased or
  // parked.
  private final WaitingDeliveries waiting = new WaitingDeliveries();
  private final NavigableMap<Long, Delivery> dying = new TreeMap<>();
  private final KeyLines lines = new KeyLines();
  // The cursor has come to a message that has to be parked, and there was no room for it.
  private boolean cameToBound;
  private final Optional<PriorityIndex> priorities;
  // Given out while messages of a priority above 0 wait.
  private long prioritisedTurns;
  private final TreeSet<Lease> leases = new TreeSet<>(Lease.BY_END);
  // Leases whose answer is not given yet, by the ordinal of the change that has to be durable.
  private final Map<Long, List<Lease>> starting = new HashMap<>();
  private long restoredLeases;
  // Copies of dead letters that the store may not have yet: by their sequence, and the sequences by
  // the ordinal of the change that has to be durable.
  private final Map<Long, Message> copiesOnTheirWay = new HashMap<>();
  private final Map<Long, List<Long>> copiesTold = new HashMap<>();

  // From the cursor on: acked, or leased before their turn.
  private final Roaring64Bitmap ahead = new Roaring64Bitmap();
  private final NavigableMap<Long, DeadLetter> dead = new TreeMap<>();

  /// The bounds of each subscription.
  ///
  /// @param outstanding messages that may be outstanding at once; at the bound only those that wait
  ///   are delivered
  /// @param parked messages that may be parked behind others of their keys at once; at the bound
  ///   nothing is delivered for the first time while the next is one to be parked
  /// @param deadLetters dead letters that are kept; beyond it the oldest is dropped and counted as
  ///   lost
  /// @param ackDeadlineMs how long a lease lasts unless something else is said, milliseconds
  public record Limits(int outstanding, int parked, int deadLetters, long ackDeadlineMs) {
    /// The bounds unless others are given.
    public static final Limits DEFAULT = new Limits(100_000, 100_000, 100_000, 60_000);
  }

  /// One message given to a consumer.
  ///
  /// @param message as it lies in the log
  /// @param attempts how often it was delivered, this time included
  public record Delivered(Message message, int attempts) {}

  /// How many messages are in which state.
  ///
  /// @param available to be delivered, now or after their wait, those parked included
  /// @param delivered leased
  /// @param totals settled since the subscription was created
  /// @param dead dead letters
  /// @param parked behind others of their keys
  /// @param paused whether nothing is delivered for the first time because too many are parked
  public record Counts(
      long available, long delivered, Totals totals, long dead, long parked, boolean paused) {
    /// Nothing is parked.
    public Counts(long available, long delivered, Totals totals, long dead) {
      this(available, delivered, totals, dead, 0, false);
    }
  }

  /// The deliveries of a subscription as the store remembers them.
  ///
  /// @param priorities of its messages, if it orders them by priority
  /// @param changes of it, the first of them whole or the very first
  Deliveries(
      Subscription subscription,
      Matches matches,
      Optional<PriorityIndex> priorities,
      Limits limits,
      List<DeliveryChange> changes,
      TimeSource time) {
    this.number = subscription.number();
    this.matches = matches;
    this.priorities = priorities;
    this.limits = limits;
    this.next = subscription.start();
    this.toldNext = next;
    changes.forEach(change -> restore(change, time));
    formLines();
  }

  /// The subscription has been created: tells how many messages lie before its first, so that they
  /// are not counted as available.
  ///
  /// @param before how many messages the log was ever given below the first it may deliver
  public Change begin(long before) {
    Changing changing = new Changing();
    passed = before;
    changing.moved = true;
    return changing.end();
  }

  // ---- what the store remembers ----

  private void restore(DeliveryChange change, TimeSource time) {
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
  private void restore(Outstanding told, Map<Outstanding, Lease> leasesBack, TimeSource time) {
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
  private void formLines() {
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
  private void joinLine(Delivery delivery) {
    if (!delivery.ordering.hasKey() || lines.join(delivery)) {
      waiting.addReleased(delivery);
    }
  }

  private Lease leaseBack(Outstanding told, long endNs) {
    Lease lease = new Lease(told.lease(), --restoredLeases, told.since(), told.forMs());
    lease.endNs = endNs;
    leases.add(lease);
    return lease;
  }

  private Collection<Delivery> outstanding() {
    List<Delivery> all = new ArrayList<>(inLog.values());
    all.addAll(revived.values());
    return all;
  }

  private Optional<Delivery> find(long sequence) {
    Delivery found = inLog.get(sequence);
    return Optional.ofNullable(found != null ? found : revived.get(sequence));
  }

  private void put(Delivery delivery) {
    (delivery.kept ? revived : inLog).put(delivery.sequence, delivery);
  }

  /// Takes a delivery out of the state it is in.
  private void leave(Delivery delivery) {
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
  private void take(Delivery delivery) {
    leave(delivery);
    (delivery.kept ? revived : inLog).remove(delivery.sequence);
    if (delivery.ordering.hasKey()) {
      lines.leave(delivery).ifPresent(waiting::addReleased);
    }
  }

  private void forgetAheadBelowNext() {
    while (!ahead.isEmpty() && ahead.first() < next) {
      ahead.removeLong(ahead.first());
    }
  }

  /// How many are outstanding: those parked are not.
  private int outstandingCount() {
    return inLog.size() + revived.size() - lines.parked();
  }

  // ---- telling a change ----

  /// What one command changes.
  private final class Changing {
    private final TreeMap<Long, Boolean> settled = new TreeMap<>();
    private final TreeMap<Long, Delivery> touched = new TreeMap<>();
    private final TreeMap<Long, DeadLetter> died = new TreeMap<>();
    private final TreeMap<Long, Boolean> copiesRemoved = new TreeMap<>();
    private final TreeMap<Long, Message> copiesKept = new TreeMap<>();
    private long acked;
    private long expired;
    private long lost;
    private boolean moved;

    private long ordinal() {
      return lastOrdinal + 1;
    }

    private void settle(Delivery delivery) {
      take(delivery);
      settled.put(delivery.sequence, true);
      if (delivery.kept) {
        copiesRemoved.put(delivery.sequence, true);
      }
    }

    /// Waits from now on for so long.
    private void retry(Delivery delivery, long delayMs, TimeSource time) {
      long forMs = Math.min(delayMs, LONGEST_MS);
      leave(delivery);
      delivery.since = time.wallMs();
      delivery.forMs = forMs;
      delivery.dueNs = time.monotonicNs() + forMs * 1_000_000;
      waiting.addDelayed(delivery);
      touched.put(delivery.sequence, delivery);
    }

    private void release(Delivery delivery, TimeSource time) {
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
    private void die(Delivery delivery, Optional<Message> message) {
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

    private boolean isNothing() {
      return settled.isEmpty() && touched.isEmpty() && died.isEmpty() && !moved;
    }

    private Change end() {
      totals = totals.plus(acked, expired, lost);
      if (isNothing()) {
        return Change.NONE;
      }
      forgetAheadBelowNext();
      lastOrdinal++;
      uncommitted++;
      toldNext = next;
      boolean whole = ++changesSinceWhole > CHANGES_BETWEEN_WHOLE + inLog.size() + revived.size();
      DeliveryChange change = whole ? tellAll() : tell();
      if (whole) {
        changesSinceWhole = 1;
      }
      List<Message> kept = List.copyOf(copiesKept.values());
      if (!kept.isEmpty()) {
        kept.forEach(copy -> copiesOnTheirWay.put(copy.sequence(), copy));
        copiesTold.put(lastOrdinal, List.copyOf(copiesKept.keySet()));
      }
      return new Change(
          Optional.of(change),
          kept,
          Ranges.of(copiesRemoved.keySet()),
          acked,
          expired,
          lost,
          died.size());
    }

    private DeliveryChange tell() {
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

    private DeliveryChange tellAll() {
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

  /// What a command has to have written.
  ///
  /// @param told the change; empty if nothing was changed
  /// @param copiesKept messages to be copied to the dead letters
  /// @param copiesRemoved copies that are not needed any more
  /// @param acked how many messages were acked by it
  /// @param expired how many it found expired
  /// @param lost how many it found lost
  /// @param died how many became dead letters
  public record Change(
      Optional<DeliveryChange> told,
      List<Message> copiesKept,
      List<SequenceRange> copiesRemoved,
      long acked,
      long expired,
      long lost,
      long died) {
    static final Change NONE = new Change(Optional.empty(), List.of(), List.of(), 0, 0, 0, 0);

    public Change {
      copiesKept = List.copyOf(copiesKept);
      copiesRemoved = List.copyOf(copiesRemoved);
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

  // ---- leasing ----

  /// What leasing came to.
  public sealed interface Leasing {}

  /// Messages that have to be loaded first.
  ///
  /// @param load of them
  /// @param change settles what was found on the way and cannot be delivered, so that the next
  ///   attempt need not look at it again: by then it may be gone from memory
  public record Missing(MessageLoad load, Change change) implements Leasing {}

  /// The filter has to be evaluated further first.
  ///
  /// @param change settles what was found on the way, as in [Missing]
  public record Unevaluated(Change change) implements Leasing {}

  /// The messages leased, none if there are none.
  ///
  /// @param number of the lease
  /// @param deliveries in the order in which they are to be handled
  /// @param change what has to be written
  public record Leased(long number, List<Delivered> deliveries, Change change) implements Leasing {
    public Leased {
      deliveries = List.copyOf(deliveries);
    }
  }

  /// What is given out, while it is being picked.
  private static final class Picked {
    private final int max;
    private final List<Delivered> delivered = new ArrayList<>();
    private final List<Delivery> leased = new ArrayList<>();
    private long bytes;
    private boolean tookFresh;
    // Found expired, or parked.
    private int expired;
    private int parked;
    // What has to be loaded before anything can be given out.
    private Optional<MessageLoad> load = Optional.empty();
    private boolean isOver;

    private Picked(int max) {
      this.max = max;
    }

    private void add(Delivery delivery, Message message) {
      leased.add(delivery);
      delivered.add(new Delivered(message, delivery.attempts));
      bytes += message.size();
    }

    private boolean isFull() {
      return isOver || delivered.size() == max || bytes >= MessageLoad.MAX_BYTES;
    }

    /// Whether so much was passed over that others should have their turn.
    private boolean isTired() {
      return expired >= EXPIRED_AT_ONCE || parked >= PARKED_AT_ONCE;
    }

    /// Something is not in memory, or others are to have their turn. What was found before is
    /// enough to begin with: it may be gone from memory when the rest has been loaded.
    private void stop(MessageLoad needed) {
      isOver = true;
      if (delivered.isEmpty()) {
        load = Optional.of(needed);
      }
    }
  }

  /// Leases up to `max` messages for `forMs` milliseconds: first those whose wait is over, then
  /// those that were never delivered, in log order; those of a higher priority before both. It
  /// stops early once so many bytes are reached.
  public Leasing lease(
      TopicLog log,
      MessagePages pages,
      int max,
      OptionalLong forMs,
      DeliveryPolicy policy,
      TimeSource time) {
    expire(policy, time);
    Changing changing = new Changing();
    if (priorities.isPresent() && priorities.get().evaluatedTo() < log.watermark()) {
      return new Unevaluated(changing.end());
    }
    waiting.mature(time.monotonicNs());
    Picked picked = new Picked(max);
    new Picking(log, lookup(log, pages), picked, changing, time.wallMs()).pick();
    noteMove(picked, changing);
    if (picked.load.isPresent()) {
      return new Missing(picked.load.get(), changing.end());
    }
    boolean isUnevaluated = next <= log.watermark() && matches.evaluatedTo() < log.watermark();
    if (picked.delivered.isEmpty() && isUnevaluated) {
      return new Unevaluated(changing.end());
    }
    return lease(picked, changing, forMs.orElseGet(() -> ackDeadlineMs(policy)), time);
  }

  private MessageLookup lookup(TopicLog log, MessagePages pages) {
    return new MessageLookup(number, log, pages, copiesOnTheirWay);
  }

  private long ackDeadlineMs(DeliveryPolicy policy) {
    return Math.min(LONGEST_MS, policy.ackDeadlineMs().orElse(limits.ackDeadlineMs()));
  }

  private Leased lease(Picked picked, Changing changing, long forMs, TimeSource time) {
    Lease lease = new Lease(changing.ordinal(), changing.ordinal(), time.wallMs(), forMs);
    for (Delivery delivery : picked.leased) {
      lease.add(delivery);
      changing.touched.put(delivery.sequence, delivery);
    }
    if (lease.live > 0) {
      starting.put(lease.made, List.of(lease));
    }
    return new Leased(lease.number, picked.delivered, changing.end());
  }

  /// Tells that the cursor has moved, unless it is not worth it: else an empty answer would have to
  /// be written, which only spares a look at a bitmap.
  private void noteMove(Picked picked, Changing changing) {
    boolean isWorthTelling =
        picked.tookFresh
            || picked.expired > 0
            || next - toldNext >= WORTH_TELLING
            || !matches.isFiltered();
    changing.moved = isWorthTelling && next != toldNext;
    forgetAheadBelowNext();
  }

  private boolean hasRoom() {
    return outstandingCount() < limits.outstanding();
  }

  /// A message from the cursor on needs no delivery any more.
  private void passAhead(long sequence, Changing changing) {
    ahead.addLong(sequence);
    changing.settled.put(sequence, true);
    priorities.ifPresent(index -> index.forget(sequence));
  }

  /// Picks what one lease gives out. Whatever it finds expired, gone or to be parked is so at once;
  /// whatever it picks is leased by the same command.
  private final class Picking {
    private final TopicLog log;
    private final MessageLookup messages;
    private final Picked picked;
    private final Changing changing;
    private final long now;

    private Picking(
        TopicLog log, MessageLookup messages, Picked picked, Changing changing, long now) {
      this.log = log;
      this.messages = messages;
      this.picked = picked;
      this.changing = changing;
      this.now = now;
    }

    private void pick() {
      while (!picked.isFull() && highestPriority() > 0) {
        prioritisedTurns++;
        boolean isFair = prioritisedTurns % FAIR_TURN == 0;
        if (!isFair || !pickByAge(prioritisedTurns / FAIR_TURN % 2 == 0)) {
          pickHighest();
        }
      }
      while (!picked.isFull() && waiting.first(0).isPresent()) {
        pickAgain(waiting.first(0).get());
      }
      if (!picked.isFull()) {
        pickFresh(picked.max);
      }
    }

    // ---- by priority ----

    private int highestFresh() {
      return hasRoom() ? priorities.map(PriorityIndex::highest).orElse(0) : 0;
    }

    private int highestPriority() {
      return Math.max(waiting.highest(), highestFresh());
    }

    private void pickHighest() {
      int fresh = highestFresh();
      if (waiting.highest() >= fresh) {
        pickAgain(waiting.first(waiting.highest()).orElseThrow());
      } else {
        pickBeforeItsTurn(fresh);
      }
    }

    /// Picks what has waited longest.
    ///
    /// @param again whether rather of those whose wait is over
    /// @return whether there was anything to look at
    private boolean pickByAge(boolean again) {
      Optional<Delivery> longest = waiting.longestReady();
      if (longest.isPresent() && (again || !isFreshThere())) {
        pickAgain(longest.get());
        return true;
      }
      long before = next;
      int had = picked.delivered.size();
      pickFresh(had + 1);
      return next > before || picked.delivered.size() > had;
    }

    private boolean isFreshThere() {
      return hasRoom() && !isPaused() && Math.max(next, log.firstRetained()) <= log.watermark();
    }

    /// Picks a message from the cursor on, because of its priority.
    private void pickBeforeItsTurn(int priority) {
      PriorityIndex index = priorities.orElseThrow();
      long sequence = index.first(priority);
      switch (messages.look(sequence)) {
        case Found(Message message) -> {
          index.remove(sequence, priority);
          if (message.expiredAt(now)) {
            passAhead(sequence, changing);
            expired();
          } else {
            ahead.addLong(sequence);
            take(message);
          }
        }
        case Gone() -> {
          passAhead(sequence, changing);
          changing.lost++;
        }
        case Unknown() -> {
          List<Long> missing = new ArrayList<>();
          for (long each : index.firsts(priority, Math.min(picked.max, MessageLoad.MAX_MESSAGES))) {
            missing.add(each);
          }
          picked.stop(messages.load(missing));
        }
      }
    }

    // ---- those that wait to be given out again ----

    private void pickAgain(Delivery delivery) {
      switch (messages.look(delivery)) {
        case Found(Message message) -> {
          if (message.expiredAt(now)) {
            changing.settle(delivery);
            expired();
            if (picked.isTired()) {
              picked.stop(loadOf(delivery, List.of(delivery.sequence)));
            }
          } else {
            waiting.remove(delivery);
            delivery.attempts++;
            picked.add(delivery, message);
          }
        }
        case Gone() -> {
          changing.settle(delivery);
          changing.lost++;
        }
        case Unknown() -> picked.stop(loadOf(delivery, missingFrom(delivery)));
      }
    }

    /// What has to be loaded of the next that wait: of the log, or of copies, as `first` is.
    private List<Long> missingFrom(Delivery first) {
      return waiting
          .ready(first.ordering.priority())
          .limit(Math.min(picked.max, MessageLoad.MAX_MESSAGES))
          .filter(it -> it.kept == first.kept && messages.look(it) instanceof Unknown)
          .map(it -> it.sequence)
          .toList();
    }

    private MessageLoad loadOf(Delivery delivery, List<Long> sequences) {
      return delivery.kept ? messages.loadCopies(sequences) : messages.load(sequences);
    }

    // ---- those that were never delivered ----

    /// Moves the cursor on until so many messages are picked.
    private void pickFresh(int max) {
      cameToBound = false;
      if (!hasRoom()) {
        return;
      }
      long last = Math.min(log.watermark(), matches.evaluatedTo());
      long at = Math.max(next, log.firstRetained());
      while (!picked.isFull() && picked.delivered.size() < max && hasRoom() && at <= last) {
        long candidate = matches.firstFrom(at);
        if (candidate > last) {
          at = last + 1;
          break;
        }
        at = candidate;
        if (picked.isTired()) {
          picked.stop(freshLoad(candidate, last, max));
          break;
        }
        if (ahead.contains(candidate)) {
          at = candidate + 1;
          passed++;
          continue;
        }
        int ask = matches.isFiltered() ? 1 : max - picked.delivered.size();
        Optional<Stretch> known = messages.stretch(candidate, ask);
        if (known.isEmpty()) {
          picked.stop(freshLoad(candidate, last, max));
          break;
        }
        at = passOver(known.get(), last, max, candidate);
        if (cameToBound) {
          break;
        }
      }
      next = Math.max(next, at);
      if (next > log.watermark() && !matches.isFiltered()) {
        // Holes and what was lost on the way are not counted on. What was given up lies above the
        // watermark while it is not durable, and there are no holes.
        passed = log.messagesShown() + (next - 1 - log.watermark());
      }
    }

    /// Picks from a stretch of the log.
    ///
    /// @return how far it came
    private long passOver(Stretch stretch, long last, int max, long from) {
      long at = from;
      for (Message message : stretch.messages()) {
        if (picked.isFull() || picked.delivered.size() == max || !hasRoom()) {
          return at;
        }
        if (message.sequence() > last) {
          // Up to there is nothing, though there was a match.
          return last + 1;
        }
        // What comes instead of a match that is damaged need not match.
        boolean isPassed =
            ahead.contains(message.sequence())
                || matches.firstFrom(message.sequence()) != message.sequence();
        if (!isPassed && !pass(message)) {
          return at;
        }
        at = message.sequence() + 1;
        passed++;
      }
      return Math.max(at, Math.min(stretch.through(), last) + 1);
    }

    /// Picks a message at the cursor, or leaves it behind; false if the cursor cannot pass it.
    private boolean pass(Message message) {
      Ordering ordering = message.ordering();
      if (message.expiredAt(now)) {
        expired();
      } else if (!ordering.hasKey() || !lines.isTaken(ordering.key())) {
        take(message);
      } else if (lines.parked() < limits.parked()) {
        Delivery delivery = new Delivery(message.sequence(), /* kept= */ false, ordering);
        put(delivery);
        boolean _ = lines.join(delivery);
        changing.touched.put(delivery.sequence, delivery);
        picked.parked++;
      } else {
        cameToBound = true;
        return false;
      }
      priorities.ifPresent(index -> index.remove(message.sequence(), ordering.priority()));
      return true;
    }

    /// Picks a message that was never delivered.
    private void take(Message message) {
      Delivery delivery = new Delivery(message.sequence(), /* kept= */ false, message.ordering());
      delivery.attempts = 1;
      put(delivery);
      if (delivery.ordering.hasKey()) {
        boolean _ = lines.join(delivery);
      }
      picked.tookFresh = true;
      picked.add(delivery, message);
    }

    private void expired() {
      changing.expired++;
      picked.expired++;
    }

    private MessageLoad freshLoad(long candidate, long last, int max) {
      if (!matches.isFiltered()) {
        long end = Math.min(last, candidate + MessageLoad.MAX_MESSAGES - 1);
        return MessageLoad.ofLog(log, List.of(new SequenceRange(candidate, end)));
      }
      List<Long> candidates = new ArrayList<>();
      long at = candidate;
      while (at <= last && candidates.size() < max) {
        candidates.add(at);
        at = matches.firstFrom(at + 1);
      }
      return messages.load(candidates);
    }
  }

  // ---- priorities ----

  /// Messages of its log have become durable.
  void appended(List<Message> messages) {
    priorities.ifPresent(index -> {
      for (Message message : messages) {
        if (message.sequence() == index.evaluatedTo() + 1) {
          prioritise(index, message);
          index.evaluated(message.sequence());
        }
      }
    });
  }

  /// The log was searched from `from` on.
  void searched(List<Message> messages, long from, long searchedTo) {
    priorities
        .filter(index -> index.evaluatedTo() == from - 1)
        .ifPresent(index -> {
          messages.forEach(message -> prioritise(index, message));
          index.evaluated(searchedTo);
        });
  }

  private void prioritise(PriorityIndex index, Message message) {
    int priority = message.ordering().priority();
    long sequence = message.sequence();
    if (priority > 0 && sequence >= next && !ahead.contains(sequence)) {
      index.add(sequence, priority);
    }
  }

  /// What has to be searched for messages of a priority above 0, if it is not in memory or much.
  Optional<PrioritiesLoad> behind(TopicLog log) {
    long from = priorities.map(index -> index.evaluatedTo() + 1).orElse(Long.MAX_VALUE);
    if (from > log.watermark()) {
      return Optional.empty();
    }
    Optional<List<Message>> recent =
        log.watermark() - from < SEARCHED_AT_ONCE
            ? log.readRecent(from, SEARCHED_AT_ONCE, Long.MAX_VALUE)
            : Optional.empty();
    if (recent.isEmpty()) {
      return Optional.of(new PrioritiesLoad(log, number, from));
    }
    searched(recent.get(), from, log.watermark());
    return Optional.empty();
  }

  // ---- settling ----

  /// Which messages a consumer means.
  ///
  /// @param sequences of them, some of which may be none of the subscription's
  /// @param lease the number of the lease under which they have to be leased; empty if any will do
  public record Meant(List<Long> sequences, OptionalLong lease) {
    public Meant {
      sequences = List.copyOf(sequences);
    }

    private boolean admits(Delivery delivery) {
      Lease held = delivery.lease;
      return lease.isEmpty() || (held != null && held.number == lease.getAsLong());
    }
  }

  /// Acks messages: any that are outstanding, whatever their lease, or were never leased.
  ///
  /// @return nothing if the filter has to be evaluated further first
  public Optional<Change> ack(Meant meant, TopicLog log, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    if (meant.lease().isEmpty()) {
      for (long sequence : meant.sequences()) {
        if (sequence > matches.evaluatedTo() && sequence <= log.watermark() && sequence >= next) {
          return Optional.empty();
        }
      }
    }
    Changing changing = new Changing();
    for (long sequence : meant.sequences()) {
      Optional<Delivery> delivery = find(sequence);
      if (delivery.isPresent()) {
        if (meant.admits(delivery.get())) {
          changing.settle(delivery.get());
          changing.acked++;
        }
      } else if (meant.lease().isEmpty() && isNeverLeased(sequence, log)) {
        passAhead(sequence, changing);
        changing.acked++;
      }
    }
    return Optional.of(changing.end());
  }

  private boolean isNeverLeased(long sequence, TopicLog log) {
    return sequence >= Math.max(next, log.firstRetained())
        && sequence <= log.watermark()
        && matches.firstFrom(sequence) == sequence
        && !ahead.contains(sequence);
  }

  /// What failing messages came to.
  ///
  /// @param load what has to be loaded before the rest can fail for the last time
  /// @param rest of the sequences, which were not handled
  /// @param change what has to be written
  public record Failing(Optional<MessageLoad> load, List<Long> rest, Change change) {
    public Failing {
      rest = List.copyOf(rest);
    }
  }

  /// Nacks messages that are leased: they wait for `delayMs`, or by the policy, or become dead
  /// letters after their last attempt.
  ///
  /// The messages that die are copied. Where some have to be loaded for that, it either says so and
  /// changes nothing, or handles those before them and gives back the rest.
  public Failing nack(
      Meant meant,
      OptionalLong delayMs,
      TopicLog log,
      MessagePages pages,
      DeliveryPolicy policy,
      TimeSource time) {
    expire(policy, time);
    List<Delivery> failed = leasedOf(meant);
    List<Delivery> last = failed.stream().filter(it -> isLast(it, policy)).toList();
    MessageLookup messages = lookup(log, pages);
    Burial burial = burial(last, messages);
    if (burial.handled() == 0 && burial.load().isPresent()) {
      return new Failing(burial.load(), List.of(), Change.NONE);
    }
    Changing changing = new Changing();
    List<Long> rest =
        last.subList(burial.handled(), last.size()).stream().map(it -> it.sequence).toList();
    bury(last.subList(0, burial.handled()), messages, changing, time.wallMs());
    for (Delivery delivery : failed) {
      if (!isLast(delivery, policy)) {
        changing.retry(delivery, delayMs.orElse(policy.backoffMs(delivery.attempts)), time);
      }
    }
    return new Failing(Optional.empty(), rest, changing.end());
  }

  private static boolean isLast(Delivery delivery, DeliveryPolicy policy) {
    return delivery.attempts >= policy.maxAttempts();
  }

  private List<Delivery> leasedOf(Meant meant) {
    List<Delivery> found = new ArrayList<>();
    TreeSet<Long> once = new TreeSet<>(meant.sequences());
    for (long sequence : once) {
      find(sequence)
          .filter(delivery -> delivery.lease != null && meant.admits(delivery))
          .ifPresent(found::add);
    }
    return found;
  }

  /// How many of the messages that die are at hand.
  private record Burial(int handled, Optional<MessageLoad> load) {}

  private Burial burial(List<Delivery> last, MessageLookup messages) {
    List<Long> missing = new ArrayList<>();
    int handled = 0;
    long bytes = 0;
    for (Delivery delivery : last) {
      if (!delivery.kept) {
        Look look = messages.look(delivery);
        if (look instanceof Unknown) {
          missing.add(delivery.sequence);
        } else if (look instanceof Found(Message message)) {
          bytes += message.size();
        }
      }
      if (missing.isEmpty()) {
        handled++;
      }
      if (missing.size() == MessageLoad.MAX_MESSAGES || bytes >= MessageLoad.MAX_BYTES) {
        break;
      }
    }
    return new Burial(
        handled, missing.isEmpty() ? Optional.empty() : Optional.of(messages.load(missing)));
  }

  private void bury(
      List<Delivery> last, MessageLookup messages, Changing changing, long now) {
    for (Delivery delivery : last) {
      if (delivery.kept) {
        changing.die(delivery, Optional.empty());
        continue;
      }
      if (messages.look(delivery) instanceof Found(Message message)) {
        if (message.expiredAt(now)) {
          changing.settle(delivery);
          changing.expired++;
        } else {
          changing.die(delivery, Optional.of(message));
        }
      } else {
        changing.settle(delivery);
        changing.lost++;
      }
    }
  }

  /// Gives leased messages back, as if they had not been delivered.
  public Change release(Meant meant, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    Changing changing = new Changing();
    for (Delivery delivery : leasedOf(meant)) {
      changing.release(delivery, time);
    }
    return changing.end();
  }

  /// Lets the leases of messages end `forMs` milliseconds after this is durable.
  public Change extend(Meant meant, long forMs, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    Changing changing = new Changing();
    Map<Long, Lease> extended = new HashMap<>();
    for (Delivery delivery : leasedOf(meant)) {
      long of = lease(delivery).number;
      leave(delivery);
      extended
          .computeIfAbsent(of, _ -> new Lease(of, changing.ordinal(), time.wallMs(), forMs))
          .add(delivery);
      changing.touched.put(delivery.sequence, delivery);
    }
    if (!extended.isEmpty()) {
      starting.put(changing.ordinal(), List.copyOf(extended.values()));
    }
    return changing.end();
  }

  private static Lease lease(Delivery delivery) {
    Lease lease = delivery.lease;
    if (lease == null) {
      throw new IllegalStateException("message " + delivery.sequence + " is not leased");
    }
    return lease;
  }

  // ---- what happens by itself ----

  /// Ends the leases whose deadline has passed: their messages are available at once, but for those
  /// that have failed for the last time.
  private void expire(DeliveryPolicy policy, TimeSource time) {
    long nowNs = time.monotonicNs();
    while (!leases.isEmpty() && leases.first().endNs <= nowNs) {
      Lease ended = leases.removeFirst();
      for (Delivery delivery : ended.deliveries) {
        if (delivery.lease == ended) {
          delivery.lease = null;
          delivery.since = time.wallMs();
          delivery.forMs = 0;
          if (isLast(delivery, policy)) {
            // Told as a lease that has ended, so that it is not delivered again after a restart.
            delivery.endedLease = ended.number;
            dying.put(delivery.sequence, delivery);
          } else {
            delivery.dueNs = ended.endNs;
            waiting.addDelayed(delivery);
          }
        }
      }
    }
  }

  /// Ends leases, and makes dead letters of what has failed for the last time.
  ///
  /// @return with a load if that has to be done first
  public Failing tend(TopicLog log, MessagePages pages, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    List<Delivery> last = dying.values().stream().limit(MessageLoad.MAX_MESSAGES).toList();
    MessageLookup messages = lookup(log, pages);
    Burial burial = burial(last, messages);
    if (burial.handled() == 0 && burial.load().isPresent()) {
      return new Failing(burial.load(), List.of(), Change.NONE);
    }
    Changing changing = new Changing();
    bury(last.subList(0, burial.handled()), messages, changing, time.wallMs());
    return new Failing(Optional.empty(), List.of(), changing.end());
  }

  /// When there is something to tend, by the monotonic clock; [Long#MAX_VALUE] if nothing is
  /// foreseen.
  ///
  /// @param awaited whether somebody waits for a message, so that a retry matters
  long nextDueNs(boolean awaited, TimeSource time) {
    if (!dying.isEmpty()) {
      return time.monotonicNs();
    }
    long due = leases.isEmpty() ? Long.MAX_VALUE : leases.first().endNs;
    return awaited ? Math.min(due, waiting.nextDueNs()) : due;
  }

  /// Whether it is known of everything below `sequence` if it is to be delivered.
  public boolean knowsBelow(long sequence) {
    return matches.evaluatedTo() >= sequence - 1;
  }

  /// Gives up what lies below `firstRetained`, which counts as lost: the log lets it go.
  public Change lose(long firstRetained, TopicLog log) {
    Changing changing = new Changing();
    changing.lost = giveUp(firstRetained, log, changing);
    return changing.end();
  }

  /// Gives up what lies below `firstRetained`, which has expired.
  public Change expire(long firstRetained, TopicLog log) {
    Changing changing = new Changing();
    changing.expired = giveUp(firstRetained, log, changing);
    return changing.end();
  }

  /// Gives up all that is to be delivered, as it was asked to: everything in `log`, and dead
  /// letters that were made available again.
  public Change drop(TopicLog log) {
    Changing changing = new Changing();
    List.copyOf(revived.values()).forEach(changing::settle);
    long _ = giveUp(log.nextSequence(), log, changing);
    return changing.end();
  }

  /// @return how many messages that were not settled
  private long giveUp(long firstRetained, TopicLog log, Changing changing) {
    long gone = 0;
    for (Delivery delivery : List.copyOf(inLog.headMap(firstRetained, false).values())) {
      changing.settle(delivery);
      gone++;
    }
    if (next < firstRetained) {
      long fresh =
          matches.isFiltered()
              ? matches.count(next, firstRetained - 1)
              : freshBelow(firstRetained, log);
      gone += Math.max(0, fresh - aheadBelow(firstRetained));
      passed += matches.isFiltered() ? firstRetained - next : fresh;
      next = firstRetained;
      changing.moved = true;
      priorities.ifPresent(index -> index.forgetBelow(firstRetained));
    }
    return gone;
  }

  /// How many of those ahead of the cursor lie below `sequence`.
  private long aheadBelow(long sequence) {
    return ahead.rankLong(sequence - 1) - (next > 0 ? ahead.rankLong(next - 1) : 0);
  }

  /// How many messages lie from the cursor up to below `sequence`: exact where the log has no
  /// holes, and never more than there are above the hole.
  private long freshBelow(long sequence, TopicLog log) {
    long holesEnd = Math.max(sequence, log.consecutiveFrom());
    long most = Math.max(0, log.messagesEver() - (log.nextSequence() - holesEnd) - passed);
    return sequence == holesEnd ? most : Math.min(most, sequence - next);
  }

  /// How many messages wait that were dead letters.
  public long unsettledCopies() {
    return revived.size();
  }

  /// How many messages of `log` are not settled, durable or not. For a subscription without a
  /// filter.
  public long unsettled(TopicLog log) {
    return inLog.size()
        + Math.max(0, log.messagesEver() - passed - ahead.getLongCardinality());
  }

  /// The lowest sequence such that no more than the newest `keep` messages that are not settled lie
  /// from there on. For a subscription without a filter.
  public long firstOfNewest(TopicLog log, long keep) {
    long excess = unsettled(log) - keep;
    if (excess <= 0) {
      return pin();
    }
    long rest = excess;
    for (long sequence : inLog.headMap(next, false).keySet()) {
      if (--rest == 0) {
        return sequence + 1;
      }
    }
    long first = Math.max(next, log.firstRetained());
    if (first < log.consecutiveFrom()) {
      // Sequences may have holes there, which must not be taken for messages.
      long end = log.consecutiveFrom();
      long before =
          freshBelow(end, log)
              - ahead.rankLong(end - 1)
              + inLog.subMap(first, true, end, false).size();
      if (rest > before) {
        rest -= before;
        first = end;
      }
    }
    for (; rest > 0 && first < log.nextSequence(); first++) {
      if (!ahead.contains(first) || inLog.containsKey(first)) {
        rest--;
      }
    }
    return first;
  }

  /// The lowest sequence whose message is still needed.
  public long pin() {
    long fresh =
        matches.isFiltered()
            ? Math.max(next, Math.min(matches.firstFrom(next), matches.evaluatedTo() + 1))
            : next;
    return inLog.isEmpty() ? fresh : Math.min(fresh, inLog.firstKey());
  }

  // ---- dead letters ----

  /// Dead letters.
  ///
  /// @param load what has to be loaded before they can be shown
  /// @param messages in the order of their publishing; those whose copies could not be read are
  ///   left out
  public record Listing(Optional<MessageLoad> load, List<Delivered> messages) {
    public Listing {
      messages = List.copyOf(messages);
    }
  }

  /// A page of the dead letters, shorter if they take many bytes.
  ///
  /// @param offset of the first
  /// @param limit at most so many
  public Listing deadLetters(long offset, int limit, MessagePages pages) {
    return listing(dead.entrySet().stream().skip(offset).limit(limit).toList(), pages);
  }

  /// The dead letter with that sequence, if it is one.
  public Listing deadLetter(long sequence, MessagePages pages) {
    DeadLetter letter = dead.get(sequence);
    return listing(letter == null ? List.of() : List.of(Map.entry(sequence, letter)), pages);
  }

  private Listing listing(List<Map.Entry<Long, DeadLetter>> letters, MessagePages pages) {
    List<Delivered> found = new ArrayList<>();
    List<Long> missing = new ArrayList<>();
    long bytes = 0;
    for (Map.Entry<Long, DeadLetter> letter : letters) {
      Optional<Message> onItsWay = Optional.ofNullable(copiesOnTheirWay.get(letter.getKey()));
      Optional<MessagePages.Page> page = pages.find(number, letter.getKey());
      if (onItsWay.isEmpty() && page.isEmpty()) {
        missing.add(letter.getKey());
      } else if (missing.isEmpty()) {
        Optional<Message> message = onItsWay.or(() -> page.flatMap(it -> it.at(letter.getKey())));
        message.ifPresent(it -> found.add(new Delivered(it, letter.getValue().attempts())));
        bytes += message.map(Message::size).orElse(0);
      }
      if (bytes >= MessageLoad.MAX_BYTES) {
        return new Listing(Optional.empty(), found);
      }
    }
    if (missing.isEmpty()) {
      return new Listing(Optional.empty(), found);
    }
    // All that are not on their way: what is in memory now may be dropped for what is missing.
    List<Long> stored =
        letters.stream()
            .map(Map.Entry::getKey)
            .filter(sequence -> !copiesOnTheirWay.containsKey(sequence))
            .toList();
    return new Listing(Optional.of(MessageLoad.ofCopies(number, Ranges.of(stored))), List.of());
  }

  /// Makes dead letters available again, as if they had never been delivered.
  public Change reprocess(List<Long> sequences) {
    Changing changing = new Changing();
    for (long sequence : sequences) {
      DeadLetter letter = dead.remove(sequence);
      if (letter != null) {
        Delivery delivery = new Delivery(sequence, /* kept= */ true, letter.ordering());
        put(delivery);
        joinLine(delivery);
        changing.touched.put(sequence, delivery);
      }
    }
    return changing.end();
  }

  /// Drops dead letters.
  ///
  /// @param sequences which; empty for all
  public Change purge(Optional<List<Long>> sequences) {
    Changing changing = new Changing();
    for (long sequence : sequences.orElseGet(() -> List.copyOf(dead.keySet()))) {
      if (dead.remove(sequence) != null) {
        changing.settled.put(sequence, true);
        changing.copiesRemoved.put(sequence, true);
      }
    }
    return changing.end();
  }

  // ---- counting ----

  /// How many messages are in which state.
  public Counts counts(TopicLog log, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    long toBeDelivered = waiting.size() + (long) lines.parked();
    long outstanding = inLog.size() + (long) revived.size();
    return new Counts(
        toBeDelivered + fresh(log),
        outstanding - toBeDelivered,
        totals,
        dead.size(),
        lines.parked(),
        isPaused());
  }

  /// How many messages are parked.
  int parked() {
    return lines.parked();
  }

  /// Whether nothing is delivered for the first time because too many are parked.
  boolean isPaused() {
    return cameToBound && lines.parked() >= limits.parked();
  }

  /// How many messages were never delivered.
  private long fresh(TopicLog log) {
    long known =
        matches.isFiltered() ? matches.count(next, log.watermark()) : log.messagesShown() - passed;
    return Math.max(0, known - ahead.getLongCardinality());
  }

  /// Whether something can be delivered at once.
  boolean isAvailable(TopicLog log, TimeSource time) {
    return waiting.isReady(time.monotonicNs())
        || (hasRoom()
            && !isPaused()
            && matches.firstFrom(Math.max(next, log.firstRetained())) <= log.watermark());
  }

  /// How far it has come: from this sequence on messages were never leased, but for those that were
  /// before their turn.
  long next() {
    return next;
  }
}
