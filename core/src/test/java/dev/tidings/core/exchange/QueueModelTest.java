// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.Bind;
import dev.tidings.core.command.DeleteQueue;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.PurgeDeadLetters;
import dev.tidings.core.command.PurgeQueue;
import dev.tidings.core.command.ReprocessDeadLetters;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Queue.Bounds;
import dev.tidings.core.directory.Queue.Mode;
import dev.tidings.core.directory.Queue.Overflow;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/// Random programs over exchanges and queues of both kinds, with failing commits, restarts and time
/// by hand, against a model that knows the rules alone.
class QueueModelTest {
  private static final int STEPS = 120;
  private static final int NAMES = 4;
  private static final long LEASE_MS = 60_000;

  @Property(tries = 20, seed = "6", shrinking = ShrinkingMode.OFF)
  void queuesHoldWhatTheyAreToHold_inOrder_andNothingElse(@ForAll long seed) throws Exception {
    Program program = new Program(seed);
    try {
      program.run();
    } catch (AssertionError | RuntimeException e) {
      List<String> trace = program.trace;
      throw new AssertionError(
          "program "
              + seed
              + "\n"
              + String.join("\n", trace.subList(Math.max(0, trace.size() - 30), trace.size())),
          e);
    }
  }

  private enum State {
    FRESH,
    LEASED,
    WAITING,
    DEAD
  }

  /// A message of one queue that is not settled.
  private static final class Copy {
    final long sequence;
    final String payload;
    State state = State.FRESH;
    boolean wasDead;
    int attempts;
    long leaseEndMs;

    Copy(long sequence, String payload) {
      this.sequence = sequence;
      this.payload = payload;
    }

    @Override
    public String toString() {
      return payload + ":" + state + "/" + attempts;
    }
  }

  /// A queue by its rules.
  private static final class Model {
    final Queue queue;
    // By sequence.
    final TreeMap<Long, Copy> copies = new TreeMap<>();
    long acked;
    long lost;

    Model(Queue queue) {
      this.queue = queue;
    }

    List<Copy> in(State state) {
      return copies.values().stream().filter(it -> it.state == state).toList();
    }

    /// What counts against its bound, oldest first.
    List<Copy> counted() {
      return copies.values().stream().filter(it -> it.state != State.DEAD && !it.wasDead).toList();
    }

    boolean isFull() {
      OptionalLong max = queue.bounds().maxLength();
      return max.isPresent() && counted().size() >= max.getAsLong();
    }

    boolean rejects() {
      return queue.bounds().overflow() == Overflow.REJECT && isFull();
    }

    /// @return how many made room
    int add(Copy copy) {
      int dropped = 0;
      while (isFull()) {
        copies.remove(counted().getFirst().sequence);
        lost++;
        dropped++;
      }
      copies.put(copy.sequence, copy);
      return dropped;
    }

    static void fail(Copy copy) {
      if (copy.attempts >= Queues.POLICY.maxAttempts()) {
        copy.state = State.DEAD;
        copy.wasDead = true;
      } else {
        copy.state = State.WAITING;
      }
    }

    void expire(long nowMs) {
      for (Copy copy : in(State.LEASED)) {
        if (copy.leaseEndMs <= nowMs) {
          fail(copy);
        }
      }
    }
  }

  private static final class Program {
    final List<String> trace = new ArrayList<>();
    private final Random random;
    private final Queues on;
    private final Exchange all;
    private final Exchange direct;
    private final TreeMap<String, Model> models = new TreeMap<>();
    private final Set<String> ids = new HashSet<>();
    private int published;

    Program(long seed) throws StoreException {
      random = new Random(seed);
      on = Queues.create();
      all = on.exchange("all", Exchange.Type.FANOUT);
      direct = on.exchange("direct", Exchange.Type.DIRECT);
    }

    void run() throws StoreException {
      for (int i = 0; i < STEPS; i++) {
        step();
        for (int k = 0; k < 3; k++) {
          on.node.node().tend(on.time, on.node.executor(0));
          on.node.settle();
        }
        models.values().forEach(model -> model.expire(on.time.wallMs()));
        check();
      }
      drain();
    }

