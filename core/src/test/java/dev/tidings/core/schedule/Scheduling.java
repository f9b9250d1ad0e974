// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CancelScheduled;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedExecutor;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.subscription.Subscriptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/// A node on a memory to which messages are published for later in few words.
final class Scheduling {
  // Far more than any test needs: one that never comes to rest fails rather than hangs.
  private static final int MAX_STEPS = 20_000;

  final MemoryStore content;
  final WatchedStore watched;
  private final Node.Limits limits;
  private final int loops;
  private final long seed;
  FaultyStore store;
  CrankedNode node;
  ManualTime time = new ManualTime();

  Scheduling(int loops, ScheduleLimits schedule, long seed) throws StoreException {
    this.loops = loops;
    this.seed = seed;
    limits =
        new Node.Limits(
            1 << 24,
            1 << 20,
            10_000,
            1 << 28,
            new CommitLane.Limits(1000, 1 << 24),
            100,
            100,
            Receipts.Limits.DEFAULT,
            Subscriptions.Limits.DEFAULT,
            StreamLimits.DEFAULT,
            ExchangeLimits.DEFAULT,
            schedule);
    MemoryStore.Memory memory = new MemoryStore.Memory();
    content = new MemoryStore(memory);
    watched = new WatchedStore(new MemoryStore(memory));
    store = new FaultyStore(watched, seed);
    node = CrankedNode.on(store, loops, limits, time);
  }

  static Scheduling create() throws StoreException {
    Scheduling made = new Scheduling(1, ScheduleLimits.DEFAULT, 1);
    made.settle();
    return made;
  }

  static Scheduling withMemory(long bytes) throws StoreException {
    Scheduling made = new Scheduling(1, new ScheduleLimits(1_000_000, bytes), 1);
    made.settle();
    return made;
  }

  static Scheduling withLimit(long messages) throws StoreException {
    Scheduling made = new Scheduling(1, new ScheduleLimits(messages, 1 << 20), 1);
    made.settle();
    return made;
  }

  /// The process ends, and another begins so much later; cranks nothing.
  void restartAfter(long ms) throws StoreException {
    long wall = time.wallMs();
    time = new ManualTime();
    time.jumpWall(Duration.ofMillis(wall - ManualTime.BEGINNING_MS + ms));
    store = new FaultyStore(watched, seed + wall);
    node = CrankedNode.on(store, loops, limits, time);
  }

  // ---- cranking ----

  /// Runs everything until nothing is left to do without more time passing.
  void settle() {
    boolean more = true;
    for (int i = 0; more; i++) {
      assertThat(i).as("steps without coming to rest").isLessThan(MAX_STEPS);
      more = node.blocking().runOne();
      more |= crankOnce();
    }
  }

  /// The same without reads of the store, which are left waiting.
  void settleButReads() {
    boolean more = true;
    for (int i = 0; more; i++) {
      assertThat(i).as("steps without coming to rest").isLessThan(MAX_STEPS);
      more = crankOnce();
    }
  }

  private boolean crankOnce() {
    boolean more = runExecutors();
    more |= node.node().lane().step() == 0;
    return more || node.executors().stream().anyMatch(it -> it.pending() > 0);
  }

  /// Runs the event loops alone.
  boolean runExecutors() {
    boolean more = false;
    for (CrankedExecutor executor : node.executors()) {
      more |= executor.runOne();
    }
    return more;
  }

  /// Handles what was handed in; nothing of it is written.
  void handle() {
    boolean more = true;
    while (more) {
      more = runExecutors();
    }
  }

  /// Time passes at once, and everything settles.
  void pass(long ms) {
    time.advance(Duration.ofMillis(ms));
    settle();
  }

  /// Time passes a little at a time.
  void passInSteps(long ms, long step) {
    for (long passed = 0; passed < ms; passed += step) {
      pass(Math.min(step, ms - passed));
    }
  }

  void jump(long ms) {
    time.jumpWall(Duration.ofMillis(ms));
  }

