// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.filter.Filter;
import dev.tidings.core.filter.FilterEvaluator;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.StoreRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/// The subscriptions of one shard that are in memory: what they have delivered, what their filters
/// match, who waits for their messages, and when there is something to tend.
///
/// Touched by the shard's executor alone, but for [#figures], [#parked] and [#nextDueNs].
public final class Subscriptions {
  private final TimeSource time;
  private final Deliveries.Limits limits;
  private final MessagePages pages;
  private final Consumer<StoreRecord> emit;
  private final FilterEvaluator evaluator = new FilterEvaluator();
  private final Map<Integer, Held> byNumber = new HashMap<>();
  // By the number of the log.
  private final Map<Integer, TopicMatches> matches = new HashMap<>();
  private final Map<Integer, List<Held>> byLog = new HashMap<>();
  private final TreeSet<Due> due = new TreeSet<>();
  private volatile long nextDueNs = Long.MAX_VALUE;
  private volatile Figures figures = Figures.NONE;
  private volatile Parked parked = Parked.NONE;

  /// One subscription in memory.
  private static final class Held {
    private final Subscription subscription;
    private final TopicLog log;
    private final Optional<MatchIndex> index;
    private final Deliveries deliveries;
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
    private long dueNs = Long.MAX_VALUE;
    private Parked parked = Parked.NONE;

    private Held(
        Subscription subscription,
        TopicLog log,
        Optional<MatchIndex> index,
        Deliveries deliveries) {
      this.subscription = subscription;
      this.log = log;
      this.index = index;
      this.deliveries = deliveries;
    }
  }

  private record Due(long atNs, int number) implements Comparable<Due> {
    @Override
    public int compareTo(Due other) {
      return atNs == other.atNs
          ? Integer.compare(number, other.number)
          : Long.compare(atNs, other.atNs);
    }
  }

  /// How many subscriptions there may be.
  ///
  /// @param inAll of all topics
  /// @param perTopic of one topic
  /// @param deliveries the bounds of each
  public record Limits(int inAll, int perTopic, Deliveries.Limits deliveries) {
    /// The bounds unless others are given.
    public static final Limits DEFAULT = new Limits(1_000_000, 1000, Deliveries.Limits.DEFAULT);
  }

  /// What subscriptions have come to since the start.
  ///
  /// @param acked messages acked
  /// @param expired messages found expired
  /// @param lost messages lost
  /// @param deadLettered messages that became dead letters
  public record Figures(long acked, long expired, long lost, long deadLettered) {
    /// Nothing yet.
    public static final Figures NONE = new Figures(0, 0, 0, 0);

    /// Both together.
    public Figures plus(Figures other) {
      return new Figures(
          acked + other.acked,
          expired + other.expired,
          lost + other.lost,
          deadLettered + other.deadLettered);
    }
  }

  /// What waits behind others of its key.
  ///
  /// @param messages how many are parked
  /// @param paused how many subscriptions deliver nothing for the first time because of them
  public record Parked(long messages, long paused) {
    /// Nothing.
    public static final Parked NONE = new Parked(0, 0);

    private static Parked of(Deliveries deliveries) {
      return deliveries.parked() == 0
          ? NONE
          : new Parked(deliveries.parked(), deliveries.isPaused() ? 1 : 0);
    }

    /// Both together.
    public Parked plus(Parked other) {
      return new Parked(messages + other.messages, paused + other.paused);
    }

    private Parked minus(Parked other) {
      return new Parked(messages - other.messages, paused - other.paused);
    }
  }

  /// @param emit takes the records of what is changed
  public Subscriptions(
      TimeSource time, Deliveries.Limits limits, long pageBytes, Consumer<StoreRecord> emit) {
    this.time = time;
    this.limits = limits;
    this.pages = new MessagePages(pageBytes);
    this.emit = emit;
  }

  /// Messages that were loaded from the store.
  public MessagePages pages() {
    return pages;
  }

  /// What has come of messages since the start. Any thread.
  public Figures figures() {
    return figures;
  }

  /// What is parked, of those in memory. Any thread.
  public Parked parked() {
    return parked;
  }

  /// When [#due] is to be looked at, by the monotonic clock. Any thread.
  public long nextDueNs() {
    return nextDueNs;
  }

  /// What the subscription with that number has delivered, if it is in memory.
  public Optional<Deliveries> find(int number) {
    return Optional.ofNullable(byNumber.get(number)).map(held -> held.deliveries);
  }