    private void step() throws StoreException {
      if (models.isEmpty()) {
        create("q" + random.nextInt(NAMES));
        return;
      }
      Model model = models.values().stream().skip(random.nextInt(models.size())).findFirst().get();
      switch (random.nextInt(40)) {
        case 0, 1, 2 -> {
          String name = "q" + random.nextInt(NAMES);
          if (models.containsKey(name)) {
            refusedAsTaken(name);
          } else {
            create(name);
          }
        }
        case 3 -> delete(model);
        case 4, 5 -> purge(model);
        case 6 -> restart();
        case 7, 8 -> on.pass(random.nextInt(50_000));
        case 9, 10 -> reprocess(model);
        case 11 -> purgeDead(model);
        case 12, 13, 14, 15, 16, 17, 18 -> ack(model);
        case 19, 20, 21, 22 -> nack(model);
        case 23, 24, 25, 26, 27, 28, 29 -> lease(model);
        default -> publish();
      }
    }

    /// Perhaps lets commits fail, before, after or instead of their effect, until it is healed.
    private boolean strike() {
      if (random.nextInt(5) != 0) {
        return false;
      }
      int moment = random.nextInt(3);
      trace.add("commits fail: " + moment);
      on.store.rate(
          Method.COMMIT, new Rates(moment == 0 ? 1 : 0, moment == 1 ? 1 : 0, moment == 2 ? 1 : 0));
      on.store.faultsOn();
      return true;
    }

    private <R> Optional<R> ask(String what, Command<R> command) {
      boolean _ = strike();
      Reply<R> reply = on.ask(command);
      on.node.settle();
      on.heal();
      return answer(what, reply);
    }

    private <R> Optional<R> answer(String what, Reply<R> reply) {
      trace.add(what + ": " + reply.outcome());
      return switch (reply.outcome().orElseThrow()) {
        case Outcome.Done<R>(R result) -> Optional.of(result);
        case Outcome.Refused<R>(Refusal refusal) -> {
          assertThat(refusal.code()).as(what).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
          yield Optional.empty();
        }
      };
    }

    private void create(String name) {
      OptionalLong max =
          random.nextInt(3) == 0 ? OptionalLong.empty() : OptionalLong.of(1 + random.nextInt(6));
      Bounds bounds =
          new Bounds(
              max,
              OptionalLong.empty(),
              random.nextBoolean() ? Overflow.REJECT : Overflow.DROP_OLDEST);
      Mode mode = random.nextBoolean() ? Mode.WORK : Mode.BROADCAST;
      Optional<Queue> created =
          ask("create " + name, Queues.creating(name, random.nextBoolean(), mode, bounds));
      if (created.isPresent()) {
        assertThat(ids.add("number " + created.get().incarnation())).isTrue();
        models.put(name, new Model(created.get()));
        on.bind(created.get(), direct, name);
        on.bind(created.get(), all, "");
        assertThat(on.done(new Bind(created.get(), all, "")).queue()).isEqualTo(name);
      } else {
        assertThat(on.node.node().directory().queue(name)).isEmpty();
      }
    }

    private void refusedAsTaken(String name) {
      assertThat(on.settled(Queues.creating(name, true, Mode.WORK, Bounds.NONE)).refusal().code())
          .isEqualTo(Refusal.Code.QUEUE_EXISTS);
    }

    private void delete(Model model) {
      if (ask("delete " + model.queue.name(), new DeleteQueue(model.queue)).isPresent()) {
        models.remove(model.queue.name());
      }
    }

    private void purge(Model model) {
      Optional<Long> purged = ask("purge " + model.queue.name(), new PurgeQueue(model.queue));
      if (purged.isPresent()) {
        List<Copy> live =
            model.copies.values().stream().filter(it -> it.state != State.DEAD).toList();
        assertThat(purged.get()).isEqualTo(live.size());
        live.forEach(it -> model.copies.remove(it.sequence));
      }
    }

