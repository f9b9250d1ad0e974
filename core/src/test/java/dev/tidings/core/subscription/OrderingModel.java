// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A subscription whose messages have ordering keys, by the rules alone: who may be given to a
/// consumer, and who has to be.
///
/// Where the rules leave something open, it admits all of it: which of two messages of a key comes
/// first that were both given back to the line, or how far the subscription has come in its log.
final class OrderingModel {

  /// What has become of a message.
  enum State {
    FRESH,
    LEASED,
    WAITING,
    RELEASED,
    DEAD,
    ACKED,
    EXPIRED,
    LOST,
    PURGED
  }

  /// A message as it lies in the log.
  ///
  /// @param key empty for none
  /// @param maybe whether it may have come after what is looked at beside it
  record Sent(
      long sequence, String payload, String key, boolean matching, long expiresAt, boolean maybe) {}

  /// A message of the subscription.
  static final class Copy {
    final Sent sent;
    State state = State.FRESH;
    // It was a dead letter.
    boolean kept;
    // It was published just now, and may not have been seen.
    boolean maybe;
    int attempts;
    long lease;
    // Of its lease or wait.
    private long since;
    private long forMs;
    private long endNs;

    private Copy(Sent sent) {
      this.sent = sent;
      this.maybe = sent.maybe();
    }

    long sequence() {
      return sent.sequence();
    }

    boolean isExpired(ManualTime time) {
      return sent.expiresAt() <= time.wallMs();
    }

    private boolean holdsKey() {
      return state == State.LEASED || state == State.WAITING;
    }

    @Override
    public String toString() {
      return "%n  %d %s key=%s %s attempts=%d lease=%d kept=%s endMs=%d%s%s"
          .formatted(
              sent.sequence(),
              sent.payload(),
              sent.key(),
              state,
              attempts,
              lease,
              kept,
              endNs / 1_000_000,
              sent.expiresAt() == Long.MAX_VALUE ? "" : " expires=" + sent.expiresAt(),
              maybe ? " maybe" : "");
    }
  }

  /// The messages of a key that are not settled.
  private static final class Line {
    private final TreeMap<Long, Copy> live = new TreeMap<>();
    // Where nothing is outstanding: who is to come next, one of these.
    private final Set<Copy> heads = new HashSet<>();

    private Optional<Copy> holder() {
      List<Copy> holders = live.values().stream().filter(Copy::holdsKey).toList();
      assertThat(holders).as("outstanding of one key").hasSizeLessThan(2);
      return holders.stream().findFirst();
    }

    private void join(Copy copy) {
      boolean isAlone = live.isEmpty();
      live.put(copy.sequence(), copy);
      if (isAlone) {
        heads.add(copy);
      } else if (holder().isEmpty() && live.firstKey() == copy.sequence()) {
        // Also before one that was given back: that counts as if nobody had been given it.
        heads.add(copy);
      }
    }

    /// A dead letter joins it again. Whoever was to come next may have been found expired, whoever
    /// came next too, and so on.
    private void rejoin(Copy copy, ManualTime time) {
      if (holder().isEmpty()
          || (holder().get().isExpired(time) && holder().get().state == State.WAITING)) {
        boolean isExpired =
            holder().isPresent() || heads.stream().anyMatch(it -> it.isExpired(time));
        for (Copy next : live.values()) {
          if (isExpired && !next.holdsKey()) {
            heads.add(next);
            isExpired = next.isExpired(time);
          }
        }
      }
      join(copy);
    }

    private void leave(Copy copy) {
      live.remove(copy.sequence());
      heads.remove(copy);
      if (heads.isEmpty() && !live.isEmpty() && holder().isEmpty()) {
        heads.add(live.firstEntry().getValue());
      }
    }

    /// It was loaded anew: who was to come next may be forgotten.
    private void doubt() {
      if (!live.isEmpty() && holder().isEmpty()) {
        heads.add(live.firstEntry().getValue());
      }
    }

