// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.log.Logs;
import dev.tidings.core.log.News;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.core.store.StoreRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes what shards decided durable, in batches: while the store writes one, the next gathers, so
/// one sync serves everyone who waited. Then it shows the records, releases the answers and wakes
/// the cursors, with one task for each event loop.
///
/// **When a commit fails** its outcome is unknown. No further commands are accepted, those that
/// were queued behind it are refused unsent, the store is reopened and asked whether the batch is
/// there, and its callers are answered accordingly; if that takes longer than [#RESOLVE_PATIENCE],
/// they are told that the outcome is unknown. Then every shard goes back to what is durable, and an
/// empty batch that succeeds ends it. What is in memory and durable stays readable all the while.
///
/// **When the store does not return**, as with a hung disk, nobody can be told the outcome: those
/// who wait do so until it returns. After [#STALL_PATIENCE] nobody else is let in.
///
/// One thread drives it with [#step]; in tests it is cranked by hand.
public final class CommitLane {
  private static final Logger LOG = LoggerFactory.getLogger(CommitLane.class);

  /// How long the callers of a failed batch wait for its outcome, and for as long as a call of the
  /// store takes that does not return earlier.
  public static final Duration RESOLVE_PATIENCE = Duration.ofSeconds(5);

  /// How long a call of the store may take before the store counts as unavailable.
  public static final Duration STALL_PATIENCE = Duration.ofSeconds(5);

  // A trim looks through the store and deletes a range, which costs about as much as so many
  // messages.
  private static final int TRIM_WEIGHT = 10;

  private static final int LANE = 0;
  private static final long IDLE = Long.MIN_VALUE;
  private static final long RETRY_NS = Duration.ofMillis(100).toNanos();
  private static final long MAX_RETRY_NS = Duration.ofSeconds(2).toNanos();
  private static final long HEALTH_INTERVAL_NS = Duration.ofSeconds(1).toNanos();

  private final Store store;
  private final long epoch;
  private final Directory directory;
  private final Logs logs;
  private final TimeSource time;
  private final Limits limits;
  private final CommitObserver observer;
  private List<Shard> shards = List.of();
  private List<Loop> loops = List.of();

  // Any thread adds, the lane's thread alone takes.
  private final Queue<Submission<?>> queue = new ConcurrentLinkedQueue<>();
  private volatile Status status = Status.ACCEPTING;
  private volatile @Nullable Thread parked;
  private volatile boolean stopping;
  // Since when the present step runs, by the monotonic clock.
  private volatile long busySinceNs = IDLE;
  // Why what is in memory may be wrong, so that nothing may be written any more.
  private volatile @Nullable Throwable breakage;

  // Changed by the lane's thread alone.
  private volatile Phase phase = Phase.RUNNING;
  private long lastNumber;
  // The batch being written or shown.
  private List<Submission<?>> gathered = List.of();
  // The batch whose outcome is unknown.
  private List<Submission<?>> failed = List.of();
  private boolean toldUnknown;
  private String failure = "";
  private long failedAtNs;
  private long retryNs;
  private long nextTryNs;
  private long nextHealthNs;
  // A reopening after a failed probe failed too: the store has to be reopened before it can tell
  // its health.
  private boolean mustReopen;
  private final AtomicInteger reverting = new AtomicInteger();
  private volatile @Nullable Throwable revertFault;

  /// What the lane is at.
  public enum Phase {
    /// Batches are written.
    RUNNING,
    /// A commit failed; the store is being reopened and asked for the outcome.
    RESOLVING,
    /// Shards are going back to what is durable.
    REVERTING,
    /// An empty batch is tried.
    PROBING,
    /// Another server owns some of the slots, or this lane is broken: nothing is written any more.
    FENCED
  }

  /// How much one batch may hold.
  ///
  /// @param batchMessages messages, at least 1, of which a trim counts as some; a single command
  ///   may exceed it
  /// @param batchBytes bytes held by its commands, at least 1; a single command may exceed it
  public record Limits(int batchMessages, long batchBytes) {}

