// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import dev.tidings.core.command.AppendDue;
import dev.tidings.core.command.LoadSchedule;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// The scheduled messages of one shard. All are in the store; in memory is the *window*: those that
/// are due within the next minute, or fewer where they take too many bytes.
///
/// The window holds everything below its end that is durable and waits. It is filled from the store
/// by [LoadSchedule] commands and, once their publish is durable, by messages that are due within
/// it; [AppendDue] commands take out what is due. After a failed commit it is dropped whole and
/// filled again, so that it never differs from what the store has.
///
/// Touched by the shard's executor alone, but for [#figures].
public final class Schedule {
  /// How far ahead of the time the window reaches.
  static final long HORIZON_MS = 60_000;

  /// Messages appended by one command, so that others have their turn.
  private static final int AT_ONCE = 1000;

  private static final long BYTES_AT_ONCE = 4L << 20;

  // After a refusal, and for logs that cannot be opened.
  private static final long RETRY_MS = 500;

  // The wall clock may be set: it is looked at again after so long, whatever is due next.
  private static final long LOOK_AGAIN_MS = 1000;

  // Timers cannot be taken back: one is not set for less than this.
  private static final long TIMER_STEP_MS = 2;

  private final TimeSource time;
  private final SlotSet slots;
  private final int someSlot;
  private final long maxBytes;
  private final Waiting waiting;
  private final LongConsumer late;
  private final Host host;

  private final TreeMap<ScheduledId, ScheduledMessage> window = new TreeMap<>();
  private ScheduledId end = ScheduledId.FIRST;
  private long bytes;
  // Those whose log is being opened, by its number. They are in the window but for that.
  private final Map<Integer, TreeMap<ScheduledId, ScheduledMessage>> aside = new HashMap<>();
  private long asideUntilMs = Long.MAX_VALUE;

  // Published, and not known to be durable.
  private final Set<ScheduledId> pending = new HashSet<>();
  // Appended, cancelled or abandoned; whether that is durable. What a read of the store finds of
  // them is out of date.
  private final Map<ScheduledId, Boolean> removed = new HashMap<>();
  // The read under way, and what became durable at or above the end meanwhile.
  private @Nullable ScheduleLoad loading;
  private final Map<ScheduledId, ScheduledMessage> arrived = new HashMap<>();
  private long arrivedBytes;
  // Rises when something that was removed is forgotten: what was read before may show it.
  private long version;
  private @Nullable Found found;
  private @Nullable FoundAbandoned abandoned;

  private boolean isAppending;
  private boolean isLoading;
  private long retryAtMs = Long.MIN_VALUE;
  private boolean isTimerSet;
  private long timerAtNs;
  private volatile Figures figures = Figures.NONE;

  /// What became of a look into the store.
  private record Found(ScheduledLookup lookup, Set<ScheduledId> present) {}

  private record FoundAbandoned(AbandonedLoad load, List<ScheduledId> ids) {}

  /// How it does things of its own.
  public interface Host {
    /// Hands in a command after the present one; `reply` is called on the shard's executor.
    <R> void submit(Command<R> command, Consumer<Outcome<R>> reply);

    /// Runs a task on the shard's executor after so many nanoseconds.
    void after(long delayNs, Runnable task);
  }

  /// What has become of scheduled messages since the start, and what is in memory.
  ///
  /// @param scheduled messages scheduled
  /// @param appended messages that were due and are in their logs
  /// @param cancelled messages cancelled
  /// @param abandoned messages whose topic was gone
  /// @param held messages in memory
  /// @param heldBytes heap they take
  public record Figures(
      long scheduled, long appended, long cancelled, long abandoned, long held, long heldBytes) {
    /// Nothing yet.
    public static final Figures NONE = new Figures(0, 0, 0, 0, 0, 0);

    /// Both together.
    public Figures plus(Figures other) {
      return new Figures(
          scheduled + other.scheduled,
          appended + other.appended,
          cancelled + other.cancelled,
          abandoned + other.abandoned,
          held + other.held,
          heldBytes + other.heldBytes);
    }
  }