    /// Who may be given now.
    private Free free(ManualTime time) {
      Optional<Copy> holder = holder();
      if (holder.isPresent()) {
        Copy held = holder.get();
        boolean isDue = held.endNs <= time.monotonicNs();
        if (held.state == State.LEASED || (!isDue && !held.isExpired(time))) {
          return Free.NOBODY;
        }
        if (!held.isExpired(time)) {
          return new Free(Set.of(held), true, true);
        }
        if (!isDue) {
          // It waits no longer than until it expires; unless a restart forgot when that is.
          return new Free(Set.copyOf(lowest(time)), false, false);
        }
      }
      Set<Copy> free = new HashSet<>(heads);
      boolean isCertain = !free.removeIf(it -> it.isExpired(time)) && holder.isEmpty();
      if (!isCertain) {
        free.addAll(lowest(time));
      }
      return new Free(free, isCertain && free.stream().noneMatch(it -> it.maybe), true);
    }

    private List<Copy> lowest(ManualTime time) {
      return live.values().stream()
          .filter(it -> !it.isExpired(time) && !it.holdsKey())
          .limit(1)
          .toList();
    }
  }

  /// Who of a key may be given.
  ///
  /// @param any one of these
  /// @param isCertain whether one of them has to come, whoever looked at what lies before it
  /// @param isDue whether one of them has to come if nothing else does
  private record Free(Set<Copy> any, boolean isCertain, boolean isDue) {
    static final Free NOBODY = new Free(Set.of(), false, false);
  }

  final Subscription entry;
  final boolean filtered;
  DeliveryPolicy policy;
  private final Deliveries.Limits limits;
  private final int parkedBound;
  private final Map<Long, Copy> copies = new TreeMap<>();
  private final Map<State, TreeMap<Long, Copy>> byState = new HashMap<>();
  private final Map<String, Line> lines = new HashMap<>();
  // Between these lies the lowest sequence that it never came to.
  private long lowest;
  private long highest;
  private long logEnd;
  private long acked;
  private long lost;
  // What it came to and had no room to park was acked: it goes on when the number falls, or
  // somebody
  // asks.
  private boolean isPauseOver;
  // What a filter was not evaluated on is not counted.
  private boolean isCounted;
  private final Map<String, Long> lastAcked = new HashMap<>();

  OrderingModel(Subscription entry, boolean filtered, Deliveries.Limits limits, int parkedBound) {
    this.entry = entry;
    this.filtered = filtered;
    this.policy = entry.policy();
    this.limits = limits;
    this.parkedBound = parkedBound;
    this.isCounted = !filtered;
    for (State state : State.values()) {
      byState.put(state, new TreeMap<>());
    }
  }

  // ---- what happens ----

  void published(Sent sent) {
    logEnd = Math.max(logEnd, sent.sequence());
    if (sent.matching() || !filtered) {
      Copy copy = new Copy(sent);
      copies.put(sent.sequence(), copy);
      byState.get(State.FRESH).put(sent.sequence(), copy);
      join(copy);
    }
  }

  private void join(Copy copy) {
    if (!copy.sent.key().isEmpty()) {
      lines.computeIfAbsent(copy.sent.key(), _ -> new Line()).join(copy);
    }
  }

  private void become(Copy copy, State state) {
    byState.get(copy.state).remove(copy.sequence());
    copy.state = state;
    byState.get(state).put(copy.sequence(), copy);
    Line line = lines.get(copy.sent.key());
    if (line == null) {
      return;
    }
    switch (state) {
      case FRESH -> {}
      case LEASED, WAITING -> line.heads.clear();
      case RELEASED -> {
        if (line.live.containsKey(copy.sequence())) {
          line.heads.clear();
          line.heads.add(copy);
        }
      }
      case DEAD, ACKED, EXPIRED, LOST, PURGED -> line.leave(copy);
    }
  }

  /// Everybody has seen what was published.
  void seen() {
    copies.values().forEach(it -> it.maybe = false);
  }

