// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.command.OpenLog;
import dev.tidings.core.command.TendStreams;
import dev.tidings.core.command.TendSubscriptions;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.log.History;
import dev.tidings.core.log.HotTier;
import dev.tidings.core.log.Logs;
import dev.tidings.core.log.PageCache;
import dev.tidings.core.log.Readers;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.schedule.Schedule;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.schedule.Waiting;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.TransientStore;
import dev.tidings.core.stream.StreamFigures;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.stream.StreamPool;
import dev.tidings.core.subscription.Names;
import dev.tidings.core.subscription.Subscriptions;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// One process's core, wired: the directory, a shard and the cursors of each event loop, the router
/// to them and the commit lane behind them.
///
/// Commands go to [#submit]; cursors are opened on [#loops]. Whoever made it runs [#lane] on a
/// thread of its own.
public final class Node {
  private final Directory directory;
  private final Logs logs = new Logs();
  private final TransientStore store;
  private final long transientBytes;
  private final CommitLane lane;
  private final Backlog backlog;
  private final Receipts receipts;
  private final History history;
  private final StreamPool streams;
  private final Waiting waiting;
  private final List<Shard> shards = new ArrayList<>();
  private final List<ShardState> states = new ArrayList<>();
  private final List<HotTier> tiers = new ArrayList<>();
  private final List<Loop> loops = new ArrayList<>();

  /// The bounds of a node.
  ///
  /// @param hotTierBytes heap for recent messages, shared equally by the shards
  /// @param pageCacheBytes heap for pages of older messages, shared equally by the event loops
  /// @param pendingCommands commands that may wait at once
  /// @param pendingBytes bytes that waiting commands may hold
  /// @param batch the bounds of one commit
  /// @param topics topics there may be, counting those about to be created
  /// @param grantsPerTopic users one topic may be granted to
  /// @param receipts of requests under idempotency keys
  /// @param subscriptions how many, and the bounds of each
  /// @param streams how many, and what they may hold
  /// @param exchanges how many, and what queues may hold in memory
  /// @param schedule how many messages may wait until they are due
  public record Limits(
      long hotTierBytes,
      long pageCacheBytes,
      int pendingCommands,
      long pendingBytes,
      CommitLane.Limits batch,
      int topics,
      int grantsPerTopic,
      Receipts.Limits receipts,
      Subscriptions.Limits subscriptions,
      StreamLimits streams,
      ExchangeLimits exchanges,
      ScheduleLimits schedule) {
    /// Topics there may be, unless another number is given.
    public static final int DEFAULT_TOPICS = 10_000_000;

    /// Users one topic may be granted to, unless another number is given.
    public static final int DEFAULT_GRANTS_PER_TOPIC = 10_000;

    /// Bounds with the default numbers of topics, grants, idempotency keys, subscriptions, streams,
    /// exchanges and scheduled messages.
    public Limits(
        long hotTierBytes,
        long pageCacheBytes,
        int pendingCommands,
        long pendingBytes,
        CommitLane.Limits batch) {
      this(
          hotTierBytes,
          pageCacheBytes,
          pendingCommands,
          pendingBytes,
          batch,
          DEFAULT_TOPICS,
          DEFAULT_GRANTS_PER_TOPIC,
          Receipts.Limits.DEFAULT,
          Subscriptions.Limits.DEFAULT,
          StreamLimits.DEFAULT,
          ExchangeLimits.DEFAULT,
          ScheduleLimits.DEFAULT);
    }
  }