    private void restart() throws StoreException {
      trace.add("restart");
      on.restart();
      for (Model model : models.values()) {
        if (!model.queue.durable()) {
          model.copies.clear();
          model.acked = 0;
          model.lost = 0;
        }
      }
    }

    private void publish() throws StoreException {
      Exchange exchange = random.nextInt(3) == 0 ? direct : all;
      String key = "q" + random.nextInt(NAMES);
      boolean struck = strike();
      int burst = struck ? 1 : 1 + random.nextInt(4);
      List<String> payloads = new ArrayList<>();
      List<Reply<ExchangePublisher.Routed>> replies = new ArrayList<>();
      for (int i = 0; i < burst; i++) {
        payloads.add("" + ++published);
        replies.add(on.publish(exchange, key, payloads.getLast()));
      }
      on.node.settle();
      on.heal();
      List<Model> bound =
          models.values().stream()
              .filter(it -> exchange.equals(all) || it.queue.name().equals(key))
              .toList();
      for (int i = 0; i < burst; i++) {
        String payload = payloads.get(i);
        Optional<ExchangePublisher.Routed> routed =
            answer("publish " + payload + " to " + exchange.name() + " " + key, replies.get(i));
        List<String> full = new ArrayList<>();
        int copies = 0;
        long dropped = 0;
        for (Model model : bound) {
          boolean isFull = model.rejects();
          if (isFull) {
            full.add(model.queue.name());
            assertThat(find(model, payload)).isEmpty();
          } else if (routed.isPresent() || find(model, payload).isPresent()) {
            copies++;
            dropped += model.add(new Copy(sequence(model, payload), payload));
          } else {
            assertThat(model.queue.durable()).as("memory does not fail").isTrue();
          }
        }
        if (routed.isPresent()) {
          assertThat(routed.get()).isEqualTo(new ExchangePublisher.Routed(copies, dropped, full));
        }
      }
    }

    /// The sequence of a copy in its log; of one that was dropped in between, the next to it.
    private long sequence(Model model, String payload) throws StoreException {
      Optional<Long> found = find(model, payload);
      if (found.isPresent()) {
        return found.get();
      }
      long above = model.copies.isEmpty() ? 0 : model.copies.lastKey();
      // It was dropped by those after it.
      return Math.max(above, 0) + 1;
    }

    private Optional<Long> find(Model model, String payload) throws StoreException {
      return on
          .node
          .node()
          .store()
          .read(model.queue.incarnation(), 0, 10_000, Long.MAX_VALUE)
          .messages()
          .stream()
          .filter(it -> it.payload().text().equals(payload))
          .map(it -> it.sequence())
          .findFirst();
    }

    private void lease(Model model) {
      int max = 1 + random.nextInt(5);
      List<Delivered> taken = on.take(model.queue, max);
      trace.add("lease " + model.queue.name() + ": " + Queues.payloads(taken));
      leased(model, max, taken);
    }

    private void leased(Model model, int max, List<Delivered> taken) {
      List<Copy> fresh = model.in(State.FRESH);
      int waiting = model.in(State.WAITING).size();
      // What has to be loaded need not come with what is in memory.
      assertThat(taken.size()).isLessThanOrEqualTo(Math.min(max, fresh.size() + waiting));
      assertThat(taken.isEmpty()).isEqualTo(fresh.isEmpty() && waiting == 0);
      List<Copy> takenFresh = new ArrayList<>();
      for (Delivered delivered : taken) {
        Copy copy = model.copies.get(delivered.message().sequence());
        assertThat(copy).as(() -> delivered + " of " + model.copies.values()).isNotNull();
        assertThat(delivered.message().payload().text()).isEqualTo(copy.payload);
        assertThat(copy.state).isIn(State.FRESH, State.WAITING);
        assertThat(delivered.attempts()).isEqualTo(copy.attempts + 1);
        if (copy.state == State.FRESH) {
          takenFresh.add(copy);
        } else {
          assertThat(takenFresh).as("what waits comes first").isEmpty();
        }
        copy.attempts++;
        copy.state = State.LEASED;
        copy.leaseEndMs = on.time.wallMs() + LEASE_MS;
      }
      assertThat(takenFresh).isEqualTo(fresh.subList(0, takenFresh.size()));
    }