  void fail(Copy copy, long delayMs, ManualTime time) {
    if (copy.attempts < policy.maxAttempts()) {
      become(copy, State.WAITING);
      begin(copy, delayMs, time);
    } else if (!copy.kept && copy.isExpired(time)) {
      become(copy, State.EXPIRED);
    } else {
      copy.kept = true;
      become(copy, State.DEAD);
      TreeMap<Long, Copy> dead = byState.get(State.DEAD);
      if (dead.size() > limits.deadLetters()) {
        become(dead.firstEntry().getValue(), State.LOST);
        lost++;
      }
    }
  }

  void nack(Copy copy, long delayMs, ManualTime time) {
    fail(copy, delayMs, time);
  }

  long backoff(Copy copy) {
    long wait = policy.backoffMinMs();
    for (int i = 1; i < copy.attempts; i++) {
      wait *= 2;
    }
    return Math.min(policy.backoffMaxMs(), wait);
  }

  private static void begin(Copy copy, long forMs, ManualTime time) {
    copy.since = time.wallMs();
    copy.forMs = forMs;
    copy.endNs = time.monotonicNs() + forMs * 1_000_000;
  }

  void extend(Copy copy, long forMs, ManualTime time) {
    begin(copy, forMs, time);
  }

  void release(Copy copy, ManualTime time) {
    copy.attempts--;
    become(copy, copy.attempts == 0 ? State.RELEASED : State.WAITING);
    begin(copy, 0, time);
  }

  void ack(Copy copy) {
    boolean wasGiven = copy.state != State.FRESH;
    if (wasGiven && !copy.kept && !copy.sent.key().isEmpty()) {
      // The promise, said once more without any of the above.
      Long before = lastAcked.put(copy.sent.key(), copy.sequence());
      assertThat(before == null || before < copy.sequence())
          .as("acked after " + before + ": " + copy)
          .isTrue();
    }
    isPauseOver |= copy.state == State.FRESH;
    become(copy, State.ACKED);
    acked++;
  }

  void reprocess(Copy copy, ManualTime time) {
    copy.attempts = 0;
    byState.get(State.DEAD).remove(copy.sequence());
    copy.state = State.RELEASED;
    byState.get(State.RELEASED).put(copy.sequence(), copy);
    if (!copy.sent.key().isEmpty()) {
      lines.computeIfAbsent(copy.sent.key(), _ -> new Line()).rejoin(copy, time);
    }
  }

  void purge(Copy copy) {
    become(copy, State.PURGED);
  }

  /// Everything below `cut` is gone from the log.
  void trimmed(long cut, long forced, ManualTime time) {
    for (Copy copy : live()) {
      if (copy.sequence() < cut && !copy.kept) {
        assertThat(copy.sequence() < forced || copy.isExpired(time))
            .as(copy + " is needed")
            .isTrue();
        become(copy, State.LOST);
        lost++;
      }
    }
  }

  /// Leases end by themselves.
  void expire(ManualTime time) {
    for (Copy copy : in(State.LEASED)) {
      if (copy.endNs <= time.monotonicNs()) {
        long since = copy.since;
        long forMs = copy.forMs;
        long endNs = copy.endNs;
        fail(copy, 0, time);
        copy.since = since;
        copy.forMs = forMs;
        copy.endNs = endNs;
      }
    }
  }

  /// The process started anew: what was going on goes on for what was left of it.
  void restart(ManualTime time) {
    for (Copy copy : live()) {
      if (copy.holdsKey()) {
        long leftMs = Math.clamp(copy.since + copy.forMs - time.wallMs(), 0, copy.forMs);
        copy.endNs = time.monotonicNs() + leftMs * 1_000_000;
      }
    }
    doubt();
  }

  /// It may have been loaded anew from what was told.
  void doubt() {
    lowest = 0;
    lines.values().forEach(Line::doubt);
  }

  // ---- who is to be given ----

  @Nullable Copy find(long sequence) {
    return copies.get(sequence);
  }

  List<Copy> in(State state) {
    return List.copyOf(byState.get(state).values());
  }