  /// Whether durable commands are accepted.
  ///
  /// @param accepting false while they are refused
  /// @param freeing whether those that free space are accepted: also while only that is lacking
  /// @param code why they are refused
  /// @param detail for callers and operators
  public record Status(boolean accepting, boolean freeing, Refusal.Code code, String detail) {
    static final Status ACCEPTING = new Status(true, true, Refusal.Code.STORE_UNAVAILABLE, "ok");
    static final Status STALLED =
        new Status(
            false,
            false,
            Refusal.Code.STORE_UNAVAILABLE,
            "the store takes no writes now: its last call has not returned for more than "
                + STALL_PATIENCE.toSeconds()
                + " s");
    static final Status BROKEN =
        new Status(
            false,
            false,
            Refusal.Code.STORE_UNAVAILABLE,
            "the store takes no writes now: a fault in the server; it has to be started anew");

    /// Whether `command` may be handled now.
    boolean admits(Command<?> command) {
      return accepting || !command.writes() || (freeing && command.freesSpace());
    }

    Refusal refusal() {
      return new Refusal(code, detail);
    }
  }

  CommitLane(
      Store store,
      long epoch,
      Directory directory,
      Logs logs,
      TimeSource time,
      Limits limits,
      CommitObserver observer) {
    this.store = store;
    this.epoch = epoch;
    this.directory = directory;
    this.logs = logs;
    this.time = time;
    this.limits = limits;
    this.observer = observer;
    this.nextHealthNs = time.monotonicNs();
  }

  /// What it is at. Any thread.
  public Phase phase() {
    return phase;
  }

  /// How many commands wait for the next batch; counts them one by one. Any thread.
  public int queued() {
    return queue.size();
  }

  /// Tells it whom it serves; once, before the first step.
  void serve(List<Shard> servedShards, List<Loop> servedLoops) {
    shards = List.copyOf(servedShards);
    loops = List.copyOf(servedLoops);
  }

  /// Whether durable commands are accepted. Any thread.
  public Status status() {
    if (breakage != null) {
      return Status.BROKEN;
    }
    long since = busySinceNs;
    boolean isStalled = since != IDLE && time.monotonicNs() - since > STALL_PATIENCE.toNanos();
    return isStalled ? Status.STALLED : status;
  }

  /// Ends all writing until the server is started anew, since what is in memory may be wrong or
  /// half done after `fault`. What is durable stays readable. Any thread.
  void breakDown(Throwable fault) {
    // First, for all that follows may fail too.
    breakage = fault;
    LOG.error("a fault; nothing is written until the server is started anew", fault);
    wake();
  }

  /// Hands in a submission, from any thread.
  void submit(Submission<?> submission) {
    queue.add(submission);
    wake();
  }

  private void wake() {
    Thread sleeper = parked;
    if (sleeper != null) {
      LockSupport.unpark(sleeper);
    }
  }

  /// Does the next thing. Returns how many nanoseconds it may sleep if nothing is submitted
  /// meanwhile; 0 if there is more to do.
  public long step() {
    // All that can take long in a step is a call of the store.
    busySinceNs = time.monotonicNs();
    try {
      return doStep();
    } finally {
      busySinceNs = IDLE;
    }
  }

  private long doStep() {
    if (breakage != null && phase != Phase.FENCED) {
      return fenceBroken();
    }
    return switch (phase) {
      case RUNNING -> write();
      case RESOLVING -> resolve();
      case REVERTING -> awaitReverted();
      case PROBING -> probe();
      case FENCED -> {
        refuseQueued(status.refusal());
        yield HEALTH_INTERVAL_NS;
      }
    };
  }

  /// Steps until [#stop], sleeping when there is nothing to do.
  public void run() {
    while (!stopping || !queue.isEmpty()) {
      long sleepNs = stepOrEnd();
      if (sleepNs > 0) {
        parked = Thread.currentThread();
        if (queue.isEmpty() && !stopping && !isReverted()) {
          LockSupport.parkNanos(this, sleepNs);
        }
        parked = null;
      }
      if (stopping && phase != Phase.RUNNING) {
        refuseQueued(
            new Refusal(
                Refusal.Code.STORE_UNAVAILABLE, "the server stops while its store is failing"));
      }
    }
    end();
  }

