// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.log.Logs;
import dev.tidings.core.log.News;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Command.Step;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.TransientStore;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Owns the slots whose number leaves its index as remainder, and everything in them. Commands are
/// handled one at a time on its executor; nothing else changes message state.
///
/// Apply, persist, then show: a handler changes the state at once, its records go to the commit
/// lane, and its answer waits until everything it could have seen is durable.
public final class Shard {
  private static final Logger LOG = LoggerFactory.getLogger(Shard.class);

  private final int index;
  private final SerialExecutor executor;
  private final ShardState state;
  private final CommitLane lane;
  private final TransientStore store;
  private final Executor opening;
  private final Executor paging;
  private final Backlog backlog;
  private final Logs logs;
  private final Map<Load, Awaiting> awaiting = new HashMap<>();
  private final List<Passing> passing = new ArrayList<>();
  // Submissions handed to the commit lane and not yet back.
  private int uncommitted;
  private List<Loop> loops = List.of();
  // Transient logs that have grown and whose cursors are to be woken.
  private final Set<TopicLog> advanced = new LinkedHashSet<>();

  /// Who waits for something to be in memory.
  private static final class Awaiting {
    private final List<Submission<?>> submissions = new ArrayList<>();
  }

  /// Who wants to know when some commands have been handled.
  ///
  /// @param open those that have not
  private record Passing(Set<Submission<?>> open, Runnable passed) {}

  Shard(
      int index,
      SerialExecutor executor,
      ShardState state,
      CommitLane lane,
      TransientStore store,
      Executor opening,
      Executor paging,
      Backlog backlog,
      Logs logs) {
    this.index = index;
    this.executor = executor;
    this.state = state;
    this.lane = lane;
    this.store = store;
    this.opening = opening;
    this.paging = paging;
    this.backlog = backlog;
    this.logs = logs;
  }

  SerialExecutor executor() {
    return executor;
  }

  /// Lets it wake the cursors of `readers`.
  void serve(List<Loop> readers) {
    loops = readers;
  }

  /// Hands in a command, from any thread; `reply` is called on `home` when it is answered.
  <R> void submit(Command<R> command, SerialExecutor home, Consumer<Outcome<R>> reply) {
    Submission<R> submission = new Submission<>(command, this, home, reply, backlog);
    if (command.followsUp()) {
      backlog.admitOwn();
    } else if (!backlog.admit(submission.size())) {
      Outcome<R> refused = new Outcome.Refused<>(backlog.refusal());
      home.execute(() -> reply.accept(refused));
      return;
    }
    if (executor.isCurrent()) {
      run(submission);
    } else {
      executor.execute(() -> run(submission));
    }
  }

  private <R> void run(Submission<R> submission) {
    executor.checkCurrent();
    Command<R> command = submission.command();
    CommitLane.Status status = lane.status();
    boolean isTransient = isTransient(command);
    if (!isTransient && !status.admits(command)) {
      refuse(submission, status.refusal());
      return;
    }
    switch (handle(command)) {
      case Step.Answer<R>(Outcome<R> outcome) -> {
        submission.answered(outcome, takeDurable());
        boolean needsNothing = submission.records().isEmpty() && !command.takesAuthority();
        if (needsNothing && (uncommitted == 0 || isTransient)) {
          release(submission);
        } else {
          uncommitted++;
          lane.submit(submission);
        }
        handled(submission);
      }
      case Step.Needs<R>(Load load) -> {
        writeAhead();
        await(submission, load);
      }
      case Step.Waits<R>(Later<R> later) -> {
        submission.park();
        later.whenGiven(outcome -> {
          submission.answered(outcome, List.of());
          // Not at once: what it sets off must not meet a command that is half done.
          submission.home().execute(submission::release);
        });
        handled(submission);
      }
    }
    state.takeWanted().forEach(this::awaiting);
  }

  private boolean isTransient(Command<?> command) {
    OptionalInt about = command.about();
    return command.isTransient() || (about.isPresent() && store.keeps(about.getAsInt()));
  }

  // ---- what transient queues hold ----

  /// Takes what the command has emitted: what is about transient queues takes effect at once, the
  /// rest is returned and has to become durable first.
  private List<StoreRecord> takeDurable() {
    List<StoreRecord> emitted = state.takeEmitted();
    if (emitted.stream().noneMatch(store::keeps)) {
      return emitted;
    }
    Map<Boolean, List<StoreRecord>> parts =
        emitted.stream().collect(Collectors.partitioningBy(store::keeps));
    List<StoreRecord> inMemory = Objects.requireNonNull(parts.get(true));
    showInMemory(inMemory);
    showInMemory(state.settledInMemory(inMemory));
    return Objects.requireNonNull(parts.get(false));
  }

  private void showInMemory(List<StoreRecord> records) {
    if (records.isEmpty()) {
      return;
    }
    store.write(records);
    for (StoreRecord record : records) {
      if (record instanceof StoreRecord.MessagesAppended appended) {
        TopicLog log = logs.find(appended.incarnation()).orElseThrow();
        log.raiseWatermark(appended.messages().getLast());
        wakeLater(log);
      } else if (record instanceof StoreRecord.LogTrimmed trimmed) {
        logs.find(trimmed.incarnation())
            .ifPresent(log -> log.raiseFirstRetained(trimmed.firstRetained()));
      }
    }
    state.settle(records);
  }

  /// Wakes the cursors on `log` when the commands that are there by now have been handled.
  private void wakeLater(TopicLog log) {
    if (advanced.isEmpty()) {
      executor.execute(this::wakeReaders);
    }
    advanced.add(log);
  }