  /// Takes a subscription into memory.
  ///
  /// @param prioritisedFrom if it orders its messages by priority: the first sequence of one whose
  ///   priority may be above 0
  /// @param changes what the store remembers of it
  /// @return what has to be loaded for its filter
  public Optional<Load> open(
      Subscription subscription,
      TopicLog log,
      Optional<Long> prioritisedFrom,
      List<DeliveryChange> changes) {
    // Equal to what is filtered by the empty filter, but cheaper.
    Optional<Filter> filter =
        subscription.filter().flatMap(Filter::parse).filter(it -> !it.matchesAll());
    long from = changes.isEmpty() ? subscription.start() : changes.getLast().next();
    Optional<MatchIndex> index =
        filter.map(it ->
            matches
                .computeIfAbsent(log.incarnation(), _ -> new TopicMatches(log, evaluator))
                .join(it, Math.max(from, log.firstRetained())));
    Deliveries deliveries =
        new Deliveries(
            subscription,
            index.<Matches>map(it -> it).orElse(Matches.ALL),
            prioritisedFrom.map(PriorityIndex::new),
            limits,
            changes,
            time);
    Held held = new Held(subscription, log, index, deliveries);
    byNumber.put(subscription.number(), held);
    byLog.computeIfAbsent(log.incarnation(), _ -> new ArrayList<>()).add(held);
    reschedule(held);
    return behind(held).map(it -> it);
  }

  private Optional<EvaluationLoad> behind(Held held) {
    return held.index.flatMap(index -> {
      TopicMatches of = matches.get(held.log.incarnation());
      return of == null ? Optional.empty() : of.catchUp(index);
    });
  }

  /// What has to be loaded before the filter of the subscription with that number is evaluated
  /// further; empty if it is up to date by now.
  public Optional<EvaluationLoad> behind(int number) {
    return Optional.ofNullable(byNumber.get(number)).flatMap(this::behind);
  }

  /// What has to be loaded before messages of the subscription with that number are leased: what
  /// its filter lacks, or what was not searched for priorities; empty if both are up to date.
  public Optional<Load> neededToLease(int number) {
    Held held = byNumber.get(number);
    return held == null
        ? Optional.empty()
        : behind(held).<Load>map(it -> it).or(() -> held.deliveries.behind(held.log));
  }

  /// A stretch of a log was evaluated.
  Optional<Load> evaluated(EvaluationLoad load, List<Long> matching, long evaluatedTo) {
    TopicMatches of = matches.get(load.log().incarnation());
    if (of == null) {
      return Optional.empty();
    }
    Optional<Load> next = Optional.empty();
    for (MatchIndex index : of.thatAreAt(load.filter(), load.from())) {
      matching.forEach(index::match);
      index.evaluated(evaluatedTo);
      Optional<EvaluationLoad> more = of.catchUp(index);
      if (more.isPresent()) {
        next = Optional.of(more.get());
      }
    }
    if (!matching.isEmpty()) {
      wakeOf(load.log().incarnation());
    }
    return next;
  }

  /// Writes what a command has changed.
  public void write(Subscription subscription, Deliveries.Change change) {
    figures =
        figures.plus(new Figures(change.acked(), change.expired(), change.lost(), change.died()));
    change
        .told()
        .ifPresent(told -> {
          int slot = subscription.slot();
          int number = subscription.number();
          emit.accept(new StoreRecord.DeliveryChanged(slot, number, told));
          if (!change.copiesKept().isEmpty()) {
            // What was looked at before knows nothing of them.
            pages.forget(number);
            emit.accept(new StoreRecord.DeadLettersKept(slot, number, change.copiesKept()));
          }
          if (!change.copiesRemoved().isEmpty()) {
            emit.accept(new StoreRecord.DeadLettersRemoved(slot, number, change.copiesRemoved()));
          }
        });
    Held held = byNumber.get(subscription.number());
    if (held != null) {
      held.index
          .filter(index -> index.isWorthForgetting(held.deliveries.next()))
          .ifPresent(index -> forgetMatches(held, index));
      reschedule(held);
    }
  }

  // ---- waiting ----

  /// Calls `waiter` once when there may be a message.
  public void await(int number, Waiter waiter) {
    Held held = byNumber.get(number);
    if (held == null) {
      boolean _ = waiter.wake();
      return;
    }
    held.waiters.addLast(waiter);
    reschedule(held);
  }

  /// Somebody who waited has left.
  public void leave(int number, Waiter waiter) {
    Held held = byNumber.get(number);
    if (held != null && held.waiters.remove(waiter)) {
      reschedule(held);
    }
  }

  /// Calls the first who waits, if there is something for it. Who is called leases, and whoever
  /// leases and leaves something calls the next.
  public void wake(int number) {
    Held held = byNumber.get(number);
    if (held != null) {
      wake(held);
    }
  }

  private void wake(Held held) {
    if (held.waiters.isEmpty() || !held.deliveries.isAvailable(held.log, time)) {
      return;
    }
    boolean woken = false;
    while (!woken && !held.waiters.isEmpty()) {
      woken = held.waiters.removeFirst().wake();
    }
    reschedule(held);
  }

