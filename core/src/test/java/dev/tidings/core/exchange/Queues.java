// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.Bind;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateExchange;
import dev.tidings.core.command.CreateQueue;
import dev.tidings.core.command.DeleteQueue;
import dev.tidings.core.command.Enqueue;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.ListDeadLetters;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.PurgeDeadLetters;
import dev.tidings.core.command.PurgeQueue;
import dev.tidings.core.command.ReprocessDeadLetters;
import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Queue.Bounds;
import dev.tidings.core.directory.Queue.Mode;
import dev.tidings.core.directory.Queue.Overflow;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.log.Retention;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import dev.tidings.core.subscription.Subscriptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// A node on a memory whose exchanges and queues are used in few words.
final class Queues {
  /// Bounds on the backlog that nothing here reaches.
  static final Retention.Limits NO_BACKLOG = new Retention.Limits(0, 0, 0);

  static final DeliveryPolicy POLICY = new DeliveryPolicy(2, 1_000, 1_000, OptionalLong.empty());

  final MemoryStore.Memory memory;
  private final Node.Limits limits;
  FaultyStore store;
  CrankedNode node;
  ManualTime time = new ManualTime();

  private Queues(Store durable, MemoryStore.Memory memory, long transientBytes)
      throws StoreException {
    this.memory = memory;
    limits =
        new Node.Limits(
            1 << 24,
            1 << 20,
            10_000,
            1 << 26,
            new CommitLane.Limits(1000, 1 << 24),
            100,
            100,
            Receipts.Limits.DEFAULT,
            new Subscriptions.Limits(100, 10, Deliveries.Limits.DEFAULT),
            StreamLimits.DEFAULT,
            new ExchangeLimits(100, 100, 10_000, transientBytes),
            ScheduleLimits.DEFAULT);
    store = new FaultyStore(durable, 1);
    node = CrankedNode.on(store, 2, limits, time);
  }

  static Queues withMemory(long transientBytes) throws StoreException {
    return on(new MemoryStore.Memory(), transientBytes);
  }

  static Queues create() throws StoreException {
    return withMemory(1 << 24);
  }

  private static Queues on(MemoryStore.Memory memory, long transientBytes) throws StoreException {
    return new Queues(new MemoryStore(memory), memory, transientBytes);
  }

  /// On a store that tells of damage.
  static Queues on(Store damaged, MemoryStore.Memory memory) throws StoreException {
    return new Queues(damaged, memory, 1 << 24);
  }

  /// The process ends and another begins a second later.
  void restart() throws StoreException {
    long wall = time.wallMs();
    time = new ManualTime();
    time.jumpWall(Duration.ofMillis(wall - ManualTime.BEGINNING_MS + 1000));
    store = new FaultyStore(new MemoryStore(memory), 1);
    node = CrankedNode.on(store, 2, limits, time);
  }

  /// The store goes down, which shows when something is put into a durable queue.
  void fail(Queue durable) {
    store.down();
    var _ = ask(enqueuing(durable, "\"lost\""));
    node.settle();
    time.advance(CommitLane.RESOLVE_PATIENCE.plusSeconds(1));
    node.settle();
  }

  /// The store comes back, and the node takes notice.
  void heal() {
    store.up();
    store.faultsOff();
    node.settle();
    while (node.node().lane().phase() != CommitLane.Phase.RUNNING
        || !node.node().lane().status().accepting()) {
      time.advance(Duration.ofMillis(500));
      node.settle();
    }
  }

  <R> Reply<R> ask(Command<R> command) {
    return node.submit(command);
  }

  <R> Reply<R> settled(Command<R> command) {
    Reply<R> reply = node.submit(command);
    node.settle();
    return reply;
  }

  <R> R done(Command<R> command) {
    return settled(command).done();
  }

  Exchange exchange(String name, Exchange.Type type) {
    return done(new CreateExchange(name, type, CrankedNode.OWNER));
  }

  static Bounds bounds(long maxLength, Overflow overflow) {
    return new Bounds(OptionalLong.of(maxLength), OptionalLong.empty(), overflow);
  }

  static Bounds ttl(long ms) {
    return new Bounds(OptionalLong.empty(), OptionalLong.of(ms), Overflow.DROP_OLDEST);
  }

  static CreateQueue creating(String name, boolean durable, Mode mode, Bounds bounds) {
    return new CreateQueue(name, durable, mode, bounds, POLICY, CrankedNode.OWNER);
  }