  private void wakeReaders() {
    List<TopicLog> woken = List.copyOf(advanced);
    advanced.clear();
    for (Loop loop : loops) {
      List<TopicLog> read = woken.stream().filter(log -> log.isReadOn(loop.index())).toList();
      if (read.isEmpty()) {
        continue;
      }
      if (loop.executor() == executor) {
        loop.readers().turn(News.NONE, read);
      } else {
        CommitLane.hand(loop.executor(), () -> loop.readers().turn(News.NONE, read));
      }
    }
  }

  private <R> Step<R> handle(Command<R> command) {
    try {
      return command.handle(state);
    } catch (RuntimeException e) {
      // Handlers check before they change, so nothing is half done; what was emitted is dropped.
      state.takeEmitted();
      LOG.error("shard {} failed to handle {}", index, command, e);
      return Step.refused(Refusal.Code.INTERNAL, "the command failed; the server's log tells why");
    } catch (Error e) {
      // It may strike anywhere, so the command may be half done: what follows must not be shown.
      lane.breakDown(e);
      state.takeEmitted();
      return Step.refused(Refusal.Code.INTERNAL, "the command failed; the server's log tells why");
    }
  }

  private void refuse(Submission<?> submission, Refusal refusal) {
    submission.refuse(refusal);
    release(submission);
    handled(submission);
  }

  /// Tells those who wait for it that a command needs nothing more.
  private void handled(Submission<?> submission) {
    if (passing.isEmpty()) {
      return;
    }
    List<Passing> ended = new ArrayList<>();
    for (Passing each : passing) {
      if (each.open().remove(submission) && each.open().isEmpty()) {
        ended.add(each);
      }
    }
    passing.removeAll(ended);
    ended.forEach(each -> passWritten(each.passed()));
  }

  private static void release(Submission<?> submission) {
    if (submission.home().isCurrent()) {
      submission.release();
    } else {
      submission.home().execute(submission::release);
    }
  }

  private void await(Submission<?> submission, Load load) {
    awaiting(load).submissions.add(submission);
  }

  /// Writes what a command has changed on the way, though it is not answered yet.
  private void writeAhead() {
    List<StoreRecord> records = takeDurable();
    if (!records.isEmpty()) {
      backlog.admitOwn();
      Submission<Boolean> ahead =
          new Submission<>(new Mark(index), this, executor, _ -> {}, backlog);
      ahead.answered(new Outcome.Done<>(true), records);
      uncommitted++;
      lane.submit(ahead);
    }
  }

  /// Those who wait for `load`, which is begun if nobody does yet.
  private Awaiting awaiting(Load load) {
    Awaiting known = awaiting.get(load);
    if (known != null) {
      return known;
    }
    Awaiting waiting = new Awaiting();
    awaiting.put(load, waiting);
    try {
      (load.isForPublishers() ? opening : paging).execute(() -> read(load));
    } catch (RejectedExecutionException | Error e) {
      // Not at once: whoever asked is not among those who wait yet.
      executor.execute(() -> failed(load, e));
    }
    return waiting;
  }

  private void read(Load load) {
    Runnable then;
    try {
      Load.Loaded loaded = load.read(store);
      then = () -> loaded(load, loaded);
    } catch (Throwable e) {
      // Whatever it is, those who wait must hear of it.
      then = () -> failed(load, e);
    }
    executor.execute(then);
  }

  private void loaded(Load load, Load.Loaded loaded) {
    Optional<Load> next;
    try {
      next = loaded.into(state);
    } catch (Throwable e) {
      failed(load, e);
      return;
    }
    endAwaiting(load, this::run);
    next.ifPresent(this::awaiting);
  }

  private void failed(Load load, Throwable e) {
    LOG.warn("{} could not be read", load.what(), e);
    Refusal refusal =
        new Refusal(Refusal.Code.STORE_UNAVAILABLE, load.what() + " could not be read; try again");
    endAwaiting(load, submission -> refuse(submission, refusal));
  }

  private void endAwaiting(Load load, Consumer<Submission<?>> then) {
    Awaiting waiting = awaiting.remove(load);
    if (waiting != null) {
      waiting.submissions.forEach(then);
    }
  }

  /// Calls `passed` when every command handed in so far has been handled, also those that wait for
  /// something to be loaded, and what they wrote is shown or refused. Of a batch whose outcome
  /// stays unknown it waits no longer than its callers do.
  void pass(Runnable passed) {
    executor.checkCurrent();
    // A command may need one thing after the other, so it is not over with what it waits for now.
    Set<Submission<?>> open = Collections.newSetFromMap(new IdentityHashMap<>());
    awaiting.values().forEach(waiting -> open.addAll(waiting.submissions));
    if (open.isEmpty()) {
      passWritten(passed);
    } else {
      passing.add(new Passing(open, passed));
    }
  }

  /// Calls `passed` when what has been handled so far is back from the commit lane.
  private void passWritten(Runnable passed) {
    backlog.admitOwn();
    run(new Submission<>(new Mark(index), this, executor, _ -> passed.run(), backlog));
  }

  /// Does nothing; its answer, as every answer, waits for what was written before it.
  ///
  /// @param slot one of the shard's slots
  private record Mark(int slot) implements Command<Boolean> {
    @Override
    public long size() {
      return 0;
    }

    @Override
    public boolean writes() {
      return false;
    }

    @Override
    public Step<Boolean> handle(ShardState state) {
      return Step.done(true);
    }
  }

  /// `submissions` came back from the commit lane; `durable` are those of their records that are
  /// durable.
  void finished(int submissions, List<StoreRecord> durable) {
    executor.checkCurrent();
    uncommitted -= submissions;
    state.settle(durable);
  }

  /// Goes back to what is durable.
  void revert() {
    executor.checkCurrent();
    state.revert();
  }
}