  private void wakeOf(int incarnation) {
    List<Held> ofLog = byLog.get(incarnation);
    if (ofLog != null) {
      ofLog.forEach(this::wake);
    }
  }

  // ---- what has become durable ----

  /// Messages were appended to the log with number `incarnation`.
  public void appended(int incarnation, List<Message> messages) {
    TopicMatches of = matches.get(incarnation);
    if (of != null) {
      of.appended(messages);
    }
    List<Held> ofLog = byLog.get(incarnation);
    if (ofLog != null) {
      ofLog.forEach(held -> held.deliveries.appended(messages));
      ofLog.forEach(this::wake);
    }
  }

  /// The change with that ordinal of the subscription with that number is durable.
  public void committed(int number, long ordinal) {
    Held held = byNumber.get(number);
    if (held != null) {
      held.deliveries.committed(ordinal, time);
      reschedule(held);
      wake(held);
    }
  }

  /// Forgets the subscription with that number, which is gone.
  public void discard(int number) {
    Held held = byNumber.get(number);
    if (held != null) {
      close(held);
    }
    pages.forget(number);
  }

  private void close(Held held) {
    byNumber.remove(held.subscription.number());
    List<Held> ofLog = byLog.get(held.log.incarnation());
    if (ofLog != null && ofLog.remove(held) && ofLog.isEmpty()) {
      byLog.remove(held.log.incarnation());
    }
    TopicMatches of = matches.get(held.log.incarnation());
    if (of != null) {
      held.index.ifPresent(of::leave);
      if (of.isEmpty()) {
        matches.remove(held.log.incarnation());
      }
    }
    due.remove(new Due(held.dueNs, held.subscription.number()));
    tellNextDue();
    noteParked(held, Parked.NONE);
    // They find out what has become of it.
    held.waiters.forEach(waiter -> {
      boolean _ = waiter.wake();
    });
    held.waiters.clear();
  }

  /// Lets go of the subscriptions whose changes have not become durable and never will; they are
  /// loaded again when they are needed.
  public void revert() {
    for (Held held : List.copyOf(byNumber.values())) {
      if (held.deliveries.hasUncommitted()) {
        close(held);
      }
    }
  }

  // ---- what happens by itself ----

  private void reschedule(Held held) {
    noteParked(held, Parked.of(held.deliveries));
    boolean isAwaited = !held.waiters.isEmpty();
    // Whoever was called may have failed to lease: the next is called then.
    long nowDueNs =
        isAwaited && held.deliveries.isAvailable(held.log, time)
            ? time.monotonicNs()
            : held.deliveries.nextDueNs(isAwaited, time);
    if (nowDueNs != held.dueNs) {
      int number = held.subscription.number();
      due.remove(new Due(held.dueNs, number));
      held.dueNs = nowDueNs;
      if (nowDueNs != Long.MAX_VALUE) {
        due.add(new Due(nowDueNs, number));
      }
      tellNextDue();
    }
  }

  private void noteParked(Held held, Parked now) {
    if (!now.equals(held.parked)) {
      parked = parked.minus(held.parked).plus(now);
      held.parked = now;
    }
  }

  private void tellNextDue() {
    nextDueNs = due.isEmpty() ? Long.MAX_VALUE : due.first().atNs();
  }

  /// The numbers of the subscriptions there is something to tend of now, of those `wanted`: at most
  /// `max`.
  public Collection<Integer> due(int max, IntPredicate wanted) {
    long nowNs = time.monotonicNs();
    Collection<Integer> numbers = new LinkedHashSet<>();
    for (Due next : due) {
      if (next.atNs() > nowNs || numbers.size() == max) {
        break;
      }
      if (wanted.test(next.number())) {
        numbers.add(next.number());
      }
    }
    return numbers;
  }

  /// It was tended: whoever waits for what that made available is called.
  public void tended(int number) {
    Held held = byNumber.get(number);
    if (held != null) {
      held.index.ifPresent(index -> forgetMatches(held, index));
      reschedule(held);
      wake(held);
    }
  }

  private void forgetMatches(Held held, MatchIndex index) {
    long lowest = Long.MAX_VALUE;
    for (Held other : byLog.getOrDefault(held.log.incarnation(), List.of())) {
      if (other.index.filter(it -> it == index).isPresent()) {
        lowest = Math.min(lowest, other.deliveries.next());
      }
    }
    index.forgetBelow(lowest);
  }

  /// The subscription with that number.
  public Optional<Subscription> subscription(int number) {
    return Optional.ofNullable(byNumber.get(number)).map(held -> held.subscription);
  }

  /// How many matches of its filter are known for the subscription with that number.
  long matchesInMemory(int number) {
    return Optional.ofNullable(byNumber.get(number))
        .flatMap(held -> held.index)
        .map(MatchIndex::size)
        .orElse(0L);
  }
}