  List<Copy> live() {
    TreeMap<Long, Copy> live = new TreeMap<>();
    for (State state : List.of(State.FRESH, State.LEASED, State.WAITING, State.RELEASED)) {
      live.putAll(byState.get(state));
    }
    return List.copyOf(live.values());
  }

  boolean isAnyKept() {
    return copies.values().stream().anyMatch(it -> it.kept);
  }

  /// Those that are parked, mostly: they wait behind another of their key.
  List<Copy> behindOthers() {
    return lines.values().stream()
        .flatMap(line ->
            line.live.values().stream().filter(it -> !it.holdsKey() && !line.heads.contains(it)))
        .toList();
  }

  private boolean isInside(Copy copy, long cursor) {
    return copy.state != State.FRESH || copy.sequence() < cursor;
  }

  private long parked(long cursor, Optional<ManualTime> unexpiredAt) {
    long parked = 0;
    for (Line line : lines.values()) {
      long inside =
          line.live.values().stream()
              .filter(it -> isInside(it, cursor))
              .filter(it -> unexpiredAt.isEmpty() || !it.isExpired(unexpiredAt.get()))
              .count();
      parked += Math.max(0, inside - 1);
    }
    return parked;
  }

  private boolean isAmbiguous() {
    return lines.values().stream().anyMatch(it -> it.heads.size() > 1);
  }

  private boolean isFreeOfOthers(Copy copy) {
    if (copy.sent.key().isEmpty()) {
      return true;
    }
    Line line = lines.get(copy.sent.key());
    return line.holder().isEmpty() && line.heads.contains(copy);
  }

  /// Where somebody comes who takes all that comes: before the first that he is to be given, or
  /// that is to be parked and has no room.
  private long walk(ManualTime time) {
    long parked = parked(lowest, Optional.empty());
    for (Copy copy : byState.get(State.FRESH).tailMap(lowest).values()) {
      if (copy.maybe) {
        return copy.sequence();
      }
      if (copy.isExpired(time)) {
        continue;
      }
      if (isFreeOfOthers(copy) || parked >= parkedBound) {
        return copy.sequence();
      }
      parked++;
    }
    return logEnd + 1;
  }

  /// Who has to come if somebody takes everything.
  ///
  /// @param again those that were given before, or wait behind the cursor
  /// @param fresh those that were never looked at
  /// @param eventually whether there is something else that may come, and has to if nothing does
  private record Due(List<Copy> again, List<Copy> fresh, boolean eventually) {
    private List<Copy> without(Set<Copy> given) {
      List<Copy> left = new ArrayList<>(again);
      left.addAll(fresh);
      left.removeIf(given::contains);
      return left;
    }
  }

  private Due due(ManualTime time) {
    List<Copy> again = new ArrayList<>();
    for (State state : List.of(State.WAITING, State.RELEASED)) {
      for (Copy copy : in(state)) {
        boolean isDue = state == State.RELEASED || copy.endNs <= time.monotonicNs();
        if (copy.sent.key().isEmpty() && isDue && !copy.isExpired(time)) {
          again.add(copy);
        }
      }
    }
    long inside = byState.get(State.LEASED).size();
    inside += byState.get(State.WAITING).size() + byState.get(State.RELEASED).size();
    boolean eventually = false;
    boolean eventuallyFresh = false;
    Set<Copy> freshHeads = new HashSet<>();
    for (Line line : lines.values()) {
      Free free = line.free(time);
      if (free.any().isEmpty()) {
        continue;
      }
      boolean isInside = free.any().stream().anyMatch(it -> isInside(it, lowest));
      if (!free.isCertain()) {
        boolean isSeen = free.isDue() && free.any().stream().noneMatch(it -> it.maybe);
        eventually |= isSeen && free.any().stream().allMatch(it -> isInside(it, lowest));
        eventuallyFresh |= isSeen;
      } else if (free.any().size() > 1) {
        // One of them.
        eventually |= isInside;
      } else if (isInside) {
        again.addAll(free.any());
        inside += free.any().stream().filter(it -> it.state == State.FRESH).count();
      } else {
        freshHeads.addAll(free.any());
      }
    }
    boolean isUnbounded = parkedBound == Integer.MAX_VALUE;
    eventually |= eventuallyFresh && isUnbounded && inside < limits.outstanding();
    List<Copy> fresh = new ArrayList<>();
    if (isUnbounded || !isAmbiguous()) {
      long parked = parked(lowest, Optional.empty());
      long room = limits.outstanding() - inside;
      for (Copy copy : byState.get(State.FRESH).tailMap(lowest).values()) {
        if (copy.maybe || room <= 0) {
          break;
        }
        if (copy.isExpired(time)) {
          continue;
        }
        if (copy.sent.key().isEmpty() || freshHeads.contains(copy)) {
          fresh.add(copy);
          room--;
        } else if (parked++ >= parkedBound) {
          break;
        }
      }
    }
    return new Due(again, fresh, eventually);
  }