  /// Takes over all slots of `durable`, loads the directory and makes one shard for each executor.
  ///
  /// @param executors the event loops, 1 to 64
  /// @param opening logs are opened here; bounded in threads
  /// @param paging older messages are read here; bounded in threads, and others than those that
  ///   open logs, so that publishers need not wait behind readers
  public Node(
      Store durable,
      List<SerialExecutor> executors,
      Executor opening,
      Executor paging,
      TimeSource time,
      Limits limits,
      CommitObserver observer)
      throws StoreException {
    if (executors.isEmpty() || executors.size() > Long.SIZE) {
      throw new IllegalArgumentException(
          "event loops: " + executors.size() + " (expected: 1 to " + Long.SIZE + ")");
    }
    store = new TransientStore(durable);
    transientBytes = limits.exchanges().transientBytes();
    // The epoch first: what is read afterwards, no former owner can change any more.
    long epoch = store.openSlots(SlotSet.ALL);
    var contents = store.loadDirectory();
    directory = new Directory(contents);
    keepInMemory(epoch);
    AtomicInteger lastIncarnation = new AtomicInteger(contents.lastIncarnation());
    receipts = new Receipts(limits.receipts(), store.loadReceipts(), time.wallMs());
    backlog = new Backlog(limits.pendingCommands(), limits.pendingBytes());
    history = new History(store, logs, paging, time);
    lane = new CommitLane(store, epoch, directory, logs, time, limits.batch(), observer);
    int count = executors.size();
    AtomicInteger lastStreamNumber = new AtomicInteger(contents.lastStreamNumber());
    streams = new StreamPool(limits.streams());
    Names names = new Names();
    waiting =
        new Waiting(store.countScheduled(), contents.lastScheduled(), limits.schedule().messages());
    for (int i = 0; i < count; i++) {
      SerialExecutor executor = executors.get(i);
      HotTier tier = new HotTier(limits.hotTierBytes() / count);
      tiers.add(tier);
      ShardState state =
          new ShardState(
              time,
              directory,
              logs,
              tier,
              lastIncarnation,
              lastStreamNumber,
              receipts,
              names,
              limits.pageCacheBytes() / count,
              limits.schedule().memoryBytes() / count,
              streams,
              new OwnOf(executor),
              store,
              waiting,
              slotsOf(i, count),
              i,
              observer::appendedLate,
              limits);
      states.add(state);
      shards.add(new Shard(i, executor, state, lane, store, opening, paging, backlog, logs));
      PageCache pages = new PageCache(store, paging, executor, limits.pageCacheBytes() / count);
      loops.add(new Loop(i, executor, new Readers(i, executor, directory, this::openLog, pages)));
    }
    lane.serve(shards, loops);
    shards.forEach(shard -> shard.serve(List.copyOf(loops)));
    for (int i = 0; i < count; i++) {
      executors.get(i).execute(states.get(i).schedule()::begin);
    }
  }

  private static SlotSet slotsOf(int shard, int shards) {
    BitSet slots = new BitSet();
    for (int slot = shard; slot < Slot.COUNT; slot += shards) {
      slots.set(slot);
    }
    return SlotSet.copyOf(slots);
  }

  /// What transient queues held when an earlier process ended is gone.
  private void keepInMemory(long epoch) {
    for (Queue queue : directory.queues().values()) {
      if (!queue.durable()) {
        store.beginAgain(queue.incarnation(), epoch);
        directory
            .subscription(queue.name())
            .ifPresent(subscription -> store.beginAgain(subscription.number(), epoch));
      }
    }
  }

  /// How many bytes each transient broadcast queue may hold now: nobody has to ack what lies in
  /// them, so they are held to their shares of half of the memory of transient queues once that is
  /// in use. 0 while they are not held to anything.
  public long transientShare() {
    long half = transientBytes / 2;
    if (store.bytes() <= half) {
      return 0;
    }
    long queues =
        directory.queues().values().stream()
            .filter(it -> !it.durable() && it.mode() == Queue.Mode.BROADCAST)
            .count();
    return Math.max(1, half / Math.max(1, queues));
  }

  /// Where everything can be read that is in the store or kept by transient queues.
  public TransientStore store() {
    return store;
  }

  /// How the shard on `executor` does things of its own.
  private final class OwnOf implements ShardState.Own {
    private final SerialExecutor executor;

    private OwnOf(SerialExecutor executor) {
      this.executor = executor;
    }

    @Override
    public <R> void submit(Command<R> command, Consumer<Outcome<R>> reply) {
      executor.execute(() -> Node.this.submit(command, executor, reply));
    }

    @Override
    public void after(long delayNs, Runnable task) {
      executor.executeAfter(delayNs, task);
    }
  }

  /// What streams have come to since the start, and what they hold.
  public StreamFigures streamFigures() {
    return streams.figures();
  }

  /// How many shards there are: shard n owns the slots that leave n as remainder.
  public int shards() {
    return shards.size();
  }

  /// Users and topics.
  public Directory directory() {
    return directory;
  }

