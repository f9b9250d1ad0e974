// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import dev.tidings.core.command.AppendDue;
import dev.tidings.core.command.LoadSchedule;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  private static final long BYTES_AT_ONCE = 1L << 20;

  /// Messages taken out that may wait for their commit, but for those of one command more: one slow
  /// sync must not keep what becomes due meanwhile from being written with the next.
  static final int UNDER_WAY = 8000;

  private static final long BYTES_UNDER_WAY = 8L << 20;

  /// Heap that one load fills, by and large.
  private static final long LOAD_BYTES = 8L << 20;

  /// Removals that are remembered when they are durable: a read of the store that began before them
  /// may still show what they removed.
  static final int REMEMBERED = 20_000;

  // After a refusal, and for logs that cannot be opened.
  private static final long RETRY_NS = 500_000_000;

  // The wall clock may be set: it is looked at again after so long, whatever is due next.
  private static final long LOOK_AGAIN_MS = 1000;

  /// Timers cannot be taken back: one is not set for less than this, by which a message may be
  /// late.
  static final long TIMER_STEP_MS = 2;

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
  // Heap of the message at the end, if it was let go of for lack of room.
  private int beyond;
  // Those whose log is being opened, by its number. They are in the window but for that.
  private final Map<Integer, TreeMap<ScheduledId, ScheduledMessage>> aside = new HashMap<>();
  private int asideCount;
  // Logs that cannot be opened and have too much waiting: the lowest id that is left to the store,
  // though it is below the end. One message of each is aside, so that it is tried again.
  private final Map<Integer, ScheduledId> left = new HashMap<>();
  private long asideUntilNs;

  // Published, and not known to be durable.
  private final Set<ScheduledId> pending = new HashSet<>();
  // Appended, cancelled or abandoned. What a read of the store finds of them is out of date.
  private final Set<ScheduledId> removed = new HashSet<>();
  // Those of them whose removal is durable, the oldest first; how many there ever were; and how
  // many of these are remembered no longer. A lookup is out of date if something was forgotten that
  // was removed after it began.
  private final ArrayDeque<ScheduledId> gone = new ArrayDeque<>();
  private long goneEver;
  private long forgotten;
  // The read under way, and what became durable at or above the end meanwhile.
  private @Nullable ScheduleLoad loading;
  private long loads;
  private final Map<ScheduledId, ScheduledMessage> arrived = new HashMap<>();
  private long arrivedBytes;
  private @Nullable Found found;
  private @Nullable FoundAbandoned abandoned;

  // The number of the last command that was handed in, and whether it has not come to its turn yet.
  private long appends;
  private boolean isAppendNext;
  // What those that are not answered have taken out, by their numbers.
  private final Map<Long, List<ScheduledMessage>> appending = new HashMap<>();
  private int underWay;
  private long bytesUnderWay;
  private boolean isLoading;
  private long appendAgainNs;
  private long loadAgainNs;
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
    this.appendAgainNs = time.monotonicNs();
    this.loadAgainNs = appendAgainNs;
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
            window.size() + (long) asideCount,
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
      beyond = last.getValue().heapSize();
    }
  }

  // ---- removing ----

  /// Those with `ids`, which are durable if they were ever published, that wait; empty if only the
  /// store knows: it has to be asked by a [lookup][#lookup] then.
  public Optional<List<ScheduledId>> waitingOf(List<ScheduledId> ids) {
    Found known = found;
    found = null;
    boolean isKnown =
        known != null && known.lookup().version() >= forgotten && known.lookup().ids().equals(ids);
    List<ScheduledId> waits = new ArrayList<>();
    for (ScheduledId id : ids) {
      if (removed.contains(id) || pending.contains(id)) {
        continue;
      }
      boolean isPresent = isHeld(id);
      if (!isPresent && (id.compareTo(end) >= 0 || left.containsKey(id.incarnation()))) {
        if (known == null || !isKnown) {
          return Optional.empty();
        }
        isPresent = known.present().contains(id);
      }
      if (isPresent) {
        waits.add(id);
      }
    }
    return Optional.of(waits);
  }

  private boolean isHeld(ScheduledId id) {
    return window.containsKey(id) || isAside(id);
  }

  private boolean isAside(ScheduledId id) {
    TreeMap<ScheduledId, ScheduledMessage> ofLog = aside.get(id.incarnation());
    return ofLog != null && ofLog.containsKey(id);
  }

  /// What has to be read to find the messages with `ids`.
  ///
  /// @param slot of their topic
  public ScheduledLookup lookup(int slot, List<ScheduledId> ids) {
    return new ScheduledLookup(slot, ids, goneEver);
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
    removed.add(id);
    if (id.equals(end)) {
      beyond = 0;
    }
  }

  private void drop(ScheduledId id) {
    ScheduledMessage held = window.remove(id);
    TreeMap<ScheduledId, ScheduledMessage> ofLog = aside.get(id.incarnation());
    if (held == null && ofLog != null) {
      held = ofLog.remove(id);
      asideCount -= held == null ? 0 : 1;
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
    for (ScheduledId id : removal.ids()) {
      gone.add(id);
      goneEver++;
    }
    while (gone.size() > REMEMBERED) {
      ScheduledId oldest = gone.remove();
      removed.remove(oldest);
      forgotten++;
      if (loading != null && oldest.compareTo(loading.from()) >= 0) {
        // It may show this one. What was in the window and is appended, it does not reach.
        stopLoading();
      }
    }
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

  /// The ids of some messages that were scheduled for the log with number `incarnation`, from
  /// `from` on, if the store was asked a moment ago.
  public Optional<List<ScheduledId>> abandoned(int incarnation, ScheduledId from) {
    FoundAbandoned known = abandoned;
    abandoned = null;
    boolean isKnown =
        known != null
            && known.load().incarnation() == incarnation
            && known.load().from().equals(from)
            && known.load().version() >= forgotten;
    return known != null && isKnown ? Optional.of(known.ids()) : Optional.empty();
  }

  /// What has to be read for [#abandoned].
  public AbandonedLoad abandonedLoad(int incarnation, ScheduledId from) {
    return new AbandonedLoad(incarnation, from, goneEver);
  }

  /// What was read.
  void foundAbandoned(AbandonedLoad load, List<ScheduledId> ids) {
    abandoned = new FoundAbandoned(load, ids);
  }

  /// Those with `ids` that wait, of which the store was asked a moment ago.
  public List<ScheduledId> stillWaiting(Collection<ScheduledId> ids) {
    return ids.stream().filter(id -> !removed.contains(id)).toList();
  }

  // ---- appending what is due ----

  /// Takes out what is due: as much as one command appends.
  ///
  /// @param number of the command
  public List<ScheduledMessage> takeDue(long number) {
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
    if (appending.replace(number, due) != null) {
      underWay += due.size();
      bytesUnderWay += taken;
    }
    return due;
  }

  /// The command with that number has appended what it took out; there may be more. After one that
  /// failed nobody else may come before what it puts back.
  public void appended(long number) {
    if (number == appends) {
      isAppendNext = false;
      run();
    }
  }

  /// Puts back what was taken out by a command that has come to nothing.
  private void putBack(List<ScheduledMessage> taken) {
    for (ScheduledMessage message : taken) {
      if (!isHeld(message.id()) && removed.remove(message.id())) {
        put(message);
      }
    }
  }

  /// Puts back what was taken out and cannot be appended before its log is open.
  public void setAside(ScheduledMessage message) {
    removed.remove(message.id());
    bytes += message.heapSize();
    if (asideCount == 0) {
      asideUntilNs = time.monotonicNs() + RETRY_NS;
    }
    asideCount++;
    aside.computeIfAbsent(message.incarnation(), _ -> new TreeMap<>()).put(message.id(), message);
  }

  /// Leaves in the store what was taken out and cannot be appended in this run of the process.
  public void leave(ScheduledMessage message) {
    removed.remove(message.id());
  }

  /// The log with that number is open, or gone.
  public void opened(int incarnation) {
    TreeMap<ScheduledId, ScheduledMessage> waited = aside.remove(incarnation);
    if (waited != null) {
      asideCount -= waited.size();
      window.putAll(waited);
    }
    ScheduledId first = left.remove(incarnation);
    if (first != null && first.compareTo(end) < 0) {
      end = first;
      beyond = 0;
    }
    if (waited != null || first != null) {
      trim();
      run();
    }
  }

  /// Lets go of what is in the window and not below its end, which has come down meanwhile: it
  /// would come before what is in the store only.
  private void trim() {
    Map<ScheduledId, ScheduledMessage> above = window.tailMap(end, true);
    above.values().forEach(message -> bytes -= message.heapSize());
    above.clear();
  }

  /// Leaves to the store most of what waits for logs that cannot be opened, if it takes so much
  /// room that others would find none.
  private void makeRoom() {
    Map<Integer, Long> sizes = new HashMap<>();
    aside.forEach((log, messages) ->
        sizes.put(log, messages.values().stream().mapToLong(ScheduledMessage::heapSize).sum()));
    long all = sizes.values().stream().mapToLong(Long::longValue).sum();
    List<Integer> largest = new ArrayList<>(sizes.keySet());
    largest.sort(Comparator.comparingLong(log -> -sizes.getOrDefault(log, 0L)));
    for (int log : largest) {
      TreeMap<ScheduledId, ScheduledMessage> messages = aside.get(log);
      if (all <= maxBytes / 4 || messages == null) {
        return;
      }
      if (messages.size() == 1) {
        continue;
      }
      Map<ScheduledId, ScheduledMessage> others = messages.tailMap(messages.firstKey(), false);
      left.merge(
          log, messages.higherKey(messages.firstKey()), (a, b) -> a.compareTo(b) < 0 ? a : b);
      for (ScheduledMessage message : others.values()) {
        bytes -= message.heapSize();
        all -= message.heapSize();
      }
      asideCount -= others.size();
      others.clear();
    }
  }

  private void retryAside() {
    makeRoom();
    aside.values().forEach(window::putAll);
    aside.clear();
    asideCount = 0;
    trim();
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
      long dueBefore = Math.min(now + HORIZON_MS, ScheduledId.MAX);
      next = new ScheduleLoad(slots, end, dueBefore, ++loads);
      loading = next;
    }
    return Optional.of(next);
  }

  private boolean needsLoad(long now) {
    boolean isNear = end.dueAt() < Math.min(now + HORIZON_MS / 2, ScheduledId.MAX);
    // Otherwise what was let go of would be read, and let go of again, all the time.
    boolean hasRoom = window.isEmpty() || bytes + beyond <= maxBytes;
    return isNear && hasRoom && bytes <= Math.max(maxBytes / 2, maxBytes - LOAD_BYTES);
  }

  /// What `load` has read.
  ///
  /// @param isAll whether there is nothing more up to where it was to read
  void loaded(ScheduleLoad load, List<ScheduledMessage> messages, boolean isAll) {
    if (!load.equals(loading)) {
      // The window was dropped meanwhile, or holds too much, or it may show what is gone.
      return;
    }
    if (!load.from().equals(end)) {
      // It does not go on where the window ends now.
      stopLoading();
      return;
    }
    ScheduledId read =
        isAll ? new ScheduledId(load.dueBefore(), 0, 0) : messages.getLast().id().next();
    for (ScheduledMessage message : messages) {
      ScheduledId id = message.id();
      if (!removed.contains(id) && !pending.contains(id) && !isAside(id)) {
        put(message);
      }
    }
    end = read;
    beyond = 0;
    arrived.forEach((id, message) -> {
      if (id.compareTo(read) < 0 && !removed.contains(id)) {
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
  }

  // ---- what happens by itself ----

  /// Begins to append what becomes due.
  public void begin() {
    run();
  }

  /// Does what is to be done now, and sees to it that it is called when there is more.
  private void run() {
    long now = time.wallMs();
    long nowNs = time.monotonicNs();
    if (asideCount > 0 && nowNs - asideUntilNs >= 0) {
      retryAside();
    }
    if (canAppend()
        && nowNs - appendAgainNs >= 0
        && !window.isEmpty()
        && window.firstKey().dueAt() <= now) {
      append();
    }
    if (!isLoading && nowNs - loadAgainNs >= 0 && needsLoad(now)) {
      isLoading = true;
      host.submit(
          new LoadSchedule(someSlot),
          outcome -> {
            isLoading = false;
            if (outcome instanceof Outcome.Refused<Boolean>) {
              stopLoading();
              loadAgainNs = time.monotonicNs() + RETRY_NS;
            }
            run();
          });
    }
    setTimer(now, nowNs);
  }

  private boolean canAppend() {
    return !isAppendNext && underWay < UNDER_WAY && bytesUnderWay < BYTES_UNDER_WAY;
  }

  private void append() {
    long number = ++appends;
    isAppendNext = true;
    appending.put(number, List.of());
    host.submit(
        new AppendDue(someSlot, number),
        outcome -> {
          List<ScheduledMessage> taken = Objects.requireNonNull(appending.remove(number));
          underWay -= taken.size();
          bytesUnderWay -= taken.stream().mapToLong(it -> it.message().size()).sum();
          if (number == appends) {
            isAppendNext = false;
          }
          if (outcome instanceof Outcome.Refused<Boolean>(Refusal refusal)) {
            if (refusal.code() == Refusal.Code.INTERNAL) {
              putBack(taken);
            }
            appendAgainNs = time.monotonicNs() + RETRY_NS;
          }
          run();
        });
  }

  private void setTimer(long now, long nowNs) {
    long delayNs = LOOK_AGAIN_MS * 1_000_000;
    if (canAppend() && !window.isEmpty()) {
      long untilDueMs = Math.clamp(window.firstKey().dueAt() - now, 0, LOOK_AGAIN_MS);
      delayNs = Math.min(delayNs, Math.max(untilDueMs * 1_000_000, appendAgainNs - nowNs));
    }
    long atNs = nowNs + delayNs;
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
    appending.replaceAll((_, _) -> List.of());
    underWay = 0;
    bytesUnderWay = 0;
    end = ScheduledId.FIRST;
    beyond = 0;
    aside.clear();
    asideCount = 0;
    left.clear();
    pending.clear();
    removed.clear();
    gone.clear();
    goneEver++;
    forgotten = goneEver;
    found = null;
    abandoned = null;
    loading = null;
    arrived.clear();
    arrivedBytes = 0;
    count(Figures.NONE);
  }
}