  /// The schedule of a shard.
  ///
  /// @param slots of the shard
  /// @param someSlot one of them
  /// @param maxBytes heap the window may take, but for a single message
  /// @param waiting counts those of all shards
  /// @param late is told of each message that is in its log how many milliseconds late it is
  public Schedule(
      TimeSource time,
      SlotSet slots,
      int someSlot,
      long maxBytes,
      Waiting waiting,
      LongConsumer late,
      Host host) {
    this.time = time;
    this.slots = slots;
    this.someSlot = someSlot;
    this.maxBytes = maxBytes;
    this.waiting = waiting;
    this.late = late;
    this.host = host;
  }

  /// What has become of scheduled messages. Any thread.
  public Figures figures() {
    return figures;
  }

  private void count(Figures more) {
    figures =
        new Figures(
            figures.scheduled() + more.scheduled(),
            figures.appended() + more.appended(),
            figures.cancelled() + more.cancelled(),
            figures.abandoned() + more.abandoned(),
            window.size() + aside.values().stream().mapToLong(Map::size).sum(),
            bytes);
  }

  // ---- publishing ----

  /// Messages were scheduled, not yet durable.
  public void scheduled(List<ScheduledMessage> messages) {
    messages.forEach(message -> pending.add(message.id()));
  }

  /// The messages are durable: those that are due within the window are in it from now on.
  public void committed(List<ScheduledMessage> messages) {
    for (ScheduledMessage message : messages) {
      ScheduledId id = message.id();
      pending.remove(id);
      if (id.compareTo(end) < 0) {
        put(message);
      } else if (loading != null && id.dueAt() < loading.dueBefore()) {
        arrived.put(id, message);
        arrivedBytes += message.heapSize();
      }
    }
    if (arrivedBytes > maxBytes) {
      // Rather read again than hold more than the window may.
      version++;
      stopLoading();
    }
    shrink();
    waiting.added(messages.size());
    count(new Figures(messages.size(), 0, 0, 0, 0, 0));
    run();
  }

  private void put(ScheduledMessage message) {
    if (window.put(message.id(), message) == null) {
      bytes += message.heapSize();
    }
  }

  /// Lets go of what is due last, if there is too much.
  private void shrink() {
    while (bytes > maxBytes && window.size() > 1) {
      Map.Entry<ScheduledId, ScheduledMessage> last = window.pollLastEntry();
      bytes -= last.getValue().heapSize();
      end = last.getKey();
    }
  }

  // ---- removing ----

  /// Whether a message waits.
  public enum Presence {
    /// It does.
    PRESENT,
    /// It does not.
    ABSENT,
    /// Only the store knows.
    UNKNOWN
  }

  /// Whether the message with that id, which is durable if it was ever published, waits.
  public Presence find(ScheduledId id) {
    if (removed.containsKey(id) || pending.contains(id)) {
      return Presence.ABSENT;
    }
    if (isHeld(id)) {
      return Presence.PRESENT;
    }
    if (id.compareTo(end) < 0) {
      return Presence.ABSENT;
    }
    Found known = found;
    boolean isKnown =
        known != null && known.lookup().version() == version && known.lookup().ids().contains(id);
    if (known == null || !isKnown) {
      return Presence.UNKNOWN;
    }
    return known.present().contains(id) ? Presence.PRESENT : Presence.ABSENT;
  }

  private boolean isHeld(ScheduledId id) {
    TreeMap<ScheduledId, ScheduledMessage> ofLog = aside.get(id.incarnation());
    return window.containsKey(id) || (ofLog != null && ofLog.containsKey(id));
  }

  /// What has to be read to find the messages with `ids`, which are [unknown][Presence#UNKNOWN].
  public ScheduledLookup lookup(List<ScheduledId> ids) {
    return new ScheduledLookup(ids, version);
  }

  /// What was read.
  ///
  /// @param present the ids of messages that are there, those among others that were asked for
  void looked(ScheduledLookup lookup, Set<ScheduledId> present) {
    found = new Found(lookup, present);
  }