    private List<Copy> some(List<Copy> copies) {
      return copies.stream().filter(_ -> random.nextInt(3) != 0).toList();
    }

    private static Meant meant(List<Copy> copies) {
      return new Meant(copies.stream().map(it -> it.sequence).toList(), OptionalLong.empty());
    }

    private Subscription subscription(Model model) {
      return on.subscription(model.queue);
    }

    private void ack(Model model) {
      List<Copy> some = some(model.in(State.LEASED));
      Optional<Long> acked =
          ask(
              "ack " + some + " of " + model.queue.name(),
              new AckMessages(subscription(model), meant(some)));
      if (acked.isPresent()) {
        assertThat(acked.get()).isEqualTo(some.size());
        model.acked += some.size();
        some.forEach(it -> model.copies.remove(it.sequence));
      }
    }

    private void nack(Model model) {
      List<Copy> some = some(model.in(State.LEASED));
      Optional<List<Long>> rest =
          ask(
              "nack " + some + " of " + model.queue.name(),
              new NackMessages(subscription(model), meant(some), OptionalLong.of(0)));
      if (rest.isPresent()) {
        assertThat(rest.get()).isEmpty();
        some.forEach(Model::fail);
      }
    }

    private void reprocess(Model model) {
      List<Copy> some = some(model.in(State.DEAD));
      boolean done =
          ask(
                  "reprocess " + some + " of " + model.queue.name(),
                  new ReprocessDeadLetters(subscription(model), meant(some).sequences()))
              .isPresent();
      if (done) {
        for (Copy copy : some) {
          copy.attempts = 0;
          copy.state = State.WAITING;
        }
      }
    }

    private void purgeDead(Model model) {
      boolean done =
          ask(
                  "purge the dead letters of " + model.queue.name(),
                  new PurgeDeadLetters(subscription(model), Optional.empty()))
              .isPresent();
      if (done) {
        model.in(State.DEAD).forEach(it -> model.copies.remove(it.sequence));
      }
    }

    private void check() {
      assertThat(on.node.node().directory().queues()).containsOnlyKeys(models.keySet());
      boolean anyTransient = false;
      for (Model model : models.values()) {
        Counts counts = on.counts(model.queue);
        String what = model.queue + " " + model.copies.values();
        assertThat(counts.available())
            .as(what)
            .isEqualTo(model.in(State.FRESH).size() + model.in(State.WAITING).size());
        assertThat(counts.delivered()).as(what).isEqualTo(model.in(State.LEASED).size());
        assertThat(counts.dead()).as(what).isEqualTo(model.in(State.DEAD).size());
        assertThat(counts.totals().acked()).as(what).isEqualTo(model.acked);
        assertThat(counts.totals().lost()).as(what).isEqualTo(model.lost);
        assertThat(counts.totals().expired()).as(what).isZero();
        anyTransient |= !model.queue.durable() && !model.copies.isEmpty();
      }
      assertThat(on.bytes() > 0).as("bytes " + on.bytes()).isEqualTo(anyTransient);
    }

    /// Everything that is not settled comes, and nothing else; then nothing is left.
    private void drain() {
      on.pass(LEASE_MS);
      models.values().forEach(model -> model.expire(on.time.wallMs()));
      for (Model model : models.values()) {
        trace.add("drain " + model.queue.name());
        assertThat(on.dead(model.queue))
            .isEqualTo(model.in(State.DEAD).stream().map(it -> it.payload).toList());
        List<Delivered> taken;
        do {
          taken = on.take(model.queue, 1000);
          leased(model, 1000, taken);
          assertThat(on.ack(model.queue, taken)).isEqualTo(taken.size());
          taken.forEach(it -> model.copies.remove(it.message().sequence()));
        } while (!taken.isEmpty());
        on.purgeDead(model.queue);
        Counts counts = on.counts(model.queue);
        assertThat(counts.available() + counts.delivered() + counts.dead()).isZero();
      }
      assertThat(on.bytes()).isZero();
    }
  }
}
