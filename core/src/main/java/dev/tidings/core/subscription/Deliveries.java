// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
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
/// The state is a cursor, the lowest sequence that was never leased, and the exceptions to it:
/// below it the messages that are *outstanding* (leased, waiting to be delivered again, or about to
/// become dead letters), above it those that were acked without having been leased. Everything else
/// below it is settled. So a message costs a subscription nothing before it is delivered and
/// nothing after it is acked, and its payload stays in the log.
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

  // Those outstanding, by where their messages lie.
  private final NavigableMap<Long, Delivery> inLog = new TreeMap<>();
  private final NavigableMap<Long, Delivery> revived = new TreeMap<>();
  // Of those outstanding: released without a failure, waiting after a failure, failed for the last
  // time. The others are leased.
  private final NavigableMap<Long, Delivery> released = new TreeMap<>();
  private final TreeSet<Delivery> retries = new TreeSet<>(Delivery.BY_DUE);
  private final NavigableMap<Long, Delivery> dying = new TreeMap<>();
  private final TreeSet<Lease> leases = new TreeSet<>(Lease.BY_END);
  // Leases whose answer is not given yet, by the ordinal of the change that has to be durable.
  private final Map<Long, List<Lease>> starting = new HashMap<>();
  private long restoredLeases;
  // Copies of dead letters that the store may not have yet: by their sequence, and the sequences by
  // the ordinal of the change that has to be durable.
  private final Map<Long, Message> copiesOnTheirWay = new HashMap<>();
  private final Map<Long, List<Long>> copiesTold = new HashMap<>();

  private final Roaring64Bitmap ackedAhead = new Roaring64Bitmap();
  // How often each dead letter was delivered, by its sequence.
  private final NavigableMap<Long, Integer> dead = new TreeMap<>();

  /// The bounds of each subscription.
  ///
  /// @param outstanding messages that may be outstanding at once; at the bound only those that wait
  ///   are delivered
  /// @param deadLetters dead letters that are kept; beyond it the oldest is dropped and counted as
  ///   lost
  /// @param ackDeadlineMs how long a lease lasts unless something else is said, milliseconds
  public record Limits(int outstanding, int deadLetters, long ackDeadlineMs) {
    /// The bounds unless others are given.
    public static final Limits DEFAULT = new Limits(100_000, 100_000, 60_000);
  }

  /// One message given to a consumer.
  ///
  /// @param message as it lies in the log
  /// @param attempts how often it was delivered, this time included
  public record Delivered(Message message, int attempts) {}

  /// How many messages are in which state.
  ///
  /// @param available to be delivered, now or after their wait
  /// @param delivered leased
  /// @param totals settled since the subscription was created
  /// @param dead dead letters
  public record Counts(long available, long delivered, Totals totals, long dead) {}

  /// The deliveries of a subscription as the store remembers them.
  ///
  /// @param changes of it, the first of them whole or the very first
  Deliveries(
      Subscription subscription,
      Matches matches,
      Limits limits,
      List<DeliveryChange> changes,
      TimeSource time) {
    this.number = subscription.number();
    this.matches = matches;
    this.limits = limits;
    this.next = subscription.start();
    this.toldNext = next;
    changes.forEach(change -> restore(change, time));
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
      ackedAhead.clear();
      changesSinceWhole = 0;
    }
    for (SequenceRange range : change.settled()) {
      List.copyOf(inLog.subMap(range.first(), true, range.last(), true).values())
          .forEach(this::take);
      List.copyOf(revived.subMap(range.first(), true, range.last(), true).values())
          .forEach(this::take);
      dead.subMap(range.first(), true, range.last(), true).clear();
      if (range.last() >= change.next()) {
        ackedAhead.addRange(Math.max(range.first(), change.next()), range.last() + 1);
      }
    }
    Map<Outstanding, Lease> leasesBack = new HashMap<>();
    for (Outstanding told : change.outstanding()) {
      restore(told, leasesBack, time);
    }
    for (Dead told : change.dead()) {
      for (long sequence = told.range().first(); sequence <= told.range().last(); sequence++) {
        find(sequence).ifPresent(this::take);
        dead.put(sequence, told.attempts());
      }
    }
    next = change.next();
    toldNext = next;
    passed = change.passed();
    totals = change.totals();
    forgetAckedBelowNext();
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
      Delivery delivery = new Delivery(sequence, told.kept());
      delivery.attempts = told.attempts();
      put(delivery);
      if (told.lease() != 0) {
        Outstanding same =
            new Outstanding(
                new SequenceRange(0, 0), 0, told.lease(), told.since(), told.forMs(), false);
        leasesBack.computeIfAbsent(same, _ -> leaseBack(told, dueNs)).add(delivery);
      } else if (told.attempts() == 0) {
        released.put(sequence, delivery);
      } else {
        delivery.since = told.since();
        delivery.forMs = told.forMs();
        delivery.dueNs = dueNs;
        retries.add(delivery);
      }
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
    } else if (dying.remove(delivery.sequence) == null
        && released.remove(delivery.sequence) == null) {
      retries.remove(delivery);
    }
  }

  /// It is not outstanding any more.
  private void take(Delivery delivery) {
    leave(delivery);
    (delivery.kept ? revived : inLog).remove(delivery.sequence);
  }

  private void forgetAckedBelowNext() {
    while (!ackedAhead.isEmpty() && ackedAhead.first() < next) {
      ackedAhead.removeLong(ackedAhead.first());
    }
  }

  // ---- telling a change ----

  /// What one command changes.
  private final class Changing {
    private final TreeMap<Long, Boolean> settled = new TreeMap<>();
    private final TreeMap<Long, Delivery> touched = new TreeMap<>();
    private final TreeMap<Long, Integer> died = new TreeMap<>();
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
      retries.add(delivery);
      touched.put(delivery.sequence, delivery);
    }

    private void release(Delivery delivery, TimeSource time) {
      leave(delivery);
      delivery.attempts--;
      if (delivery.attempts <= 0) {
        delivery.attempts = 0;
        released.put(delivery.sequence, delivery);
        touched.put(delivery.sequence, delivery);
      } else {
        delivery.since = time.wallMs();
        delivery.forMs = 0;
        delivery.dueNs = time.monotonicNs();
        retries.add(delivery);
        touched.put(delivery.sequence, delivery);
      }
    }

    /// Becomes a dead letter.
    private void die(Delivery delivery, Optional<Message> message) {
      take(delivery);
      dead.put(delivery.sequence, delivery.attempts);
      died.put(delivery.sequence, delivery.attempts);
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
      forgetAckedBelowNext();
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
          Deliveries.tell(touched.values()),
          tellDead(died));
    }

    private DeliveryChange tellAll() {
      List<Long> ahead = new ArrayList<>();
      ackedAhead.forEach(ahead::add);
      TreeMap<Long, Delivery> all = new TreeMap<>(inLog);
      all.putAll(revived);
      return new DeliveryChange(
          lastOrdinal,
          true,
          next,
          passed,
          totals,
          Ranges.of(ahead),
          Deliveries.tell(all.values()),
          tellDead(dead));
    }
  }

  private static List<Outstanding> tell(Collection<Delivery> sorted) {
    return Ranges.of(
        sorted,
        it -> it.sequence,
        Deliveries::isTold,
        (range, first) -> {
          Lease lease = first.lease;
          return lease == null
              ? new Outstanding(
                  range, first.attempts, first.endedLease, first.since, first.forMs, first.kept)
              : new Outstanding(
                  range, first.attempts, lease.number, lease.since, lease.forMs, first.kept);
        });
  }

  private static boolean isTold(Delivery one, Delivery other) {
    return one.attempts == other.attempts
        && one.kept == other.kept
        && one.lease == other.lease
        && (one.lease != null
            || (one.endedLease == other.endedLease
                && one.since == other.since
                && one.forMs == other.forMs));
  }

  private static List<Dead> tellDead(NavigableMap<Long, Integer> sorted) {
    return Ranges.of(
        sorted.entrySet(),
        Map.Entry::getKey,
        (one, other) -> one.getValue().equals(other.getValue()),
        (range, first) -> new Dead(range, first.getValue()));
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

  /// Who is given what, before it is.
  private static final class Picked {
    private final List<Delivered> delivered = new ArrayList<>();
    private final List<Delivery> again = new ArrayList<>();
    private final List<Delivery> expired = new ArrayList<>();
    private final List<Delivery> gone = new ArrayList<>();
    private final List<Message> fresh = new ArrayList<>();
    private long bytes;
    private long expiredFresh;
    private long next;
    private long passed;
    private final List<Long> missing = new ArrayList<>();
    // Those that were there, but lie behind one that is missing.
    private int behindMissing;
  }

  /// Leases up to `max` messages for `forMs` milliseconds: first those whose wait is over, then
  /// those that were never delivered, in log order. It stops early once so many bytes are reached.
  public Leasing lease(
      TopicLog log,
      MessagePages pages,
      int max,
      OptionalLong forMs,
      DeliveryPolicy policy,
      TimeSource time) {
    expire(policy, time);
    Picked picked = new Picked();
    picked.next = next;
    picked.passed = passed;
    Optional<MessageLoad> load = pickAgain(picked, log, pages, max, time);
    if (load.isPresent()) {
      return new Missing(load.get(), passOver(picked).end());
    }
    int room = limits.outstanding() - inLog.size() - revived.size();
    if (room > 0 && picked.missing.isEmpty()) {
      long most = Math.min(max, (long) picked.delivered.size() + room);
      load = pickFresh(picked, log, pages, (int) most, time.wallMs());
      if (load.isPresent()) {
        return new Missing(load.get(), passOver(picked).end());
      }
    }
    boolean found = !picked.delivered.isEmpty();
    if (!found && picked.next <= log.watermark() && matches.evaluatedTo() < log.watermark()) {
      return new Unevaluated(passOver(picked).end());
    }
    return lease(picked, forMs.orElseGet(() -> ackDeadlineMs(policy)), time);
  }

  private long ackDeadlineMs(DeliveryPolicy policy) {
    return Math.min(LONGEST_MS, policy.ackDeadlineMs().orElse(limits.ackDeadlineMs()));
  }

  private Leased lease(Picked picked, long forMs, TimeSource time) {
    Changing changing = passOver(picked);
    Lease lease = new Lease(changing.ordinal(), changing.ordinal(), time.wallMs(), forMs);
    for (Delivery delivery : picked.again) {
      leave(delivery);
      delivery.attempts++;
      lease.add(delivery);
      changing.touched.put(delivery.sequence, delivery);
    }
    for (Message message : picked.fresh) {
      Delivery delivery = new Delivery(message.sequence(), /* kept= */ false);
      delivery.attempts = 1;
      put(delivery);
      lease.add(delivery);
      changing.touched.put(delivery.sequence, delivery);
    }
    if (lease.live > 0) {
      starting.put(lease.made, List.of(lease));
    }
    return new Leased(lease.number, picked.delivered, changing.end());
  }

  /// Leaves behind what was looked at and is not delivered.
  private Changing passOver(Picked picked) {
    Changing changing = new Changing();
    changing.expired = picked.expired.size() + picked.expiredFresh;
    changing.lost = picked.gone.size();
    picked.expired.forEach(changing::settle);
    picked.gone.forEach(changing::settle);
    next = picked.next;
    passed = picked.passed;
    // Else an empty answer would have to be written, which only spares a look at a bitmap.
    boolean isWorthTelling =
        !picked.fresh.isEmpty()
            || picked.expiredFresh > 0
            || next - toldNext >= WORTH_TELLING
            || !matches.isFiltered();
    changing.moved = isWorthTelling && next != toldNext;
    forgetAckedBelowNext();
    return changing;
  }

  /// Those that wait and are due.
  private Optional<MessageLoad> pickAgain(
      Picked picked, TopicLog log, MessagePages pages, int max, TimeSource time) {
    long nowNs = time.monotonicNs();
    for (Delivery delivery : released.values()) {
      if (isFull(picked, max)) {
        break;
      }
      pickAgain(picked, delivery, log, pages, time.wallMs());
    }
    for (Delivery delivery : retries) {
      if (delivery.dueNs > nowNs || isFull(picked, max)) {
        break;
      }
      pickAgain(picked, delivery, log, pages, time.wallMs());
    }
    return missing(picked, log);
  }

  private static boolean isFull(Picked picked, int max) {
    return picked.delivered.size() + picked.missing.size() + picked.behindMissing >= max
        || picked.bytes >= MessageLoad.MAX_BYTES;
  }

  private void pickAgain(
      Picked picked, Delivery delivery, TopicLog log, MessagePages pages, long now) {
    switch (look(delivery, log, pages)) {
      case Found(Message message) -> {
        if (!picked.missing.isEmpty()) {
          picked.behindMissing++;
          return;
        }
        if (message.expiredAt(now)) {
          picked.expired.add(delivery);
        } else {
          picked.again.add(delivery);
          picked.delivered.add(new Delivered(message, delivery.attempts + 1));
          picked.bytes += message.size();
        }
      }
      case Gone() -> picked.gone.add(delivery);
      case Unknown() -> {
        boolean sameKind =
            picked.missing.isEmpty()
                || find(picked.missing.getFirst())
                    .map(it -> it.kept)
                    .equals(Optional.of(delivery.kept));
        if (sameKind) {
          picked.missing.add(delivery.sequence);
        } else {
          picked.behindMissing++;
        }
      }
    }
  }

  /// What has to be loaded before anything can be delivered. What was found before it is enough to
  /// begin with: it may be gone from memory when the rest has been loaded.
  private Optional<MessageLoad> missing(Picked picked, TopicLog log) {
    if (picked.missing.isEmpty() || !picked.delivered.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(loadOf(picked.missing, log));
  }

  private MessageLoad loadOf(List<Long> sequences, TopicLog log) {
    // In the order in which they are needed, since a load may stop after the first.
    List<SequenceRange> ranges = Ranges.of(sequences);
    return revived.containsKey(sequences.getFirst())
        ? MessageLoad.ofCopies(number, ranges)
        : MessageLoad.ofLog(log, ranges);
  }

  /// Those that were never delivered.
  private Optional<MessageLoad> pickFresh(
      Picked picked, TopicLog log, MessagePages pages, int max, long now) {
    long last = Math.min(log.watermark(), matches.evaluatedTo());
    long at = Math.max(next, log.firstRetained());
    while (picked.delivered.size() < max && picked.bytes < MessageLoad.MAX_BYTES && at <= last) {
      long candidate = matches.firstFrom(at);
      if (candidate > last) {
        at = last + 1;
        break;
      }
      if (picked.expiredFresh >= EXPIRED_AT_ONCE) {
        at = candidate;
        if (picked.delivered.isEmpty()) {
          picked.next = Math.max(next, at);
          return Optional.of(freshLoad(candidate, last, max, log));
        }
        break;
      }
      if (ackedAhead.contains(candidate)) {
        at = candidate + 1;
        picked.passed++;
        continue;
      }
      int ask = matches.isFiltered() ? 1 : max - picked.delivered.size();
      Optional<Stretch> known = stretch(log, pages, candidate, ask);
      if (known.isEmpty()) {
        if (!picked.delivered.isEmpty()) {
          // Enough to begin with.
          at = candidate;
          break;
        }
        picked.next = Math.max(next, candidate);
        return Optional.of(freshLoad(candidate, last, max, log));
      }
      at = candidate;
      for (Message message : known.get().messages()) {
        boolean isFull = picked.delivered.size() == max || picked.bytes >= MessageLoad.MAX_BYTES;
        if (isFull) {
          break;
        }
        if (message.sequence() > last) {
          // Up to there is nothing, though there was a match.
          at = last + 1;
          break;
        }
        at = message.sequence() + 1;
        picked.passed++;
        // What comes instead of a match that is damaged need not match.
        if (ackedAhead.contains(message.sequence())
            || matches.firstFrom(message.sequence()) != message.sequence()) {
          continue;
        }
        if (message.expiredAt(now)) {
          picked.expiredFresh++;
        } else {
          picked.fresh.add(message);
          picked.delivered.add(new Delivered(message, 1));
          picked.bytes += message.size();
        }
      }
      if (known.get().messages().isEmpty() || at > known.get().messages().getLast().sequence()) {
        at = Math.max(at, Math.min(known.get().through(), last) + 1);
      }
    }
    picked.next = Math.max(next, at);
    if (picked.next > log.watermark() && !matches.isFiltered()) {
      // Holes and what was lost on the way are not counted on. What was given up lies above the
      // watermark while it is not durable, and there are no holes.
      picked.passed = log.messagesShown() + (picked.next - 1 - log.watermark());
    }
    return Optional.empty();
  }

  private MessageLoad freshLoad(long candidate, long last, int max, TopicLog log) {
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
    return MessageLoad.ofLog(log, Ranges.of(candidates));
  }

  // ---- messages in memory ----

  /// What is known of one message.
  private sealed interface Look {}

  private record Found(Message message) implements Look {}

  /// It is not in the store any more.
  private record Gone() implements Look {}

  /// It has to be loaded.
  private record Unknown() implements Look {}

  /// Everything there is from some place to `through`.
  private record Stretch(List<Message> messages, long through) {}

  private static Optional<Stretch> stretch(TopicLog log, MessagePages pages, long from, int max) {
    Optional<List<Message>> recent = log.readRecent(from, max, MessageLoad.MAX_BYTES);
    if (recent.isPresent()) {
      List<Message> messages = recent.get();
      return Optional.of(
          new Stretch(messages, messages.isEmpty() ? from : messages.getLast().sequence()));
    }
    return pages.find(log.incarnation(), from).map(page -> cut(page, from, max));
  }

  private static Stretch cut(MessagePages.Page page, long from, int max) {
    List<Message> messages =
        page.messages().stream().filter(it -> it.sequence() >= from).limit(max).toList();
    // What was cut short ends with its last message.
    return new Stretch(
        messages, messages.size() == max ? messages.getLast().sequence() : page.through());
  }

  private Look look(Delivery delivery, TopicLog log, MessagePages pages) {
    if (!delivery.kept && delivery.sequence < log.firstRetained()) {
      return new Gone();
    }
    Message onItsWay = delivery.kept ? copiesOnTheirWay.get(delivery.sequence) : null;
    if (onItsWay != null) {
      return new Found(onItsWay);
    }
    Optional<Stretch> known =
        delivery.kept
            ? pages
                .find(number, delivery.sequence)
                .map(page -> new Stretch(page.messages(), page.through()))
            : stretch(log, pages, delivery.sequence, 1);
    return known
        .map(stretch ->
            stretch.messages().stream()
                .filter(message -> message.sequence() == delivery.sequence)
                .findFirst()
                .<Look>map(Found::new)
                .orElseGet(Gone::new))
        .orElseGet(Unknown::new);
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
        ackedAhead.addLong(sequence);
        changing.settled.put(sequence, true);
        changing.acked++;
      }
    }
    return Optional.of(changing.end());
  }

  private boolean isNeverLeased(long sequence, TopicLog log) {
    return sequence >= Math.max(next, log.firstRetained())
        && sequence <= log.watermark()
        && matches.firstFrom(sequence) == sequence
        && !ackedAhead.contains(sequence);
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
    Burial burial = burial(last, log, pages);
    if (burial.handled() == 0 && burial.load().isPresent()) {
      return new Failing(burial.load(), List.of(), Change.NONE);
    }
    Changing changing = new Changing();
    List<Long> rest =
        last.subList(burial.handled(), last.size()).stream().map(it -> it.sequence).toList();
    bury(last.subList(0, burial.handled()), log, pages, changing, time.wallMs());
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

  private Burial burial(List<Delivery> last, TopicLog log, MessagePages pages) {
    List<Long> missing = new ArrayList<>();
    int handled = 0;
    long bytes = 0;
    for (Delivery delivery : last) {
      if (!delivery.kept) {
        Look look = look(delivery, log, pages);
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
        handled, missing.isEmpty() ? Optional.empty() : Optional.of(loadOf(missing, log)));
  }

  private void bury(
      List<Delivery> last, TopicLog log, MessagePages pages, Changing changing, long now) {
    for (Delivery delivery : last) {
      if (delivery.kept) {
        changing.die(delivery, Optional.empty());
        continue;
      }
      if (look(delivery, log, pages) instanceof Found(Message message)) {
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
            retries.add(delivery);
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
    Burial burial = burial(last, log, pages);
    if (burial.handled() == 0 && burial.load().isPresent()) {
      return new Failing(burial.load(), List.of(), Change.NONE);
    }
    Changing changing = new Changing();
    bury(last.subList(0, burial.handled()), log, pages, changing, time.wallMs());
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
    return awaited && !retries.isEmpty() ? Math.min(due, retries.first().dueNs) : due;
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
      long ahead =
          ackedAhead.rankLong(firstRetained - 1) - (next > 0 ? ackedAhead.rankLong(next - 1) : 0);
      gone += Math.max(0, fresh - ahead);
      passed += matches.isFiltered() ? firstRetained - next : fresh;
      next = firstRetained;
      changing.moved = true;
    }
    return gone;
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
        + Math.max(0, log.messagesEver() - passed - ackedAhead.getLongCardinality());
  }

  /// The lowest sequence such that no more than the newest `keep` messages that are not settled lie
  /// from there on. For a subscription without a filter.
  public long firstOfNewest(TopicLog log, long keep) {
    long excess = unsettled(log) - keep;
    if (excess <= 0) {
      return pin();
    }
    if (excess <= inLog.size()) {
      return inLog.keySet().stream().skip(excess - 1).findFirst().orElseThrow() + 1;
    }
    long first = Math.max(next, log.firstRetained());
    long rest = excess - inLog.size();
    if (first < log.consecutiveFrom()) {
      // Sequences may have holes there, which must not be taken for messages.
      long before =
          freshBelow(log.consecutiveFrom(), log) - ackedAhead.rankLong(log.consecutiveFrom() - 1);
      if (rest > before) {
        rest -= before;
        first = log.consecutiveFrom();
      }
    }
    for (; rest > 0 && first < log.nextSequence(); first++) {
      if (!ackedAhead.contains(first)) {
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
    Integer attempts = dead.get(sequence);
    return listing(attempts == null ? List.of() : List.of(Map.entry(sequence, attempts)), pages);
  }

  private Listing listing(List<Map.Entry<Long, Integer>> letters, MessagePages pages) {
    List<Delivered> found = new ArrayList<>();
    List<Long> missing = new ArrayList<>();
    long bytes = 0;
    for (Map.Entry<Long, Integer> letter : letters) {
      Optional<Message> onItsWay = Optional.ofNullable(copiesOnTheirWay.get(letter.getKey()));
      Optional<MessagePages.Page> page = pages.find(number, letter.getKey());
      if (onItsWay.isEmpty() && page.isEmpty()) {
        missing.add(letter.getKey());
      } else if (missing.isEmpty()) {
        Optional<Message> message = onItsWay.or(() -> page.flatMap(it -> it.at(letter.getKey())));
        message.ifPresent(it -> found.add(new Delivered(it, letter.getValue())));
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
      if (dead.remove(sequence) != null) {
        Delivery delivery = new Delivery(sequence, /* kept= */ true);
        put(delivery);
        released.put(sequence, delivery);
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
    long waiting = released.size() + (long) retries.size();
    long outstanding = inLog.size() + (long) revived.size();
    return new Counts(waiting + fresh(log), outstanding - waiting, totals, dead.size());
  }

  /// How many messages were never delivered.
  private long fresh(TopicLog log) {
    long ahead = ackedAhead.getLongCardinality();
    long known =
        matches.isFiltered() ? matches.count(next, log.watermark()) : log.messagesShown() - passed;
    return Math.max(0, known - ahead);
  }

  /// Whether something can be delivered at once.
  boolean isAvailable(TopicLog log, TimeSource time) {
    return !released.isEmpty()
        || (!retries.isEmpty() && retries.first().dueNs <= time.monotonicNs())
        || (inLog.size() + revived.size() < limits.outstanding()
            && matches.firstFrom(Math.max(next, log.firstRetained())) <= log.watermark());
  }

  /// How far it has come: the lowest sequence that was never leased.
  long next() {
    return next;
  }
}