  /// What came of requests under idempotency keys.
  public Receipts receipts() {
    return receipts;
  }

  /// The event loops, in the order of their executors.
  public List<Loop> loops() {
    return List.copyOf(loops);
  }

  /// The commit lane, to be run by one thread.
  public CommitLane lane() {
    return lane;
  }

  /// What subscriptions have come to since the start.
  public Subscriptions.Figures subscriptionFigures() {
    return states.stream()
        .map(state -> state.subscriptions().figures())
        .reduce(Subscriptions.Figures.NONE, Subscriptions.Figures::plus);
  }

  /// What is parked behind others of its key, in subscriptions that are in memory.
  public Subscriptions.Parked parked() {
    return states.stream()
        .map(state -> state.subscriptions().parked())
        .reduce(Subscriptions.Parked.NONE, Subscriptions.Parked::plus);
  }

  /// Ends the leases whose deadline has passed, makes dead letters of what has failed for the last
  /// time, and lets go of streams that are idle. To be called every so often, from any thread: this
  /// is how accurate both are.
  ///
  /// @param home where the answers, which need no attention, are given
  public void tend(TimeSource time, SerialExecutor home) {
    for (int i = 0; i < shards.size(); i++) {
      if (states.get(i).subscriptions().nextDueNs() <= time.monotonicNs()) {
        // The slots of shard i leave i as remainder.
        submit(new TendSubscriptions(i, /* inMemory= */ false), home, _ -> {});
        submit(new TendSubscriptions(i, /* inMemory= */ true), home, _ -> {});
      }
      if (states.get(i).streams().nextDueNs() <= time.monotonicNs()) {
        submit(new TendStreams(i), home, _ -> {});
      }
    }
  }

  /// What has become of scheduled messages since the start.
  public Schedule.Figures scheduleFigures() {
    return states.stream()
        .map(state -> state.schedule().figures())
        .reduce(Schedule.Figures.NONE, Schedule.Figures::plus);
  }

  /// How many messages wait until they are due.
  public long scheduledMessages() {
    return waiting.count();
  }

  /// What waits.
  public Backlog backlog() {
    return backlog;
  }

  /// What logs retain, page by page.
  public History history() {
    return history;
  }

  /// Whether the log with number `incarnation` is in memory. Any thread.
  public boolean isInMemory(int incarnation) {
    return logs.find(incarnation).isPresent();
  }

  /// How many logs are in memory.
  public int logsInMemory() {
    return logs.size();
  }

  /// How many cursors there are.
  public int cursors() {
    int cursors = 0;
    for (Loop loop : loops) {
      cursors += loop.readers().cursors();
    }
    return cursors;
  }

  /// How many messages a topic retains, if its log is in memory: by their sequences, so a lapse
  /// counts as messages until it is trimmed.
  public OptionalLong retainedMessages(String topic) {
    return directory
        .topic(topic)
        .flatMap(entry -> logs.find(entry.incarnation()))
        .map(log -> OptionalLong.of(log.watermark() - log.firstRetained() + 1))
        .orElseGet(OptionalLong::empty);
  }

  /// Heap used by recent messages.
  public long hotTierBytes() {
    long bytes = 0;
    for (HotTier tier : tiers) {
      bytes += tier.bytes();
    }
    return bytes;
  }

  /// Hands `command` to the shard that owns its slot; `reply` is called on `home` when it is
  /// answered. Any thread. Commands from one executor to one shard are handled in the order they
  /// were handed in, but those that need a log wait until it is in memory, in order among
  /// themselves.
  public <R> void submit(Command<R> command, SerialExecutor home, Consumer<Outcome<R>> reply) {
    shards.get(command.slot() % shards.size()).submit(command, home, reply);
  }

  private void openLog(Topic topic, SerialExecutor home, Consumer<Optional<TopicLog>> then) {
    Optional<TopicLog> inMemory = logs.find(topic.incarnation());
    if (inMemory.isPresent()) {
      then.accept(inMemory);
      return;
    }
    submit(
        new OpenLog(topic),
        home,
        outcome ->
            then.accept(
                switch (outcome) {
                  case Outcome.Done<TopicLog>(TopicLog log) -> Optional.of(log);
                  case Outcome.Refused<TopicLog> _ -> Optional.empty();
                }));
  }
}