  /// Tries once more to learn the outcome of a failed batch, and leaves nobody without an answer.
  private void end() {
    if (phase == Phase.RESOLVING) {
      nextTryNs = time.monotonicNs();
      long _ = stepOrEnd();
    }
    answerUnknown(failed);
    if (status.accepting()) {
      status = unavailable("the server is stopping");
    }
    refuseQueued(status.refusal());
  }

  private long stepOrEnd() {
    try {
      return step();
    } catch (Throwable e) {
      // An Error too: a thread that ended in silence would leave everyone waiting.
      breakDown(e);
      return RETRY_NS;
    }
  }

  /// Answers everyone and writes no more. What is queued was handled before or after the fault:
  /// nobody knows, so none of it is written.
  private long fenceBroken() {
    phase = Phase.FENCED;
    status = Status.BROKEN;
    answerUnknown(gathered);
    answerUnknown(failed);
    gathered = List.of();
    failed = List.of();
    return 0;
  }

  /// Ends [#run] once everything handed in has been written. Any thread.
  public void stop() {
    stopping = true;
    wake();
  }

  // ---- running ----

  private long write() {
    checkHealth();
    gathered = gather();
    if (gathered.isEmpty()) {
      return HEALTH_INTERVAL_NS;
    }
    List<StoreRecord> records = new ArrayList<>();
    int messages = 0;
    for (Submission<?> submission : gathered) {
      records.addAll(submission.records());
      messages += messagesIn(submission);
    }
    SlotSet refused = SlotSet.NONE;
    if (!records.isEmpty()) {
      long startNs = time.monotonicNs();
      try {
        refused = store.commit(new Batch(LANE, epoch, ++lastNumber, records));
      } catch (StoreException | RuntimeException e) {
        // A fault in the store leaves the outcome as unknown as a failure of its disk.
        fail(gathered, e);
        return 0;
      }
      observer.committed(gathered.size(), messages, time.monotonicNs() - startNs);
    }
    if (refused.isEmpty()) {
      show(gathered);
    } else {
      fence(gathered, refused);
    }
    gathered = List.of();
    return 0;
  }

  /// Takes what waits, up to the bounds of a batch.
  private List<Submission<?>> gather() {
    List<Submission<?>> taken = new ArrayList<>();
    int weight = 0;
    long bytes = 0;
    for (Submission<?> next = queue.peek(); next != null; next = queue.peek()) {
      weight += weightOf(next);
      bytes += Math.max(next.size(), bytesIn(next));
      boolean isOver = weight > limits.batchMessages() || bytes > limits.batchBytes();
      if (isOver && !taken.isEmpty()) {
        break;
      }
      // Nobody else takes from the queue, so this is what was looked at.
      taken.add(queue.remove());
    }
    return taken;
  }

  /// What it counts against the bound of messages.
  private static int weightOf(Submission<?> submission) {
    int weight = messagesIn(submission);
    for (StoreRecord record : submission.records()) {
      if (record instanceof StoreRecord.LogTrimmed) {
        weight += TRIM_WEIGHT;
      } else if (record instanceof StoreRecord.ScheduledRemoved removed) {
        weight += removed.ids().size();
      } else if (record instanceof StoreRecord.OutboxTaken taken) {
        weight += taken.ids().size();
      }
    }
    return weight;
  }

  private static int messagesIn(Submission<?> submission) {
    int messages = 0;
    for (StoreRecord record : submission.records()) {
      if (record instanceof StoreRecord.MessagesAppended appended) {
        messages += appended.messages().size();
      } else if (record instanceof StoreRecord.MessagesScheduled scheduled) {
        messages += scheduled.messages().size();
      }
    }
    return messages;
  }

  /// The bytes of its messages: copies of one message are written each for itself.
  private static long bytesIn(Submission<?> submission) {
    long bytes = 0;
    for (StoreRecord record : submission.records()) {
      if (record instanceof StoreRecord.MessagesAppended appended) {
        for (Message message : appended.messages()) {
          bytes += message.size();
        }
      } else if (record instanceof StoreRecord.MessagesScheduled scheduled) {
        for (ScheduledMessage message : scheduled.messages()) {
          bytes += message.message().size();
        }
      }
    }
    return bytes;
  }