  /// A message that waits does so no longer; not yet durable.
  public void remove(ScheduledId id) {
    drop(id);
    removed.put(id, false);
  }

  private void drop(ScheduledId id) {
    ScheduledMessage held = window.remove(id);
    TreeMap<ScheduledId, ScheduledMessage> ofLog = aside.get(id.incarnation());
    if (held == null && ofLog != null) {
      held = ofLog.remove(id);
      if (ofLog.isEmpty()) {
        aside.remove(id.incarnation());
      }
    }
    if (held != null) {
      bytes -= held.heapSize();
    }
  }

  /// It is durable that messages wait no longer.
  public void committed(ScheduledRemoved removal) {
    removal.ids().forEach(id -> removed.computeIfPresent(id, (_, _) -> true));
    forgetRemoved();
    waiting.removed(removal.ids().size());
    if (removal.why() == ScheduledRemoved.Why.APPENDED) {
      long now = time.wallMs();
      removal.ids().forEach(id -> late.accept(Math.max(0, now - id.dueAt())));
    }
    long count = removal.ids().size();
    count(
        switch (removal.why()) {
          case APPENDED -> new Figures(0, count, 0, 0, 0, 0);
          case CANCELLED -> new Figures(0, 0, count, 0, 0, 0);
          case ABANDONED -> new Figures(0, 0, 0, count, 0, 0);
        });
    run();
  }

  /// A read that is under way may still show them.
  private void forgetRemoved() {
    if (loading == null && removed.values().removeIf(durable -> durable)) {
      version++;
    }
  }

  /// The ids of some messages that were scheduled for the log with number `incarnation`, from
  /// `from` on, if the store was asked a moment ago.
  public Optional<List<ScheduledId>> abandoned(int incarnation, ScheduledId from) {
    FoundAbandoned known = abandoned;
    abandoned = null;
    return known != null && known.load().equals(abandonedLoad(incarnation, from))
        ? Optional.of(known.ids())
        : Optional.empty();
  }

  /// What has to be read for [#abandoned].
  public AbandonedLoad abandonedLoad(int incarnation, ScheduledId from) {
    return new AbandonedLoad(incarnation, from, version);
  }

  /// What was read.
  void foundAbandoned(AbandonedLoad load, List<ScheduledId> ids) {
    abandoned = new FoundAbandoned(load, ids);
  }

  /// Those with `ids` that wait, of which the store was asked a moment ago.
  public List<ScheduledId> stillWaiting(Collection<ScheduledId> ids) {
    return ids.stream()
        .filter(id -> !removed.containsKey(id) && (id.compareTo(end) >= 0 || isHeld(id)))
        .toList();
  }

  // ---- appending what is due ----

  /// Takes out what is due: as much as one command appends.
  public List<ScheduledMessage> takeDue() {
    long now = time.wallMs();
    List<ScheduledMessage> due = new ArrayList<>();
    long taken = 0;
    while (!window.isEmpty()
        && window.firstKey().dueAt() <= now
        && due.size() < AT_ONCE
        && taken < BYTES_AT_ONCE) {
      ScheduledMessage message = window.firstEntry().getValue();
      remove(message.id());
      taken += message.message().size();
      due.add(message);
    }
    return due;
  }

  /// Puts back what was taken out and cannot be appended before its log is open.
  public void setAside(ScheduledMessage message) {
    removed.remove(message.id());
    bytes += message.heapSize();
    aside.computeIfAbsent(message.incarnation(), _ -> new TreeMap<>()).put(message.id(), message);
    asideUntilMs = Math.min(asideUntilMs, time.wallMs() + RETRY_MS);
  }

  /// The log with that number is open.
  public void opened(int incarnation) {
    TreeMap<ScheduledId, ScheduledMessage> waited = aside.remove(incarnation);
    if (waited != null) {
      window.putAll(waited);
      run();
    }
  }

  private void retryAside() {
    asideUntilMs = Long.MAX_VALUE;
    aside.values().forEach(window::putAll);
    aside.clear();
  }

