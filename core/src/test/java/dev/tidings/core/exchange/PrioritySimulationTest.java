// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.CreateQueue;
import dev.tidings.core.command.Enqueue;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.PurgeDeadLetters;
import dev.tidings.core.command.PurgeQueue;
import dev.tidings.core.command.ReleaseMessages;
import dev.tidings.core.command.ReprocessDeadLetters;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Queue.Bounds;
import dev.tidings.core.directory.Queue.Mode;
import dev.tidings.core.directory.Queue.Overflow;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// Random programs over work queues whose messages have priorities, with failing commits, restarts
/// and time by hand, from a seed, against a model that knows the rules alone.
class PrioritySimulationTest {
  private static final long TIME_NS =
      Duration.ofSeconds(Integer.getInteger("tidings.seconds", 4)).toNanos();
  private static final int STEPS = 250;
  private static final long LEASE_MS = 60_000;
  private static final DeliveryPolicy POLICY =
      new DeliveryPolicy(4, 1_000, 8_000, OptionalLong.empty());

  @Test
  void whatIsGivenOut_isTheHighest_andOneOfEightTheOldest() throws Exception {
    // A fresh seed each time, printed when it fails; -Dtidings.seed=N repeats one.
    Long repeated = Long.getLong("tidings.seed");
    long seed = repeated != null ? repeated : new Random().nextLong();
    long startNs = System.nanoTime();
    do {
      Program program = null;
      try {
        program = new Program(seed);
        program.run();
      } catch (Throwable e) {
        throw new AssertionError(
            "seed "
                + seed
                + ": repeat with -Dtidings.seed="
                + seed
                + (program == null ? "" : "\n" + program.lastSteps()),
            e);
      }
      seed++;
    } while (repeated == null && System.nanoTime() - startNs < TIME_NS);
  }

  private enum State {
    FRESH,
    LEASED,
    WAITING,
    RELEASED,
    DEAD
  }

  /// A message that is not settled.
  private static final class Copy {
    final long sequence;
    final String payload;
    final int priority;
    State state = State.FRESH;
    // It was a dead letter.
    boolean kept;
    int attempts;
    // When its lease ends, or its wait.
    long endMs;
    // Of those whose wait was over when they were loaded anew, it is not known any more whose was
    // first.
    boolean isEndUnsure;

    Copy(long sequence, String payload, int priority) {
      this.sequence = sequence;
      this.payload = payload;
      this.priority = priority;
    }

    boolean isRetry(long nowMs) {
      return state == State.RELEASED || (state == State.WAITING && endMs <= nowMs);
    }

    boolean isAvailable(long nowMs) {
      return state == State.FRESH || isRetry(nowMs);
    }

    /// Whether nobody is known to have waited longer among `retries`.
    boolean isLongest(List<Copy> retries) {
      return state == State.RELEASED
          || retries.stream()
              .noneMatch(it ->
                  it.state == State.WAITING && !it.isEndUnsure && !isEndUnsure && it.endMs < endMs);
    }

    @Override
    public String toString() {
      return "%d:%d:%s/%d%s"
          .formatted(
              sequence,
              priority,
              state,
              attempts,
              state == State.WAITING || state == State.LEASED ? "-" + endMs % 10_000_000 : "");
    }
  }

  /// A work queue by its rules.
  private static final class Model {
    final Queue queue;
    final TreeMap<Long, Copy> copies = new TreeMap<>();
    // How many were given out while something above 0 waited, modulo 16: all that it may be, since
    // nothing is said of whose turn is first.
    Set<Integer> turns = new TreeSet<>(Set.of(0, 8));
    // Some of what it holds has to be loaded, so that less may come than there is.
    boolean isCold;
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
      return copies.values().stream().filter(it -> it.state != State.DEAD && !it.kept).toList();
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

    static void fail(Copy copy, long endMs) {
      if (copy.attempts >= POLICY.maxAttempts()) {
        copy.state = State.DEAD;
        copy.kept = true;
      } else {
        copy.state = State.WAITING;
        copy.endMs = endMs;
        copy.isEndUnsure = false;
      }
    }

    void expire(long nowMs) {
      for (Copy copy : in(State.LEASED)) {
        if (copy.endMs <= nowMs) {
          fail(copy, copy.endMs);
        }
      }
    }

    /// Its deliveries may have been loaded anew.
    void doubt(long nowMs) {
      turns.addAll(List.of(0, 8));
      isCold = true;
      for (Copy copy : in(State.WAITING)) {
        copy.isEndUnsure |= copy.endMs <= nowMs;
      }
    }