  Queue queue(String name, boolean durable, Mode mode, Bounds bounds) {
    return done(creating(name, durable, mode, bounds));
  }

  Queue queue(String name, boolean durable) {
    return queue(name, durable, Mode.WORK, Bounds.NONE);
  }

  Binding bind(Queue queue, Exchange exchange, String key) {
    return done(new Bind(queue, exchange, key));
  }

  Subscription subscription(Queue queue) {
    return node.node().directory().subscription(queue.name()).orElseThrow();
  }

  static Enqueue enqueuing(Queue queue, String payload) {
    return new Enqueue(
        List.of(new Target(queue.name(), queue.incarnation())),
        queue.durable(),
        Payload.of(payload),
        Ordering.NONE,
        true);
  }

  Enqueue.Enqueued put(Queue queue, String payload) {
    return done(enqueuing(queue, payload));
  }

  /// Numbers as payloads.
  void put(Queue queue, int from, int to) {
    for (int i = from; i <= to; i++) {
      var _ = put(queue, String.valueOf(i));
    }
  }

  Reply<ExchangePublisher.Routed> publish(Exchange exchange, String key, String payload) {
    Reply<ExchangePublisher.Routed> reply = new Reply<>(node.executor(0));
    node.executor(0)
        .run(() ->
            new ExchangePublisher(node.node())
                .publish(
                    exchange, key, Payload.of(payload), Ordering.NONE, node.executor(0), reply));
    return reply;
  }

  static LeaseMessages leasing(Subscription subscription, int max) {
    return new LeaseMessages(subscription, max, OptionalLong.empty(), Optional.empty());
  }

  List<Delivered> take(Queue queue, int max) {
    return done(leasing(subscription(queue), max)).messages();
  }

  /// Leases and tells the payloads.
  List<String> lease(Queue queue, int max) {
    return payloads(take(queue, max));
  }

  static List<String> payloads(List<Delivered> delivered) {
    return delivered.stream().map(it -> it.message().payload().text()).toList();
  }

  static Meant any(List<Delivered> delivered) {
    return new Meant(
        delivered.stream().map(it -> it.message().sequence()).toList(), OptionalLong.empty());
  }

  long ack(Queue queue, List<Delivered> delivered) {
    return done(new AckMessages(subscription(queue), any(delivered)));
  }

  void nack(Queue queue, List<Delivered> delivered) {
    var _ = done(new NackMessages(subscription(queue), any(delivered), OptionalLong.of(0)));
  }

  Counts counts(Queue queue) {
    return done(new CountMessages(subscription(queue)));
  }

  long purge(Queue queue) {
    return done(new PurgeQueue(queue));
  }

  void delete(Queue queue) {
    var _ = done(new DeleteQueue(queue));
  }

  List<String> dead(Queue queue) {
    return payloads(deadLetters(queue));
  }

  List<Delivered> deadLetters(Queue queue) {
    return done(new ListDeadLetters(subscription(queue), new ListDeadLetters.Which.Page(0, 1000)));
  }

  /// Leases everything twice and fails it, so that all of it is dead.
  void kill(Queue queue) {
    for (int i = 0; i < 2; i++) {
      nack(queue, take(queue, 1000));
    }
  }

  void reprocess(Queue queue) {
    List<Long> all = deadLetters(queue).stream().map(it -> it.message().sequence()).toList();
    var _ = done(new ReprocessDeadLetters(subscription(queue), all));
  }

  void purgeDead(Queue queue) {
    var _ = done(new PurgeDeadLetters(subscription(queue), Optional.empty()));
  }

  void pass(long ms) {
    time.advance(Duration.ofMillis(ms));
    for (int i = 0; i < 3; i++) {
      node.node().tend(time, node.executor(0));
      node.settle();
    }
  }

  /// One round of retention.
  int sweep(Retention.Limits backlog) {
    int unread =
        new Retention(
                node.node().store(),
                node.node().directory(),
                time,
                new Retention.Limits(0, 1, 0),
                backlog,
                node.node()::transientShare,
                (command, answered) -> {
                  var _ = node.submit(command);
                  answered.run();
                })
            .sweep(1000);
    node.settle();
    return unread;
  }

  /// Bytes that the messages of transient queues take.
  long bytes() {
    return node.node().store().bytes();
  }

  long firstRetained(Queue queue) throws StoreException {
    return node.node().store().extent(queue.incarnation()).firstRetained();
  }
}