  private void checkHealth() {
    long nowNs = time.monotonicNs();
    if (nowNs - nextHealthNs < 0) {
      return;
    }
    nextHealthNs = nowNs + HEALTH_INTERVAL_NS;
    StoreHealth health = store.health();
    Status now = statusOf(health);
    if (now.accepting() != status.accepting() || now.freeing() != status.freeing()) {
      take(now, health);
    }
  }

  private void take(Status now, StoreHealth health) {
    if (now.accepting()) {
      LOG.info("the store takes writes again");
    } else {
      LOG.error("the store takes no writes: {}", health.detail());
    }
    status = now;
  }

  private static Status statusOf(StoreHealth health) {
    return health.writable() ? Status.ACCEPTING : unavailable(health.detail(), health.lowOnSpace());
  }

  private static Status unavailable(String detail) {
    return unavailable(detail, /* freeing= */ false);
  }

  private static Status unavailable(String detail, boolean freeing) {
    return new Status(
        false, freeing, Refusal.Code.STORE_UNAVAILABLE, "the store takes no writes now: " + detail);
  }

  // ---- showing ----

  /// What one executor has to do after a batch.
  private static final class Turn implements Runnable {
    private @Nullable Loop loop;
    private final Map<Shard, List<StoreRecord>> durable = new HashMap<>();
    private final Map<Shard, Integer> finished = new HashMap<>();
    private final List<Submission<?>> answers = new ArrayList<>();
    // Answers for other executors that come after the shard's bookkeeping here.
    private final List<Submission<?>> answersElsewhere = new ArrayList<>();
    private News news = News.NONE;
    private final List<TopicLog> advanced = new ArrayList<>();
    private @Nullable AuthorityBarrier barrier;

    @Override
    public void run() {
      // Whatever fails, the others get theirs.
      try {
        finished.forEach(
            (shard, count) -> shard.finished(count, durable.getOrDefault(shard, List.of())));
      } finally {
        try {
          answers.forEach(Submission::release);
          answersElsewhere.forEach(submission -> hand(submission.home(), submission::release));
        } finally {
          wakeReaders();
        }
      }
    }

    private void wakeReaders() {
      try {
        Loop woken = loop;
        if (woken != null) {
          woken.readers().turn(news, advanced);
        }
      } finally {
        AuthorityBarrier passed = barrier;
        if (passed != null) {
          passed.loopPassed();
        }
      }
    }
  }

  private void show(List<Submission<?>> durable) {
    NewsGatherer news = new NewsGatherer();
    Set<TopicLog> advanced = new LinkedHashSet<>();
    for (Submission<?> submission : durable) {
      news.answering(submission);
      for (StoreRecord record : submission.records()) {
        switch (record) {
          case StoreRecord.MessagesAppended appended -> {
            TopicLog log = logs.find(appended.incarnation()).orElseThrow();
            log.raiseWatermark(appended.messages().getLast());
            advanced.add(log);
          }
          case StoreRecord.LogTrimmed trimmed ->
              logs.find(trimmed.incarnation())
                  .ifPresent(log -> log.raiseFirstRetained(trimmed.firstRetained()));
          case StoreRecord.EntryPut(Entry entry) ->
              news.shown(submission, directory.show(entry), entry);
          case StoreRecord.EntryRemoved(Entry entry) -> {
            directory.hide(entry);
            news.hidden(submission, entry);
          }
          // Shards share them among themselves.
          case StoreRecord.ReceiptKept _, StoreRecord.ReceiptsExpired _ -> {}
          // Nobody but their shard sees them.
          case StoreRecord.DeliveryChanged _,
              StoreRecord.MessagesScheduled _,
              StoreRecord.ScheduledRemoved _,
              StoreRecord.OutboxTaken _,
              StoreRecord.DeadLettersKept _,
              StoreRecord.DeadLettersRemoved _ -> {}
        }
      }
    }
    release(durable, news, advanced);
  }

