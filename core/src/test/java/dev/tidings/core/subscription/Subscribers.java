// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateSubscription;
import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.ExtendLeases;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.ListDeadLetters;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.Publish;
import dev.tidings.core.command.PurgeDeadLetters;
import dev.tidings.core.command.ReleaseMessages;
import dev.tidings.core.command.ReprocessDeadLetters;
import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/// A node on a memory, with one topic whose messages are published and consumed in few words.
final class Subscribers {
  static final String TOPIC = "t";

  /// Another topic of the same shard, whose messages drive those of the first out of memory.
  private static final String NOISE = "noise-4";

  /// The defaults of the pubsub API.
  static final DeliveryPolicy POLICY = new DeliveryPolicy(5, 5_000, 300_000, OptionalLong.empty());

  final MemoryStore.Memory memory = new MemoryStore.Memory();
  FaultyStore store = new FaultyStore(new MemoryStore(memory), 1);
  CrankedNode node;
  ManualTime time = new ManualTime();
  private final Node.Limits limits;
  private int published;

  private Subscribers(long hotBytes, Deliveries.Limits deliveries) throws StoreException {
    limits =
        new Node.Limits(
            hotBytes,
            1 << 20,
            10_000,
            1 << 24,
            new CommitLane.Limits(1000, 1 << 24),
            100,
            100,
            Receipts.Limits.DEFAULT,
            new Subscriptions.Limits(100, 10, deliveries),
            StreamLimits.DEFAULT,
            ExchangeLimits.DEFAULT,
            ScheduleLimits.DEFAULT);
    node = CrankedNode.on(store, 2, limits, time);
    node.createTopic(TOPIC);
    node.createTopic(NOISE);
  }

  /// Recent messages stay in memory.
  static Subscribers hot() throws StoreException {
    return new Subscribers(1 << 24, Deliveries.Limits.DEFAULT);
  }

  /// No message stays in memory once it is durable and another was published.
  static Subscribers cold() throws StoreException {
    return new Subscribers(0, Deliveries.Limits.DEFAULT);
  }

  static Subscribers bounded(int outstanding, int deadLetters) throws StoreException {
    return new Subscribers(
        1 << 24, new Deliveries.Limits(outstanding, 100_000, deadLetters, 60_000));
  }

  /// At most so many messages are parked.
  static Subscribers parking(int parked) throws StoreException {
    return new Subscribers(1 << 24, new Deliveries.Limits(100_000, parked, 100_000, 60_000));
  }

  /// The process ends and another begins; the wall clock jumps meanwhile.
  void restart(Duration jump) throws StoreException {
    long wall = time.wallMs();
    time = new ManualTime();
    time.jumpWall(Duration.ofMillis(wall - ManualTime.BEGINNING_MS).plus(jump));
    store = new FaultyStore(new MemoryStore(memory), 1);
    node = CrankedNode.on(store, 2, limits, time);
  }

  void restart() throws StoreException {
    restart(Duration.ZERO);
  }

  <R> R done(Command<R> command) {
    var reply = node.submit(command);
    node.settle();
    return reply.done();
  }

  void pass(long seconds) {
    time.advance(Duration.ofSeconds(seconds));
    tend();
  }

  void tend() {
    for (int i = 0; i < 3; i++) {
      node.node().tend(time, node.executor(0));
      node.settle();
    }
  }

  Subscription subscribe(String id) {
    return subscribe(id, POLICY);
  }

  Subscription subscribe(String id, DeliveryPolicy policy) {
    return done(subscribing(id, Optional.empty(), policy, new From.Now()));
  }

  Subscription subscribe(String id, String filter, From from) {
    return done(subscribing(id, Optional.of(filter), POLICY, from));
  }

  CreateSubscription subscribing(
      String id, Optional<String> filter, DeliveryPolicy policy, From from) {
    int incarnation = node.node().directory().topic(TOPIC).orElseThrow().incarnation();
    return new CreateSubscription(
        id, TOPIC, incarnation, CrankedNode.OWNER, filter.map(Payload::of), policy, from);
  }

  void publish(String... payloads) {
    done(node.publishing(TOPIC, payloads));
    done(node.publishing(NOISE, "0"));
  }

  /// Numbers as payloads, so that the message with sequence n of a fresh topic says n.
  void publish(int from, int to) {
    for (int i = from; i <= to; i++) {
      publish(String.valueOf(i));
    }
  }

