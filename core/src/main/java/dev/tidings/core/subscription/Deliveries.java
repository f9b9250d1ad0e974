// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import dev.tidings.core.subscription.DeliveryState.Changing;
import dev.tidings.core.subscription.MessageLookup.Found;
import dev.tidings.core.subscription.MessageLookup.Look;
import dev.tidings.core.subscription.MessageLookup.Unknown;
import dev.tidings.core.subscription.Telling.DeadLetter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;

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
/// a work queue messages of a higher priority are given out first, but one of [Picking#FAIR_TURN]
/// is given by age.
///
/// A change is applied at once and told as a [DeliveryChange]. A lease ends by the monotonic clock,
/// counted from when its change is durable, since only then is it answered; that it has ended is
/// told nowhere, since its deadline is.
///
/// Belongs to the shard of its topic.
public final class Deliveries {
  // So many recent messages are searched at once; more are left to another thread.
  private static final int SEARCHED_AT_ONCE = 1000;

  private final DeliveryState state;

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
    state = new DeliveryState(subscription, matches, priorities, limits, changes, time);
  }

  /// The subscription has been created: tells how many messages lie before its first, so that they
  /// are not counted as available.
  ///
  /// @param before how many messages the log was ever given below the first it may deliver
  public Change begin(long before) {
    Changing changing = state.change();
    state.passed = before;
    changing.moved = true;
    return changing.end();
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
    state.committed(ordinal, time);
  }

  /// Whether something told is not durable yet.
  boolean hasUncommitted() {
    return state.hasUncommitted();
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
    Changing changing = state.change();
    if (state.priorities.isPresent() && state.priorities.get().evaluatedTo() < log.watermark()) {
      return new Unevaluated(changing.end());
    }
    Picking picking = new Picking(state, log, lookup(log, pages), changing, max, time.wallMs());
    picking.pick();
    if (picking.load().isPresent()) {
      return new Missing(picking.load().get(), changing.end());
    }
    boolean isUnevaluated =
        state.next <= log.watermark() && state.matches.evaluatedTo() < log.watermark();
    if (picking.leased().isEmpty() && isUnevaluated) {
      return new Unevaluated(changing.end());
    }
    return lease(picking, changing, forMs.orElseGet(() -> ackDeadlineMs(policy)), time);
  }

  private MessageLookup lookup(TopicLog log, MessagePages pages) {
    return new MessageLookup(state.number, log, pages, state.copiesOnTheirWay);
  }

  private long ackDeadlineMs(DeliveryPolicy policy) {
    return Math.min(
        DeliveryState.LONGEST_MS, policy.ackDeadlineMs().orElse(state.limits.ackDeadlineMs()));
  }

  private Leased lease(Picking picking, Changing changing, long forMs, TimeSource time) {
    Lease lease = new Lease(changing.ordinal(), changing.ordinal(), time.wallMs(), forMs);
    for (Delivery delivery : picking.leased()) {
      lease.add(delivery);
      changing.touched.put(delivery.sequence, delivery);
    }
    if (lease.live > 0) {
      state.starting.put(lease.made, List.of(lease));
    }
    return new Leased(lease.number, picking.delivered(), changing.end());
  }

  // ---- priorities ----

  /// Messages of its log have become durable.
  void appended(List<Message> messages) {
    state.priorities.ifPresent(index -> {
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
    state
        .priorities
        .filter(index -> index.evaluatedTo() == from - 1)
        .ifPresent(index -> {
          messages.forEach(message -> prioritise(index, message));
          index.evaluated(searchedTo);
        });
  }

  private void prioritise(PriorityIndex index, Message message) {
    int priority = message.ordering().priority();
    long sequence = message.sequence();
    if (priority > 0 && sequence >= state.next && !state.ahead.contains(sequence)) {
      index.add(sequence, priority);
    }
  }

  /// What has to be searched for messages of a priority above 0, if it is not in memory or much.
  Optional<PrioritiesLoad> behind(TopicLog log) {
    long from = state.priorities.map(index -> index.evaluatedTo() + 1).orElse(Long.MAX_VALUE);
    if (from > log.watermark()) {
      return Optional.empty();
    }
    Optional<List<Message>> recent =
        log.watermark() - from < SEARCHED_AT_ONCE
            ? log.readRecent(from, SEARCHED_AT_ONCE, Long.MAX_VALUE)
            : Optional.empty();
    if (recent.isEmpty()) {
      return Optional.of(new PrioritiesLoad(log, state.number, from));
    }
    // Not up to the watermark: that has risen meanwhile, perhaps.
    searched(recent.get(), from, recent.get().getLast().sequence());
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
        if (sequence > state.matches.evaluatedTo()
            && sequence <= log.watermark()
            && sequence >= state.next) {
          return Optional.empty();
        }
      }
    }
    Changing changing = state.change();
    for (long sequence : meant.sequences()) {
      Optional<Delivery> delivery = state.find(sequence);
      if (delivery.isPresent()) {
        if (meant.admits(delivery.get())) {
          changing.settle(delivery.get());
          changing.acked++;
        }
      } else if (meant.lease().isEmpty() && isNeverLeased(sequence, log)) {
        changing.passAhead(sequence);
        changing.acked++;
      }
    }
    return Optional.of(changing.end());
  }

  private boolean isNeverLeased(long sequence, TopicLog log) {
    return sequence >= Math.max(state.next, log.firstRetained())
        && sequence <= log.watermark()
        && state.matches.firstFrom(sequence) == sequence
        && !state.ahead.contains(sequence);
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
    Changing changing = state.change();
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
      state
          .find(sequence)
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

  private void bury(List<Delivery> last, MessageLookup messages, Changing changing, long now) {
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
    Changing changing = state.change();
    for (Delivery delivery : leasedOf(meant)) {
      changing.release(delivery, time);
    }
    return changing.end();
  }

  /// Lets the leases of messages end `forMs` milliseconds after this is durable.
  public Change extend(Meant meant, long forMs, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    Changing changing = state.change();
    Map<Long, Lease> extended = new HashMap<>();
    for (Delivery delivery : leasedOf(meant)) {
      long of = lease(delivery).number;
      state.leave(delivery);
      extended
          .computeIfAbsent(of, _ -> new Lease(of, changing.ordinal(), time.wallMs(), forMs))
          .add(delivery);
      changing.touched.put(delivery.sequence, delivery);
    }
    if (!extended.isEmpty()) {
      state.starting.put(changing.ordinal(), List.copyOf(extended.values()));
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
    while (!state.leases.isEmpty() && state.leases.first().endNs <= nowNs) {
      Lease ended = state.leases.removeFirst();
      for (Delivery delivery : ended.deliveries) {
        if (delivery.lease == ended) {
          delivery.lease = null;
          delivery.since = time.wallMs();
          delivery.forMs = 0;
          if (isLast(delivery, policy)) {
            // Told as a lease that has ended, so that it is not delivered again after a restart.
            delivery.endedLease = ended.number;
            state.dying.put(delivery.sequence, delivery);
          } else {
            delivery.dueNs = ended.endNs;
            state.waiting.addDelayed(delivery);
          }
        }
      }
    }
    state.waiting.mature(nowNs);
  }

  /// Ends leases, and makes dead letters of what has failed for the last time.
  ///
  /// @return with a load if that has to be done first
  public Failing tend(TopicLog log, MessagePages pages, DeliveryPolicy policy, TimeSource time) {
    expire(policy, time);
    List<Delivery> last = state.dying.values().stream().limit(MessageLoad.MAX_MESSAGES).toList();
    MessageLookup messages = lookup(log, pages);
    Burial burial = burial(last, messages);
    if (burial.handled() == 0 && burial.load().isPresent()) {
      return new Failing(burial.load(), List.of(), Change.NONE);
    }
    Changing changing = state.change();
    bury(last.subList(0, burial.handled()), messages, changing, time.wallMs());
    return new Failing(Optional.empty(), List.of(), changing.end());
  }

  /// When there is something to tend, by the monotonic clock; [Long#MAX_VALUE] if nothing is
  /// foreseen.
  ///
  /// @param awaited whether somebody waits for a message, so that a retry matters
  long nextDueNs(boolean awaited, TimeSource time) {
    if (!state.dying.isEmpty()) {
      return time.monotonicNs();
    }
    long due = state.leases.isEmpty() ? Long.MAX_VALUE : state.leases.first().endNs;
    return awaited ? Math.min(due, state.waiting.nextDueNs()) : due;
  }

  /// Whether it is known of everything below `sequence` if it is to be delivered.
  public boolean knowsBelow(long sequence) {
    return state.matches.evaluatedTo() >= sequence - 1;
  }

  /// Gives up what lies below `firstRetained`, which counts as lost: the log lets it go.
  public Change lose(long firstRetained, TopicLog log) {
    Changing changing = state.change();
    changing.lost = giveUp(firstRetained, log, changing);
    return changing.end();
  }

  /// Gives up what lies below `firstRetained`, which has expired.
  public Change expire(long firstRetained, TopicLog log) {
    Changing changing = state.change();
    changing.expired = giveUp(firstRetained, log, changing);
    return changing.end();
  }

  /// Gives up all that is to be delivered, as it was asked to: everything in `log`, and dead
  /// letters that were made available again.
  public Change drop(TopicLog log) {
    Changing changing = state.change();
    List.copyOf(state.revived.values()).forEach(changing::settle);
    long _ = giveUp(log.nextSequence(), log, changing);
    return changing.end();
  }

  /// @return how many messages that were not settled
  private long giveUp(long firstRetained, TopicLog log, Changing changing) {
    long gone = 0;
    for (Delivery delivery : List.copyOf(state.inLog.headMap(firstRetained, false).values())) {
      changing.settle(delivery);
      gone++;
    }
    if (state.next < firstRetained) {
      long fresh =
          state.matches.isFiltered()
              ? state.matches.count(state.next, firstRetained - 1)
              : freshBelow(firstRetained, log);
      gone += Math.max(0, fresh - aheadBelow(firstRetained));
      state.passed += state.matches.isFiltered() ? firstRetained - state.next : fresh;
      state.next = firstRetained;
      state.atBound = Optional.empty();
      changing.moved = true;
      state.priorities.ifPresent(index -> index.forgetBelow(firstRetained));
    }
    return gone;
  }

  /// How many of those ahead of the cursor lie below `sequence`.
  private long aheadBelow(long sequence) {
    return state.ahead.rankLong(sequence - 1)
        - (state.next > 0 ? state.ahead.rankLong(state.next - 1) : 0);
  }

  /// How many messages lie from the cursor up to below `sequence`: exact where the log has no
  /// holes, and never more than there are above the hole.
  private long freshBelow(long sequence, TopicLog log) {
    long holesEnd = Math.max(sequence, log.consecutiveFrom());
    long most = Math.max(0, log.messagesEver() - (log.nextSequence() - holesEnd) - state.passed);
    return sequence == holesEnd ? most : Math.min(most, sequence - state.next);
  }

  /// How many messages wait that were dead letters.
  public long unsettledCopies() {
    return state.revived.size();
  }

  /// How many messages of `log` are not settled, durable or not. For a subscription without a
  /// filter.
  public long unsettled(TopicLog log) {
    return state.inLog.size()
        + Math.max(0, log.messagesEver() - state.passed - state.ahead.getLongCardinality());
  }

  /// The lowest sequence such that no more than the newest `keep` messages that are not settled lie
  /// from there on. For a subscription without a filter.
  public long firstOfNewest(TopicLog log, long keep) {
    long excess = unsettled(log) - keep;
    if (excess <= 0) {
      return pin();
    }
    long rest = excess;
    for (long sequence : state.inLog.headMap(state.next, false).keySet()) {
      if (--rest == 0) {
        return sequence + 1;
      }
    }
    long first = Math.max(state.next, log.firstRetained());
    if (first < log.consecutiveFrom()) {
      // Sequences may have holes there, which must not be taken for messages.
      long end = log.consecutiveFrom();
      long before =
          freshBelow(end, log)
              - state.ahead.rankLong(end - 1)
              + state.inLog.subMap(first, true, end, false).size();
      if (rest > before) {
        rest -= before;
        first = end;
      }
    }
    for (; rest > 0 && first < log.nextSequence(); first++) {
      if (!state.ahead.contains(first) || state.inLog.containsKey(first)) {
        rest--;
      }
    }
    return first;
  }

  /// The lowest sequence whose message is still needed.
  public long pin() {
    long fresh =
        state.matches.isFiltered()
            ? Math.max(
                state.next,
                Math.min(state.matches.firstFrom(state.next), state.matches.evaluatedTo() + 1))
            : state.next;
    return state.inLog.isEmpty() ? fresh : Math.min(fresh, state.inLog.firstKey());
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
    return listing(state.dead.entrySet().stream().skip(offset).limit(limit).toList(), pages);
  }

  /// The dead letter with that sequence, if it is one.
  public Listing deadLetter(long sequence, MessagePages pages) {
    DeadLetter letter = state.dead.get(sequence);
    return listing(letter == null ? List.of() : List.of(Map.entry(sequence, letter)), pages);
  }

  private Listing listing(List<Map.Entry<Long, DeadLetter>> letters, MessagePages pages) {
    List<Delivered> found = new ArrayList<>();
    List<Long> missing = new ArrayList<>();
    long bytes = 0;
    for (Map.Entry<Long, DeadLetter> letter : letters) {
      Optional<Message> onItsWay = Optional.ofNullable(state.copiesOnTheirWay.get(letter.getKey()));
      Optional<MessagePages.Page> page = pages.find(state.number, letter.getKey());
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
            .filter(sequence -> !state.copiesOnTheirWay.containsKey(sequence))
            .toList();
    return new Listing(
        Optional.of(MessageLoad.ofCopies(state.number, Ranges.of(stored))), List.of());
  }

  /// Makes dead letters available again, as if they had never been delivered.
  public Change reprocess(List<Long> sequences) {
    Changing changing = state.change();
    for (long sequence : sequences) {
      DeadLetter letter = state.dead.remove(sequence);
      if (letter != null) {
        Delivery delivery = new Delivery(sequence, /* kept= */ true, letter.ordering());
        state.put(delivery);
        state.joinLine(delivery);
        changing.touched.put(sequence, delivery);
      }
    }
    return changing.end();
  }

  /// Drops dead letters.
  ///
  /// @param sequences which; empty for all
  public Change purge(Optional<List<Long>> sequences) {
    Changing changing = state.change();
    for (long sequence : sequences.orElseGet(() -> List.copyOf(state.dead.keySet()))) {
      if (state.dead.remove(sequence) != null) {
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
    long toBeDelivered = state.waiting.size() + (long) state.lines.parked();
    long outstanding = state.inLog.size() + (long) state.revived.size();
    return new Counts(
        toBeDelivered + fresh(log),
        outstanding - toBeDelivered,
        state.totals,
        state.dead.size(),
        state.lines.parked(),
        state.isPaused());
  }

  /// How many messages are parked.
  int parked() {
    return state.lines.parked();
  }

  /// Whether nothing is delivered for the first time because too many are parked.
  boolean isPaused() {
    return state.isPaused();
  }

  /// How many messages were never delivered.
  private long fresh(TopicLog log) {
    long known =
        state.matches.isFiltered()
            ? state.matches.count(state.next, log.watermark())
            : log.messagesShown() - state.passed;
    return Math.max(0, known - state.ahead.getLongCardinality());
  }

  /// Whether something can be delivered at once.
  boolean isAvailable(TopicLog log, TimeSource time) {
    return state.waiting.isReady(time.monotonicNs())
        || (state.hasRoom()
            && !state.isPaused()
            && state.matches.firstFrom(Math.max(state.next, log.firstRetained()))
                <= log.watermark());
  }

  /// How far it has come: from this sequence on messages were never leased, but for those that were
  /// before their turn.
  long next() {
    return state.next;
  }
}