  /// Sends every executor its turn: answers, and for event loops the cursors to wake.
  private void release(
      List<Submission<?>> submissions, NewsGatherer gathered, Set<TopicLog> advanced) {
    News news = gathered.news();
    Map<SerialExecutor, Turn> turns = new HashMap<>();
    for (Submission<?> submission : submissions) {
      Shard shard = submission.shard();
      Turn ofShard = turns.computeIfAbsent(shard.executor(), _ -> new Turn());
      ofShard.finished.merge(shard, 1, Integer::sum);
      ofShard.durable.computeIfAbsent(shard, _ -> new ArrayList<>()).addAll(submission.records());
      if (gathered.holds(submission)) {
        continue;
      }
      boolean isHere = submission.home() == shard.executor();
      if (submission.command().takesEffectWhenDurable() && !isHere) {
        ofShard.answersElsewhere.add(submission);
      } else {
        turns.computeIfAbsent(submission.home(), _ -> new Turn()).answers.add(submission);
      }
    }
    AuthorityBarrier barrier =
        gathered.held().isEmpty()
            ? null
            : new AuthorityBarrier(gathered.held(), shards, loops.size());
    for (Loop loop : loops) {
      for (TopicLog log : advanced) {
        if (log.isReadOn(loop.index())) {
          turns.computeIfAbsent(loop.executor(), _ -> new Turn()).advanced.add(log);
        }
      }
      if (barrier != null || (!news.created().isEmpty() && loop.readers().isAwaitingTopics())) {
        Turn turn = turns.computeIfAbsent(loop.executor(), _ -> new Turn());
        turn.news = news;
        turn.barrier = barrier;
      }
      Turn turn = turns.get(loop.executor());
      if (turn != null) {
        turn.loop = loop;
      }
    }
    turns.forEach(CommitLane::hand);
  }

  /// Gives `executor` a task. One that takes none any more, as an event loop that has been closed,
  /// must not keep the others from theirs.
  static void hand(SerialExecutor executor, Runnable task) {
    try {
      executor.execute(task);
    } catch (Throwable e) {
      LOG.error("{} takes no tasks; its answers and deliveries are lost", executor, e);
    }
  }

  /// Answers `submissions` with `refusal`; none of their records is durable.
  private void refuse(List<Submission<?>> submissions, Refusal refusal) {
    for (Submission<?> submission : submissions) {
      submission.answered(refused(refusal), List.of());
    }
    release(submissions, new NewsGatherer(), Set.of());
  }

  private static <R> Outcome<R> refused(Refusal refusal) {
    return new Outcome.Refused<>(refusal);
  }

  private void refuseQueued(Refusal refusal) {
    List<Submission<?>> queued = new ArrayList<>();
    for (Submission<?> next = queue.poll(); next != null; next = queue.poll()) {
      queued.add(next);
    }
    if (!queued.isEmpty()) {
      refuse(queued, refusal);
    }
  }

  // ---- failing and healing ----

  private void fail(List<Submission<?>> submissions, Exception e) {
    LOG.error("commit {} failed, its outcome is unknown until the store is back", lastNumber, e);
    observer.failed();
    failed = submissions;
    gathered = List.of();
    toldUnknown = false;
    failure = String.valueOf(e.getMessage());
    status = unavailable(failure);
    phase = Phase.RESOLVING;
    failedAtNs = time.monotonicNs();
    retryNs = RETRY_NS;
    nextTryNs = failedAtNs;
    refuseQueued(status.refusal());
  }

  private long resolve() {
    refuseQueued(status.refusal());
    long now = time.monotonicNs();
    long patienceNs = RESOLVE_PATIENCE.toNanos() - (now - failedAtNs);
    if (patienceNs <= 0 && !toldUnknown) {
      toldUnknown = true;
      answerUnknown(failed);
    }
    if (now - nextTryNs < 0) {
      return sleepResolving(nextTryNs - now, patienceNs);
    }
    boolean committed;
    try {
      store.reopen();
      committed = store.wasCommitted(LANE, epoch, lastNumber);
    } catch (StoreException | RuntimeException e) {
      return sleepResolving(retryLater("could not be reopened", e), patienceNs);
    }
    LOG.info("commit {} turned out {}", lastNumber, committed ? "durable" : "not written");
    settleFailed(committed);
    revertShards();
    return 0;
  }