  // ---- filling the window ----

  /// What has to be read so that the window reaches far enough; empty if it does, or is full.
  public Optional<ScheduleLoad> nextLoad() {
    long now = time.wallMs();
    if (!needsLoad(now)) {
      return Optional.empty();
    }
    ScheduleLoad next = loading;
    if (next == null) {
      next = new ScheduleLoad(slots, end, Math.min(now + HORIZON_MS, ScheduledId.MAX), version);
      loading = next;
    }
    return Optional.of(next);
  }

  private boolean needsLoad(long now) {
    return end.dueAt() < Math.min(now + HORIZON_MS / 2, ScheduledId.MAX) && bytes < maxBytes / 2;
  }

  /// What `load` has read.
  ///
  /// @param isAll whether there is nothing more up to where it was to read
  void loaded(ScheduleLoad load, List<ScheduledMessage> messages, boolean isAll) {
    if (!load.equals(loading)) {
      // The window was dropped meanwhile, or holds too much.
      return;
    }
    ScheduledId read =
        isAll ? new ScheduledId(load.dueBefore(), 0, 0) : messages.getLast().id().next();
    for (ScheduledMessage message : messages) {
      if (!removed.containsKey(message.id()) && !pending.contains(message.id())) {
        put(message);
      }
    }
    end = read;
    arrived.forEach((id, message) -> {
      if (id.compareTo(read) < 0 && !removed.containsKey(id)) {
        put(message);
      }
    });
    stopLoading();
    shrink();
    count(Figures.NONE);
  }

  private void stopLoading() {
    loading = null;
    arrived.clear();
    arrivedBytes = 0;
    forgetRemoved();
  }

  // ---- what happens by itself ----

  /// Begins to append what becomes due.
  public void begin() {
    run();
  }

  /// Does what is to be done now, and sees to it that it is called when there is more.
  private void run() {
    long now = time.wallMs();
    if (asideUntilMs <= now) {
      retryAside();
    }
    if (now >= retryAtMs) {
      if (!isAppending && !window.isEmpty() && window.firstKey().dueAt() <= now) {
        isAppending = true;
        host.submit(
            new AppendDue(someSlot),
            outcome -> {
              isAppending = false;
              answered(outcome);
            });
      }
      if (!isLoading && needsLoad(now)) {
        isLoading = true;
        host.submit(
            new LoadSchedule(someSlot),
            outcome -> {
              isLoading = false;
              if (outcome instanceof Outcome.Refused<Boolean>) {
                stopLoading();
              }
              answered(outcome);
            });
      }
    }
    setTimer(now);
  }

  private void answered(Outcome<Boolean> outcome) {
    if (outcome instanceof Outcome.Refused<Boolean>) {
      retryAtMs = time.wallMs() + RETRY_MS;
    }
    run();
  }

  private void setTimer(long now) {
    long nextMs = now + LOOK_AGAIN_MS;
    if (!isAppending && !window.isEmpty()) {
      nextMs = Math.min(nextMs, Math.max(window.firstKey().dueAt(), retryAtMs));
    }
    long delayNs = Math.max(nextMs - now, 0) * 1_000_000;
    long atNs = time.monotonicNs() + delayNs;
    if (isTimerSet && timerAtNs - atNs < TIMER_STEP_MS * 1_000_000) {
      return;
    }
    isTimerSet = true;
    timerAtNs = atNs;
    host.after(
        delayNs,
        () -> {
          if (timerAtNs == atNs) {
            isTimerSet = false;
          }
          run();
        });
  }

  /// Goes back to what is durable: drops what is in memory, and reads it again.
  public void revert() {
    window.clear();
    bytes = 0;
    end = ScheduledId.FIRST;
    aside.clear();
    asideUntilMs = Long.MAX_VALUE;
    pending.clear();
    removed.clear();
    version++;
    found = null;
    abandoned = null;
    loading = null;
    arrived.clear();
    arrivedBytes = 0;
    count(Figures.NONE);
  }
}
