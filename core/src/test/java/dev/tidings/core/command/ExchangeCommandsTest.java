// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.exchange.Target;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.MemoryStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ExchangeCommandsTest {
  private static final DeliveryPolicy POLICY =
      new DeliveryPolicy(3, 1000, 1000, OptionalLong.empty());

  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private CrankedNode node;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(new MemoryStore(memory), 2);
  }

  private <R> R done(Command<R> command) {
    Reply<R> reply = node.submit(command);
    node.settle();
    return reply.done();
  }

  private Refusal.Code refused(Command<?> command) {
    Reply<?> reply = node.submit(command);
    node.settle();
    return reply.refusal().code();
  }

  private static CreateExchange exchange(String name) {
    return new CreateExchange(name, Exchange.Type.TOPIC, "ada");
  }

  private static CreateQueue queue(String name, boolean durable) {
    return new CreateQueue(name, durable, Queue.Mode.WORK, Queue.Bounds.NONE, POLICY, "ada");
  }

  private static CreateQueue queue(String name) {
    return queue(name, true);
  }

  private List<Target> routes(Exchange exchange, String key) {
    return List.copyOf(node.node().directory().routes().route(exchange, key));
  }

  private void limit(int exchanges, int queues, int bindings) throws Exception {
    Node.Limits many = CrankedNode.LIMITS;
    node =
        CrankedNode.on(
            new MemoryStore(memory),
            2,
            new Node.Limits(
                many.hotTierBytes(),
                many.pageCacheBytes(),
                many.pendingCommands(),
                many.pendingBytes(),
                many.batch(),
                many.topics(),
                many.grantsPerTopic(),
                many.receipts(),
                many.subscriptions(),
                many.streams(),
                new ExchangeLimits(exchanges, queues, bindings, many.exchanges().transientBytes()),
                ScheduleLimits.DEFAULT),
            new ManualTime());
  }

  // ---- exchanges ----

  @Test
  void createExchange_storesWhatWasAsked() throws Exception {
    Exchange created = done(exchange("e"));
    assertThat(created)
        .isEqualTo(
            new Exchange(
                "e", created.number(), Exchange.Type.TOPIC, "ada", ManualTime.BEGINNING_MS));
    assertThat(node.node().directory().exchange("e")).contains(created);
    assertThat(new MemoryStore(memory).loadDirectory().all(Exchange.class))
        .containsExactly(created);
  }

  @Test
  void createExchange_ofATakenName_isRefused() {
    var first = node.submit(exchange("e"));
    var atOnce = node.submit(exchange("e"));
    node.settle();
    assertThat(first.done().name()).isEqualTo("e");
    assertThat(atOnce.refusal().code()).isEqualTo(Refusal.Code.EXCHANGE_EXISTS);
    assertThat(refused(new CreateExchange("e", Exchange.Type.DIRECT, "bob")))
        .isEqualTo(Refusal.Code.EXCHANGE_EXISTS);
  }

  @Test
  void anExchange_aQueueAndATopic_mayHaveOneName() {
    done(exchange("x"));
    done(queue("x"));
    node.createTopic("x");
    assertThat(node.node().directory().topicCount()).isEqualTo(1);
  }

  @Test
  void deleteExchange_endsItsRoutes_andOnlyOnce() throws Exception {
    Exchange before = done(exchange("e"));
    Queue queue = done(queue("q"));
    done(new Bind(queue, before, "a"));
    assertThat(done(new DeleteExchange(before))).isEqualTo(before);
    assertThat(routes(before, "a")).isEmpty();
    assertThat(refused(new DeleteExchange(before))).isEqualTo(Refusal.Code.EXCHANGE_MISSING);
    // The next of the name has none of the former one's bindings and is not deleted for it.
    Exchange after = done(exchange("e"));
    assertThat(after.number()).isNotEqualTo(before.number());
    assertThat(routes(after, "a")).isEmpty();
    assertThat(refused(new DeleteExchange(before))).isEqualTo(Refusal.Code.EXCHANGE_MISSING);
    assertThat(node.node().directory().exchange("e")).contains(after);
    // Nor after a restart, while the old binding is still in the store.
    makeNode();
    assertThat(routes(after, "a")).isEmpty();
    assertThat(node.node().directory().bindings()).hasSize(1);
  }

  // ---- queues ----

  @Test
  void createQueue_storesItWithItsTopicAndItsSubscription() throws Exception {
    Queue.Bounds bounds =
        new Queue.Bounds(OptionalLong.of(5), OptionalLong.of(1000), Queue.Overflow.REJECT);
    Queue created = done(new CreateQueue("q", true, Queue.Mode.BROADCAST, bounds, POLICY, "ada"));
    assertThat(created)
        .isEqualTo(
            new Queue(
                "q",
                created.incarnation(),
                true,
                Queue.Mode.BROADCAST,
                bounds,
                "ada",
                ManualTime.BEGINNING_MS));
    var directory = node.node().directory();
    Topic topic = directory.topic("$queue/q").orElseThrow();
    assertThat(topic.incarnation()).isEqualTo(created.incarnation());
    assertThat(topic.slot()).isEqualTo(created.slot());
    assertThat(directory.subscription("q").orElseThrow().policy()).isEqualTo(POLICY);
    assertThat(directory.topicCount()).isZero();
    makeNode();
    assertThat(node.node().directory().queue("q")).contains(created);
    assertThat(node.node().directory().subscription("q")).isPresent();
  }

  @Test
  void createQueue_ofATakenName_isRefused() {
    var first = node.submit(queue("q"));
    var atOnce = node.submit(queue("q", false));
    node.settle();
    assertThat(first.done().durable()).isTrue();
    assertThat(atOnce.refusal().code()).isEqualTo(Refusal.Code.QUEUE_EXISTS);
    assertThat(refused(queue("q"))).isEqualTo(Refusal.Code.QUEUE_EXISTS);
  }

  @Test
  void queuesAndSubscriptions_shareTheirNames() {
    Topic topic = node.createTopic("t");
    done(subscription(topic, "s"));
    assertThat(refused(queue("s"))).isEqualTo(Refusal.Code.QUEUE_EXISTS);
    done(queue("q"));
    assertThat(refused(subscription(topic, "q"))).isEqualTo(Refusal.Code.SUBSCRIPTION_EXISTS);
  }

  private static CreateSubscription subscription(Topic topic, String id) {
    return new CreateSubscription(
        id,
        topic.name(),
        topic.incarnation(),
        "ada",
        Optional.empty(),
        POLICY,
        new CreateSubscription.From.Now());
  }

  @Test
  void deleteQueue_takesEverythingOfItAlong() throws Exception {
    Exchange exchange = done(exchange("e"));
    Queue before = done(queue("q"));
    Queue other = done(queue("other"));
    done(new Bind(before, exchange, "a"));
    done(new Bind(before, exchange, "#"));
    done(new Bind(other, exchange, "a"));
    assertThat(done(new DeleteQueue(before))).isEqualTo(before);
    var directory = node.node().directory();
    assertThat(directory.queue("q")).isEmpty();
    assertThat(directory.topic("$queue/q")).isEmpty();
    assertThat(directory.subscription("q")).isEmpty();
    assertThat(directory.bindings()).hasSize(1);
    assertThat(routes(exchange, "a")).containsExactly(new Target("other", other.incarnation()));
    assertThat(refused(new DeleteQueue(before))).isEqualTo(Refusal.Code.QUEUE_MISSING);
    // The name is free, for a queue that has nothing of the former one and is not taken for it.
    Queue after = done(queue("q", false));
    assertThat(refused(new DeleteQueue(before))).isEqualTo(Refusal.Code.QUEUE_MISSING);
    assertThat(refused(new Bind(before, exchange, "b"))).isEqualTo(Refusal.Code.QUEUE_MISSING);
    assertThat(directory.bindingsOf(after)).isEmpty();
    makeNode();
    assertThat(node.node().directory().bindings()).hasSize(1);
    assertThat(node.node().directory().queue("q")).contains(after);
  }

  @Test
  void deleteQueue_takesBindingsAlong_thatAreNotCommittedYet() {
    Exchange exchange = done(exchange("e"));
    Queue queue = done(queue("q"));
    var bound = node.submit(new Bind(queue, exchange, "a"));
    var deleted = node.submit(new DeleteQueue(queue));
    var late = node.submit(new Bind(queue, exchange, "b"));
    node.settle();
    assertThat(bound.done().routingKey()).isEqualTo("a");
    assertThat(deleted.done()).isEqualTo(queue);
    assertThat(late.refusal().code()).isEqualTo(Refusal.Code.QUEUE_MISSING);
    assertThat(node.node().directory().bindings()).isEmpty();
    assertThat(routes(exchange, "a")).isEmpty();
  }

  // ---- bindings ----

  @Test
  void bind_routes_alsoAfterARestart() throws Exception {
    Exchange exchange = done(exchange("e"));
    Queue queue = done(queue("q"));
    Binding binding = done(new Bind(queue, exchange, "a.*"));
    assertThat(binding).isEqualTo(Binding.of(exchange, queue, "a.*", ManualTime.BEGINNING_MS));
    Target target = new Target("q", queue.incarnation());
    assertThat(routes(exchange, "a.b")).containsExactly(target);
    assertThat(routes(exchange, "a")).isEmpty();
    makeNode();
    assertThat(routes(exchange, "a.b")).containsExactly(target);
  }

  @Test
  void bind_again_changesNothing() {
    Exchange exchange = done(exchange("e"));
    Queue queue = done(queue("q"));
    var first = node.submit(new Bind(queue, exchange, ""));
    var atOnce = node.submit(new Bind(queue, exchange, ""));
    node.settle();
    node.time().advance(Duration.ofSeconds(1));
    assertThat(atOnce.done()).isEqualTo(first.done());
    assertThat(done(new Bind(queue, exchange, ""))).isEqualTo(first.done());
    assertThat(node.node().directory().bindings()).hasSize(1);
    done(new Unbind(queue, exchange, ""));
    assertThat(routes(exchange, "")).isEmpty();
  }

  @Test
  void bind_toAnExchangeThatIsGone_isRefused() {
    Exchange before = done(exchange("e"));
    Queue queue = done(queue("q"));
    done(new DeleteExchange(before));
    assertThat(refused(new Bind(queue, before, "a"))).isEqualTo(Refusal.Code.EXCHANGE_MISSING);
    done(exchange("e"));
    assertThat(refused(new Bind(queue, before, "a"))).isEqualTo(Refusal.Code.EXCHANGE_MISSING);
    assertThat(node.node().directory().bindings()).isEmpty();
  }

  @Test
  void unbind_endsOneBindingAlone() throws Exception {
    Exchange exchange = done(exchange("e"));
    Queue queue = done(queue("q"));
    done(new Bind(queue, exchange, "a"));
    done(new Bind(queue, exchange, "#"));
    assertThat(done(new Unbind(queue, exchange, "a")).routingKey()).isEqualTo("a");
    assertThat(routes(exchange, "a")).hasSize(1);
    assertThat(refused(new Unbind(queue, exchange, "a"))).isEqualTo(Refusal.Code.BINDING_MISSING);
    done(new Unbind(queue, exchange, "#"));
    assertThat(routes(exchange, "a")).isEmpty();
    makeNode();
    assertThat(node.node().directory().bindings()).isEmpty();
  }

  // ---- bounds ----

  @Test
  void exchangesQueuesAndBindings_areBounded() throws Exception {
    limit(2, 2, 2);
    Exchange exchange = done(exchange("e1"));
    done(exchange("e2"));
    assertThat(refused(exchange("e3"))).isEqualTo(Refusal.Code.LIMIT_REACHED);
    Queue queue = done(queue("q1"));
    Queue second = done(queue("q2"));
    assertThat(refused(queue("q3", false))).isEqualTo(Refusal.Code.LIMIT_REACHED);
    done(new Bind(queue, exchange, "a"));
    done(new Bind(queue, exchange, "b"));
    assertThat(refused(new Bind(second, exchange, "a"))).isEqualTo(Refusal.Code.LIMIT_REACHED);
    // What is there already takes no room.
    done(new Bind(queue, exchange, "a"));
    assertThat(refused(exchange("e1"))).isEqualTo(Refusal.Code.EXCHANGE_EXISTS);
    // What goes makes room.
    done(new Unbind(queue, exchange, "a"));
    done(new Bind(second, exchange, "a"));
    done(new DeleteQueue(queue));
    done(queue("q3"));
    done(new DeleteExchange(exchange));
    done(exchange("e3"));
  }

  // ---- messages ----

  @Test
  void enqueue_passesOverQueuesThatAreGone() {
    Queue before = done(queue("q"));
    Target target = new Target("q", before.incarnation());
    Enqueue enqueue = new Enqueue(List.of(target), true, Payload.of("1"), Ordering.NONE, true);
    assertThat(done(enqueue).copies()).isEqualTo(1);
    done(new DeleteQueue(before));
    assertThat(done(enqueue).copies()).isZero();
    done(queue("q"));
    assertThat(done(enqueue).copies()).isZero();
  }

  @Test
  void enqueue_beyondTheLength_dropsOrRefuses() {
    Queue.Bounds dropping =
        new Queue.Bounds(OptionalLong.of(2), OptionalLong.empty(), Queue.Overflow.DROP_OLDEST);
    Queue.Bounds refusing =
        new Queue.Bounds(OptionalLong.of(2), OptionalLong.empty(), Queue.Overflow.REJECT);
    for (boolean durable : new boolean[] {true, false}) {
      Queue.Mode mode = durable ? Queue.Mode.WORK : Queue.Mode.BROADCAST;
      String suffix = "-" + durable;
      Queue drop = done(new CreateQueue("drop" + suffix, durable, mode, dropping, POLICY, "ada"));
      Queue full = done(new CreateQueue("full" + suffix, durable, mode, refusing, POLICY, "ada"));
      for (int i = 0; i < 4; i++) {
        Enqueue.Enqueued dropped =
            done(
                new Enqueue(
                    List.of(new Target(drop.name(), drop.incarnation())),
                    durable,
                    Payload.of("1"),
                    Ordering.NONE,
                    true));
        Enqueue.Enqueued refused =
            done(
                new Enqueue(
                    List.of(new Target(full.name(), full.incarnation())),
                    durable,
                    Payload.of("1"),
                    Ordering.NONE,
                    true));
        assertThat(dropped).isEqualTo(new Enqueue.Enqueued(1, i < 2 ? 0 : 1, List.of()));
        assertThat(refused)
            .isEqualTo(
                i < 2
                    ? new Enqueue.Enqueued(1, 0, List.of())
                    : new Enqueue.Enqueued(0, 0, List.of(full.name())));
      }
      assertThat(done(new PurgeQueue(drop))).isEqualTo(2);
      assertThat(done(new PurgeQueue(full))).isEqualTo(2);
      assertThat(done(new PurgeQueue(full))).isZero();
    }
  }
}