  /// Somebody was given messages: they had to be those that were to be given.
  ///
  /// @param isWarm whether everything is in memory, so that nobody gets less because of that
  void leased(
      int max, long forMs, long number, List<Delivered> given, boolean isWarm, ManualTime time) {
    isCounted = true;
    Due due = due(time);
    Map<String, Free> freeBefore = new HashMap<>();
    lines.forEach((key, line) -> freeBefore.put(key, line.free(time)));
    long outstanding =
        (long) byState.get(State.LEASED).size()
            + in(State.WAITING).stream().filter(it -> !it.isExpired(time)).count();
    assertThat(given).hasSizeLessThanOrEqualTo(max);
    Set<Copy> given2 = new HashSet<>();
    Set<String> keys = new HashSet<>();
    List<Copy> firstKeyless = new ArrayList<>();
    for (Delivered delivered : given) {
      Copy copy = copies.get(delivered.message().sequence());
      assertThat(copy).as("one of the subscription's: " + delivered).isNotNull();
      assertThat(delivered.message().payload().text()).isEqualTo(copy.sent.payload());
      assertThat(delivered.message().ordering().key()).isEqualTo(copy.sent.key());
      assertThat(delivered.attempts()).as("attempts of " + copy).isEqualTo(copy.attempts + 1);
      assertThat(copy.state).as("" + copy).isIn(State.FRESH, State.WAITING, State.RELEASED);
      assertThat(copy.isExpired(time)).as(copy + " has expired").isFalse();
      assertThat(given2.add(copy)).as(copy + " once").isTrue();
      String key = copy.sent.key();
      if (key.isEmpty()) {
        assertThat(copy.state != State.WAITING || copy.endNs <= time.monotonicNs())
            .as(copy + " is due")
            .isTrue();
      } else {
        assertThat(keys.add(key)).as("one message of " + key + " at once").isTrue();
        assertThat(freeBefore.get(key).any())
            .as(() -> copy + " is to come, of " + lines.get(key).live.values())
            .contains(copy);
      }
      if (key.isEmpty() && copy.state == State.FRESH) {
        firstKeyless.add(copy);
      } else if (copy.state != State.FRESH) {
        assertThat(firstKeyless).as("given before " + copy + ", which waits").isEmpty();
      }
    }
    assertThat(firstKeyless.stream().map(Copy::sequence).toList()).isSorted();
    long expired =
        in(State.RELEASED).stream().filter(it -> it.isExpired(time)).count()
            + in(State.WAITING).stream().filter(it -> it.isExpired(time)).count();
    assertThat((long) firstKeyless.size())
        .as("more outstanding than may be")
        .isLessThanOrEqualTo(Math.max(0, limits.outstanding() - outstanding + expired));
    List<Copy> left = due.without(given2);
    boolean hasAll = given.isEmpty() || (isWarm && given.size() < max);
    if (hasAll) {
      assertThat(left).as(() -> "free, and not given: " + this).isEmpty();
    }
    if (given.isEmpty()) {
      assertThat(due.eventually()).as(() -> "something is free: " + this).isFalse();
    }
    if (!firstKeyless.isEmpty()) {
      assertThat(left)
          .as("comes before " + firstKeyless)
          .allMatch(
              it -> it.state == State.FRESH && it.sequence() > firstKeyless.getLast().sequence());
    }
    for (Copy copy : given2) {
      if (copy.state == State.FRESH) {
        lowest = Math.max(lowest, copy.sequence() + 1);
      }
      // Whoever held the key has expired, else this would not have come.
      Optional.ofNullable(lines.get(copy.sent.key()))
          .flatMap(Line::holder)
          .filter(it -> it != copy)
          .ifPresent(it -> become(it, State.EXPIRED));
      copy.attempts++;
      copy.lease = number;
      become(copy, State.LEASED);
      begin(copy, forMs, time);
    }
    highest = logEnd + 1;
    isPauseOver = false;
    if (hasAll && inside() < limits.outstanding()) {
      lowest = Math.max(lowest, walk(time));
    }
  }