  /// Until the next try, or the end of the callers' patience if that is earlier.
  private static long sleepResolving(long untilTryNs, long patienceNs) {
    return patienceNs > 0 ? Math.min(untilTryNs, patienceNs) : untilTryNs;
  }

  private long retryLater(String what, Exception e) {
    LOG.warn("the store {}: {}", what, e.getMessage());
    status = unavailable(failure);
    long waitNs = retryNs;
    nextTryNs = time.monotonicNs() + waitNs;
    retryNs = Math.min(MAX_RETRY_NS, retryNs * 2);
    return waitNs;
  }

  /// Answers the callers of `submissions`, whose records stay to be resolved. Those that wrote
  /// nothing, but waited for what the batch wrote, only learn that the store failed.
  private void answerUnknown(List<Submission<?>> submissions) {
    Refusal unknown =
        new Refusal(
            Refusal.Code.OUTCOME_UNKNOWN,
            "the store failed and is not back: this may or may not have been stored");
    for (Submission<?> submission : submissions) {
      submission.refuse(submission.records().isEmpty() ? status.refusal() : unknown);
      hand(submission.home(), submission::release);
    }
  }

  private void settleFailed(boolean committed) {
    if (committed) {
      show(failed);
    } else {
      refuse(failed, status.refusal());
    }
    failed = List.of();
  }

  /// Sends every shard back to what is durable. Their executors get it after what they were sent
  /// before, so a batch that turned out durable is settled first.
  private void revertShards() {
    phase = Phase.REVERTING;
    reverting.set(shards.size());
    for (Shard shard : shards) {
      shard
          .executor()
          .execute(() -> {
            try {
              shard.revert();
            } catch (Throwable e) {
              revertFault = e;
            } finally {
              reverting.decrementAndGet();
              wake();
            }
          });
    }
  }

  /// Whether what it waits for in [Phase#REVERTING] has happened.
  private boolean isReverted() {
    return phase == Phase.REVERTING && reverting.get() == 0;
  }

  private long awaitReverted() {
    if (reverting.get() > 0) {
      return RETRY_NS;
    }
    Throwable fault = revertFault;
    if (fault != null) {
      // Going on would show what was refused.
      throw new IllegalStateException("a shard could not go back to what is durable", fault);
    }
    // What was handled before its shard went back rests on what is undone.
    refuseQueued(status.refusal());
    phase = Phase.PROBING;
    return 0;
  }

  private long probe() {
    long now = time.monotonicNs();
    refuseQueued(status.refusal());
    if (now - nextTryNs < 0) {
      return nextTryNs - now;
    }
    if (mustReopen) {
      try {
        store.reopen();
      } catch (StoreException | RuntimeException e) {
        return retryLater("could not be reopened", e);
      }
      mustReopen = false;
    }
    StoreHealth health = store.health();
    if (!health.writable() && !health.lowOnSpace()) {
      return retryLater("takes no writes", new StoreException(health.detail()));
    }
    try {
      store.commit(new Batch(LANE, epoch, ++lastNumber, List.of()));
    } catch (StoreException | RuntimeException e) {
      mustReopen = true;
      return retryLater("refused an empty batch", e);
    }
    take(statusOf(health), health);
    phase = Phase.RUNNING;
    return 0;
  }

  // ---- fencing ----

  private void fence(List<Submission<?>> batch, SlotSet refusedSlots) {
    LOG.error("another server has taken over slots {}; this one writes no more", refusedSlots);
    status =
        new Status(
            false, false, Refusal.Code.FENCED, "another server has taken over; use that one");
    phase = Phase.FENCED;
    List<Submission<?>> written = new ArrayList<>();
    List<Submission<?>> fenced = new ArrayList<>();
    for (Submission<?> submission : batch) {
      boolean isRefused =
          submission.records().stream().anyMatch(record -> refusedSlots.contains(record.slot()));
      (isRefused ? fenced : written).add(submission);
    }
    show(written);
    refuse(fenced, status.refusal());
    for (Shard shard : shards) {
      shard.executor().execute(shard::revert);
    }
  }
}