  /// The store goes down, and whoever asks it notices.
  void fail(String topic) {
    store.down();
    var _ = submit(publishing(topic, later(0, "lost")));
    settle();
    pass(CommitLane.RESOLVE_PATIENCE.toMillis() + 1000);
  }

  /// The store is back.
  void up() throws StoreException {
    store.up();
    // The lane does so only after a commit that failed.
    store.faultsOff();
    store.reopen();
    store.faultsOn();
  }

  /// The store comes back, and the node takes notice.
  void heal() throws StoreException {
    up();
    store.faultsOff();
    settle();
    for (int i = 0;
        node.node().lane().phase() != CommitLane.Phase.RUNNING
            || !node.node().lane().status().accepting();
        i++) {
      assertThat(i)
          .as("%s", node.node().lane().phase() + " " + node.node().lane().status())
          .isLessThan(100);
      pass(500);
    }
  }

  // ---- asking ----

  <R> Reply<R> submit(Command<R> command) {
    return node.submit(command);
  }

  <R> R done(Command<R> command) {
    Reply<R> reply = submit(command);
    settle();
    return reply.done();
  }

  NewMessage later(long delayMs, String text) {
    return dueAt(time.wallMs() + delayMs, text);
  }

  static NewMessage dueAt(long dueAt, String text) {
    return new NewMessage(Payload.of(text), Payload.EMPTY, Message.NEVER, Ordering.NONE, dueAt);
  }

  /// A message of so many bytes that begins with `text`.
  NewMessage large(long delayMs, String text, int bytes) {
    return later(delayMs, text + "x".repeat(bytes - text.length()));
  }

  Publish publishing(String topic, NewMessage... messages) {
    return new Publish(topic, node.publishing(topic, "0").authority(), List.of(messages));
  }

  List<PublishedId> publish(String topic, NewMessage... messages) {
    return done(publishing(topic, messages)).ids();
  }

  /// Publishes messages for later, all to the same delay.
  List<ScheduledId> schedule(String topic, long delayMs, String... texts) {
    NewMessage[] messages =
        Arrays.stream(texts).map(text -> later(delayMs, text)).toArray(NewMessage[]::new);
    return publish(topic, messages).stream().map(ScheduledId.class::cast).toList();
  }

  ScheduledId scheduleOne(String topic, long delayMs, String text) {
    return schedule(topic, delayMs, text).getFirst();
  }

  Topic topic(String name) {
    return node.node().directory().topic(name).orElseThrow();
  }

  CancelScheduled cancelling(String topic, List<ScheduledId> ids) {
    return new CancelScheduled(topic, topic(topic).incarnation(), ids);
  }

  int cancel(String topic, ScheduledId... ids) {
    return done(cancelling(topic, List.of(ids)));
  }

  void delete(String topic) {
    var _ = done(new DeleteTopic(topic, topic(topic).incarnation()));
  }

  /// A topic of that many whose shard is `shard`, with a name that begins with `prefix`.
  String topicOf(int shard, String prefix) {
    String name = prefix;
    while (Slot.of(Slot.Kind.TOPIC, name) % loops != shard) {
      name += "x";
    }
    return name;
  }

  // ---- looking ----

  List<Message> messages(String topic) throws StoreException {
    return content
        .read(topic(topic).incarnation(), 1, Integer.MAX_VALUE, Long.MAX_VALUE)
        .messages();
  }

  List<String> log(String topic) throws StoreException {
    return messages(topic).stream().map(it -> it.payload().text().replace("x", "")).toList();
  }

  Schedule.Figures figures() {
    return node.node().scheduleFigures();
  }

  /// How many messages wait, by what the node says and by what the store holds.
  long waiting() throws StoreException {
    long counted = node.node().scheduledMessages();
    assertThat(counted).isEqualTo(content.countScheduled());
    return counted;
  }

  /// Nothing waits, nothing is in memory, and nobody is owed an answer.
  void checkEmpty() throws StoreException {
    assertThat(waiting()).isZero();
    assertThat(figures().held()).isZero();
    assertThat(figures().heldBytes()).isZero();
    assertThat(node.node().backlog().commands()).isZero();
    assertThat(node.node().backlog().bytes()).isZero();
  }
}