  /// At most so many count as outstanding.
  private long inside() {
    long heads =
        lines.values().stream()
            .flatMap(it -> it.heads.stream())
            .filter(it -> it.state == State.FRESH && isInside(it, highest))
            .count();
    return heads
        + byState.get(State.LEASED).size()
        + byState.get(State.WAITING).size()
        + byState.get(State.RELEASED).size();
  }

  /// Somebody asked for messages and may have been refused.
  void asked() {
    highest = logEnd + 1;
  }

  /// Whether somebody who asks for a message has to be given one.
  boolean isSomethingDue(ManualTime time) {
    Due due = due(time);
    boolean isFresh = !due.fresh().isEmpty() && !(isPauseOver && parkedBound < Integer.MAX_VALUE);
    return due.eventually() || !due.again().isEmpty() || isFresh;
  }

  // ---- counting ----

  void check(Counts counts, ManualTime time, boolean usesTtl) {
    String who = entry.id() + " " + counts + this;
    assertThat(counts.totals().acked()).as(who).isEqualTo(acked);
    assertThat(counts.dead()).as(who).isEqualTo(byState.get(State.DEAD).size());
    assertThat(counts.delivered()).as(who).isEqualTo(byState.get(State.LEASED).size());
    long waiting =
        byState.get(State.FRESH).size()
            + (long) byState.get(State.WAITING).size()
            + byState.get(State.RELEASED).size();
    if (isCounted && usesTtl) {
      assertThat(counts.available() + counts.totals().expired() + counts.totals().lost())
          .as(who)
          .isEqualTo(waiting + byState.get(State.EXPIRED).size() + lost);
    } else if (isCounted) {
      assertThat(counts.available()).as(who).isEqualTo(waiting);
      assertThat(counts.totals().lost()).as(who).isEqualTo(lost);
      assertThat(counts.totals().expired()).as(who).isZero();
    }
    long least = lowest == 0 ? 0 : parked(lowest, Optional.of(time));
    assertThat(counts.parked())
        .as("parked " + who)
        .isBetween(least, parked(highest, Optional.empty()));
    if (parkedBound < Integer.MAX_VALUE) {
      assertThat(counts.parked())
          .as("parked " + who)
          .isLessThanOrEqualTo(parkedBound + live().stream().filter(it -> it.kept).count());
    }
    if (counts.paused()) {
      assertThat(parked(highest, Optional.empty()))
          .as("paused " + who)
          .isGreaterThanOrEqualTo(parkedBound);
    }
  }

  @Override
  public String toString() {
    return "%n cursor %d to %d, limits %s, parked %d%s"
        .formatted(
            lowest,
            highest,
            limits,
            parkedBound,
            copies.values().stream()
                .filter(it ->
                    it.state == State.FRESH
                        || it.state == State.LEASED
                        || it.state == State.WAITING
                        || it.state == State.RELEASED
                        || it.state == State.DEAD)
                .toList());
  }
}