    /// What was given out, in this order, was what had to be.
    void given(List<Copy> given, long nowMs) {
      for (Copy copy : given) {
        List<Copy> available =
            copies.values().stream().filter(it -> it.isAvailable(nowMs)).toList();
        Set<Integer> after = new TreeSet<>();
        for (int turn : turns) {
          int next = available.stream().anyMatch(it -> it.priority > 0) ? turn + 1 : turn;
          boolean isFair = next > turn && next % 8 == 0;
          boolean isGiven =
              isFair
                  ? isFair(copy, available, nowMs, next == 8)
                  : isHighest(copy, available, nowMs);
          if (isGiven) {
            after.add(next % 16);
          }
        }
        assertThat(after)
            .as(() -> copy + " was given after turns " + turns + ", of " + available)
            .isNotEmpty();
        turns = after;
        copy.state = State.LEASED;
        copy.attempts++;
        copy.endMs = nowMs + LEASE_MS;
      }
    }

    private static boolean isHighest(Copy copy, List<Copy> available, long nowMs) {
      int highest = available.stream().mapToInt(it -> it.priority).max().orElseThrow();
      if (copy.priority != highest) {
        return false;
      }
      List<Copy> retries =
          available.stream().filter(it -> it.priority == highest && it.isRetry(nowMs)).toList();
      if (!retries.isEmpty()) {
        return copy.state != State.FRESH && copy.isLongest(retries);
      }
      return copy
          == available.stream().filter(it -> it.priority == highest).findFirst().orElseThrow();
    }

    /// @param again whether it is the turn of the retry
    private static boolean isFair(Copy copy, List<Copy> available, long nowMs, boolean again) {
      List<Copy> retries = available.stream().filter(it -> it.isRetry(nowMs)).toList();
      Optional<Copy> oldest = available.stream().filter(it -> it.state == State.FRESH).findFirst();
      boolean isLongest = copy.state != State.FRESH && copy.isLongest(retries);
      boolean isOldest = oldest.isPresent() && copy == oldest.get();
      if (again && !retries.isEmpty()) {
        return isLongest;
      }
      if (!again && oldest.isPresent()) {
        return isOldest;
      }
      // Nothing is said of a turn that nobody can take.
      return isLongest || isOldest || isHighest(copy, available, nowMs);
    }
  }

  private static final class Program {
    private final List<String> trace = new ArrayList<>();
    private final Random random;
    private final Queues on;
    private final boolean faults;
    private final int priorities;
    private final TreeMap<String, Model> models = new TreeMap<>();
    private int published;

    Program(long seed) throws StoreException {
      random = new Random(seed);
      faults = random.nextInt(3) == 0;
      priorities = 1 + random.nextInt(10);
      on = Queues.create();
      trace.add("faults %s, %d priorities".formatted(faults, priorities));
      int queues = 1 + random.nextInt(3);
      for (int i = 0; i < queues; i++) {
        OptionalLong max =
            random.nextInt(2) == 0 ? OptionalLong.empty() : OptionalLong.of(1 + random.nextInt(25));
        Bounds bounds =
            new Bounds(
                max,
                OptionalLong.empty(),
                random.nextBoolean() ? Overflow.REJECT : Overflow.DROP_OLDEST);
        String name = "q" + i;
        Queue queue =
            on.done(
                new CreateQueue(
                    name, random.nextBoolean(), Mode.WORK, bounds, POLICY, CrankedNode.OWNER));
        models.put(name, new Model(queue));
        trace.add("create " + queue);
      }
    }

    String lastSteps() {
      return trace.getFirst()
          + "\n"
          + String.join("\n", trace.subList(Math.max(1, trace.size() - 30), trace.size()));
    }

    void run() throws StoreException {
      for (int i = 0; i < STEPS; i++) {
        step();
        for (int k = 0; k < 3; k++) {
          on.node.node().tend(on.time, on.node.executor(0));
          on.node.settle();
        }
        models.values().forEach(model -> model.expire(on.time.wallMs()));
        // Who looks opens what nobody has opened since the start.
        if (random.nextInt(3) != 0) {
          check();
        }
      }
      drain();
    }