  void publishFor(long ttlMs, String payload) {
    int incarnation = node.node().directory().topic(TOPIC).orElseThrow().incarnation();
    done(
        new Publish(
            TOPIC,
            new Publish.Authority.Existing(incarnation),
            List.of(new NewMessage(Payload.of(payload), Payload.EMPTY, ttlMs))));
    done(node.publishing(NOISE, "0"));
  }

  /// Publishes one message with an ordering key; empty for none.
  void publishOf(String key, String payload) {
    publish(List.of(keyed(key, payload)));
  }

  /// Publishes messages of one key, numbered from 1.
  void publishAll(String key, int count) {
    publish(IntStream.rangeClosed(1, count).mapToObj(i -> keyed(key, "" + i)).toList());
  }

  private static NewMessage keyed(String key, String payload) {
    return new NewMessage(
        Payload.of(payload), Payload.EMPTY, Message.NEVER, Ordering.ofKey(key), NewMessage.NOW);
  }

  void publish(List<NewMessage> messages) {
    int incarnation = node.node().directory().topic(TOPIC).orElseThrow().incarnation();
    done(new Publish(TOPIC, new Publish.Authority.Existing(incarnation), messages));
    published += messages.size();
    done(node.publishing(NOISE, "0"));
  }

  /// How many were published as messages of their own.
  int published() {
    return published;
  }

  LeaseMessages.Leased take(Subscription subscription, int max) {
    return done(new LeaseMessages(subscription, max, OptionalLong.empty(), Optional.empty()));
  }

  /// Leases and tells the payloads.
  List<String> lease(Subscription subscription, int max) {
    return payloads(take(subscription, max).messages());
  }

  static List<String> payloads(List<Delivered> delivered) {
    return delivered.stream().map(it -> it.message().payload().text()).toList();
  }

  /// Leases and tells the payloads with their attempts, as `payload/attempts`.
  List<String> leaseCounting(Subscription subscription, int max) {
    return take(subscription, max).messages().stream()
        .map(it -> it.message().payload().text() + "/" + it.attempts())
        .toList();
  }

  /// Leases until nothing comes any more: what has to be loaded comes by itself. Tells it as
  /// [#leaseCounting] does.
  List<String> leaseAll(Subscription subscription) {
    List<String> all = new ArrayList<>();
    List<String> some;
    do {
      some = leaseCounting(subscription, 9);
      all.addAll(some);
    } while (!some.isEmpty());
    return all;
  }

  static Meant any(long... sequences) {
    return new Meant(Arrays.stream(sequences).boxed().toList(), OptionalLong.empty());
  }

  static Meant under(long lease, long... sequences) {
    return new Meant(Arrays.stream(sequences).boxed().toList(), OptionalLong.of(lease));
  }

  long ack(Subscription subscription, Meant meant) {
    return done(new AckMessages(subscription, meant));
  }

  void nack(Subscription subscription, Meant meant) {
    assertThat(done(new NackMessages(subscription, meant, OptionalLong.empty()))).isEmpty();
  }

  void nack(Subscription subscription, Meant meant, long delayMs) {
    assertThat(done(new NackMessages(subscription, meant, OptionalLong.of(delayMs)))).isEmpty();
  }

  void release(Subscription subscription, Meant meant) {
    done(new ReleaseMessages(subscription, meant));
  }

  void extend(Subscription subscription, Meant meant, long forMs) {
    done(new ExtendLeases(subscription, meant, forMs));
  }

  Counts counts(Subscription subscription) {
    return done(new CountMessages(subscription));
  }

  List<String> dead(Subscription subscription) {
    return dead(subscription, 0, 1000);
  }

  List<String> dead(Subscription subscription, long offset, int limit) {
    return done(new ListDeadLetters(subscription, new ListDeadLetters.Which.Page(offset, limit)))
        .stream()
        .map(it -> it.message().payload().text() + "/" + it.attempts())
        .toList();
  }

  void reprocess(Subscription subscription, Long... sequences) {
    done(new ReprocessDeadLetters(subscription, List.of(sequences)));
  }

  void purge(Subscription subscription, Long... sequences) {
    done(new PurgeDeadLetters(subscription, Optional.of(List.of(sequences))));
  }

  long trim(long first, long backlog) {
    return done(new TrimLog(node.node().directory().topic(TOPIC).orElseThrow(), first, backlog));
  }
}