    private void step() throws StoreException {
      Model model =
          models.values().stream().skip(random.nextInt(models.size())).findFirst().orElseThrow();
      int choice = random.nextInt(100);
      if (choice < 35) {
        publish(model);
      } else if (choice < 65) {
        lease(model);
      } else if (choice < 75) {
        ack(model);
      } else if (choice < 83) {
        nack(model);
      } else if (choice < 87) {
        release(model);
      } else if (choice < 90) {
        reprocess(model);
      } else if (choice < 91) {
        purgeDead(model);
      } else if (choice < 92) {
        purge(model);
      } else if (choice < 94) {
        restart();
      } else if (choice < 97) {
        sweep();
      } else {
        long ms = random.nextInt(random.nextBoolean() ? 3_000 : 70_000);
        trace.add("pass " + ms);
        on.pass(ms);
      }
    }

    // ---- asking ----

    private boolean strike() {
      if (!faults || random.nextInt(4) != 0) {
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
      boolean isStruck = strike();
      Reply<R> reply = on.ask(command);
      on.node.settle();
      on.heal();
      trace.add(what + ": " + reply.outcome());
      if (isStruck) {
        models.values().stream()
            .filter(it -> it.queue.durable())
            .forEach(it -> it.doubt(on.time.wallMs()));
      }
      return switch (reply.outcome().orElseThrow()) {
        case Outcome.Done<R>(R result) -> Optional.of(result);
        case Outcome.Refused<R>(Refusal refusal) -> {
          assertThat(refusal.code()).as(what).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
          yield Optional.empty();
        }
      };
    }

    // ---- steps ----

    private void publish(Model model) throws StoreException {
      int burst = 1 + random.nextInt(4);
      for (int i = 0; i < burst; i++) {
        String payload = "" + ++published;
        int priority = random.nextInt(3) == 0 ? 0 : random.nextInt(priorities);
        boolean isFull = model.rejects();
        Optional<Enqueue.Enqueued> put =
            ask(
                "publish " + payload + ":" + priority + " to " + model.queue.name(),
                new Enqueue(
                    List.of(new Target(model.queue.name(), model.queue.incarnation())),
                    model.queue.durable(),
                    Payload.of(payload),
                    Ordering.ofPriority(priority),
                    true));
        Optional<Message> found = find(model, payload);
        if (put.isEmpty()) {
          assertThat(found).isEmpty();
        } else if (isFull) {
          assertThat(put.get().full()).containsExactly(model.queue.name());
          assertThat(found).isEmpty();
        } else {
          Message message = found.orElseThrow();
          assertThat(message.ordering()).isEqualTo(Ordering.ofPriority(priority));
          long dropped = model.add(new Copy(message.sequence(), payload, priority));
          assertThat(put.get()).isEqualTo(new Enqueue.Enqueued(1, dropped, List.of()));
        }
      }
    }

    private Optional<Message> find(Model model, String payload) throws StoreException {
      return on
          .node
          .node()
          .store()
          .read(model.queue.incarnation(), 0, 10_000, Long.MAX_VALUE)
          .messages()
          .stream()
          .filter(it -> it.payload().text().equals(payload))
          .findFirst();
    }

    private void lease(Model model) {
      leased(model, random.nextInt(4) == 0 ? 20 : 1 + random.nextInt(5));
    }

    private List<Delivered> leased(Model model, int max) {
      List<Delivered> taken = on.take(model.queue, max);
      List<Copy> given = new ArrayList<>();
      for (Delivered delivered : taken) {
        Copy copy = model.copies.get(delivered.message().sequence());
        assertThat(copy).as(() -> delivered + " of " + model.copies.values()).isNotNull();
        assertThat(delivered.message().payload().text()).isEqualTo(copy.payload);
        assertThat(delivered.message().ordering().priority()).isEqualTo(copy.priority);
        assertThat(delivered.attempts()).isEqualTo(copy.attempts + 1);
        given.add(copy);
      }
      trace.add("lease " + max + " of " + model.queue.name() + ": " + given);
      long now = on.time.wallMs();
      List<Copy> available =
          model.copies.values().stream().filter(it -> it.isAvailable(now)).toList();
      if (model.isCold || available.stream().anyMatch(it -> it.kept)) {
        assertThat(taken.isEmpty()).isEqualTo(available.isEmpty());
        assertThat(taken).hasSizeLessThanOrEqualTo(max);
      } else {
        assertThat(taken).hasSize(Math.min(max, available.size()));
      }
      model.given(given, now);
      return taken;
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
      // Sometimes of some that nobody has been given, which are in the way of the cursor then.
      List<Copy> some = new ArrayList<>(some(model.in(State.LEASED)));
      if (random.nextInt(4) == 0) {
        model.copies.values().stream()
            .filter(it -> it.state == State.FRESH || it.state == State.WAITING)
            .filter(_ -> random.nextInt(6) == 0)
            .forEach(some::add);
      }
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
      long delayMs = random.nextBoolean() ? 0 : random.nextInt(5_000);
      long now = on.time.wallMs();
      Optional<List<Long>> rest =
          ask(
              "nack " + some + " of " + model.queue.name() + " for " + delayMs,
              new NackMessages(subscription(model), meant(some), OptionalLong.of(delayMs)));
      if (rest.isPresent()) {
        some.stream()
            .filter(it -> !rest.get().contains(it.sequence))
            .forEach(it -> Model.fail(it, now + delayMs));
      }
    }

    private void release(Model model) {
      List<Copy> some = some(model.in(State.LEASED));
      long now = on.time.wallMs();
      boolean done =
          ask(
                  "release " + some + " of " + model.queue.name(),
                  new ReleaseMessages(subscription(model), meant(some)))
              .isPresent();
      if (done) {
        for (Copy copy : some) {
          copy.attempts--;
          copy.state = copy.attempts == 0 ? State.RELEASED : State.WAITING;
          copy.endMs = now;
          copy.isEndUnsure = false;
        }
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
          copy.state = State.RELEASED;
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
        if (model.queue.durable()) {
          model.doubt(on.time.wallMs());
        } else {
          model.copies.clear();
          model.acked = 0;
          model.lost = 0;
          model.turns = new TreeSet<>(Set.of(0, 8));
        }
      }
    }

    /// Whatever is below the oldest that is needed goes, whichever were given out before.
    private void sweep() throws StoreException {
      boolean takesAll = random.nextBoolean();
      for (Model model : models.values()) {
        // What was acked before its turn is passed by who comes to it.
        while (takesAll && !leased(model, 1000).isEmpty()) {}
      }
      trace.add("sweep");
      assertThat(on.sweep(Queues.NO_BACKLOG)).isZero();
      for (Model model : models.values()) {
        long next = on.node.node().store().extent(model.queue.incarnation()).nextSequence();
        long needed = model.counted().isEmpty() ? next : model.counted().getFirst().sequence;
        long first = on.firstRetained(model.queue);
        assertThat(first)
            .as(() -> "first retained of " + model.queue + model.copies.values())
            .isLessThanOrEqualTo(needed);
        if (takesAll) {
          assertThat(first).isEqualTo(needed);
        }
      }
    }

    // ---- checks ----

    private void check() {
      for (Model model : models.values()) {
        Counts counts = on.counts(model.queue);
        String what = model.queue + " " + model.copies.values();
        assertThat(counts.available())
            .as(what)
            .isEqualTo(
                model.in(State.FRESH).size()
                    + (long) model.in(State.WAITING).size()
                    + model.in(State.RELEASED).size());
        assertThat(counts.delivered()).as(what).isEqualTo(model.in(State.LEASED).size());
        assertThat(counts.dead()).as(what).isEqualTo(model.in(State.DEAD).size());
        assertThat(counts.totals().acked()).as(what).isEqualTo(model.acked);
        assertThat(counts.totals().lost()).as(what).isEqualTo(model.lost);
        assertThat(counts.totals().expired()).as(what).isZero();
        assertThat(counts.parked()).as(what).isZero();
        assertThat(counts.paused()).as(what).isFalse();
        model.isCold &= !model.copies.isEmpty();
      }
    }

    /// Everything that is not settled comes, in order, and nothing else; then nothing is left.
    private void drain() throws StoreException {
      on.pass(LEASE_MS);
      models.values().forEach(model -> model.expire(on.time.wallMs()));
      for (Model model : models.values()) {
        trace.add("drain " + model.queue.name());
        assertThat(on.dead(model.queue))
            .isEqualTo(model.in(State.DEAD).stream().map(it -> it.payload).toList());
        List<Delivered> taken;
        do {
          taken = leased(model, 1 + random.nextInt(40));
          assertThat(on.ack(model.queue, taken)).isEqualTo(taken.size());
          model.acked += taken.size();
          taken.forEach(it -> model.copies.remove(it.message().sequence()));
        } while (!taken.isEmpty());
        on.purgeDead(model.queue);
        model.in(State.DEAD).forEach(it -> model.copies.remove(it.sequence));
        assertThat(model.copies.values()).isEmpty();
        check();
      }
      sweep();
      assertThat(on.bytes()).isZero();
    }
  }
}
