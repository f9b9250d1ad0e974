// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.ChangeSubscription;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateSubscription;
import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.DeleteSubscription;
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
import dev.tidings.core.directory.Topic;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/// Random consumers of random subscriptions, with faults, restarts and time by hand, from a seed,
/// against a model that knows the rules alone.
class SubscriptionSimulationTest {
  private static final long TIME_NS = Duration.ofSeconds(5).toNanos();
  private static final String TOPIC = "t";
  private static final String NOISE = "noise-4";

  @Test
  void everyMessageIsDelivered_untilItIsSettled_byTheRules() throws Exception {
    // A fresh seed each time, printed when it fails; -Dtidings.seed=N repeats one.
    Long repeated = Long.getLong("tidings.seed");
    long seed = repeated != null ? repeated : new Random().nextLong();
    long startNs = System.nanoTime();
    long steps = 0;
    do {
      Simulation simulation = null;
      try {
        simulation = new Simulation(seed);
        simulation.run();
        steps += simulation.steps;
      } catch (Throwable e) {
        throw new AssertionError(
            "seed "
                + seed
                + ": repeat with -Dtidings.seed="
                + seed
                + (simulation == null ? "" : "\n" + simulation.lastSteps()),
            e);
      }
      seed++;
    } while (repeated == null && System.nanoTime() - startNs < TIME_NS);
    assertThat(steps).isPositive();
  }

  // ---- the model ----

  private enum State {
    FRESH,
    LEASED,
    WAITING,
    RELEASED,
    DEAD,
    ACKED,
    EXPIRED,
    LOST,
    PURGED
  }

  /// A message as it was published.
  private record Sent(long sequence, String payload, boolean matching, long expiresAt) {}

  /// A message of one subscription.
  private static final class Copy {
    final Sent sent;
    State state = State.FRESH;
    boolean kept;
    int attempts;
    long lease;
    // Of its lease or wait.
    long since;
    long forMs;
    long endNs;
    // It waits because its lease has ended, which the store was not told.
    boolean untold;

    Copy(Sent sent) {
      this.sent = sent;
    }

    @Override
    public String toString() {
      return "%n%s %s attempts=%d lease=%d kept=%s endNs=%d"
          .formatted(sent, state, attempts, lease, kept, endNs);
    }
  }

  /// A subscription by its rules.
  private static final class Model {
    final Subscription entry;
    final boolean filtered;
    final int deadLetterBound;
    DeliveryPolicy policy;
    final TreeMap<Long, Copy> copies = new TreeMap<>();
    long acked;
    long lost;
    // What a filter was not evaluated on is not counted.
    boolean counted = true;

    Model(Subscription entry, boolean filtered, int deadLetterBound) {
      this.entry = entry;
      this.filtered = filtered;
      this.deadLetterBound = deadLetterBound;
      this.policy = entry.policy();
    }

    void add(Sent sent) {
      if (sent.matching() || !filtered) {
        copies.put(sent.sequence(), new Copy(sent));
      }
    }

    List<Copy> in(State state) {
      return copies.values().stream().filter(copy -> copy.state == state).toList();
    }

    long outstanding() {
      return (long) in(State.LEASED).size() + in(State.WAITING).size() + in(State.RELEASED).size();
    }

    boolean isLast(Copy copy) {
      return copy.attempts >= policy.maxAttempts();
    }

    long backoff(int failures) {
      long wait = policy.backoffMinMs();
      for (int i = 1; i < failures; i++) {
        wait *= 2;
      }
      return Math.min(policy.backoffMaxMs(), wait);
    }

    void fail(Copy copy, long delayMs, ManualTime time) {
      copy.untold = false;
      if (!isLast(copy)) {
        copy.state = State.WAITING;
        begin(copy, delayMs, time);
      } else if (!copy.kept && copy.sent.expiresAt() <= time.wallMs()) {
        copy.state = State.EXPIRED;
      } else {
        copy.state = State.DEAD;
        copy.kept = true;
        List<Copy> dead = in(State.DEAD);
        if (dead.size() > deadLetterBound) {
          dead.getFirst().state = State.LOST;
          lost++;
        }
      }
    }

    static void begin(Copy copy, long forMs, ManualTime time) {
      copy.since = time.wallMs();
      copy.forMs = forMs;
      copy.endNs = time.monotonicNs() + forMs * 1_000_000;
    }

    void expire(ManualTime time) {
      for (Copy copy : in(State.LEASED)) {
        if (copy.endNs <= time.monotonicNs()) {
          long since = copy.since;
          long forMs = copy.forMs;
          fail(copy, 0, time);
          copy.since = since;
          copy.forMs = forMs;
          copy.untold = copy.state == State.WAITING;
        }
      }
    }

    /// The process started anew: what was going on goes on for what was left of it.
    void restart(ManualTime time) {
      for (Copy copy : copies.values()) {
        if (copy.state == State.LEASED || copy.state == State.WAITING) {
          long leftMs = Math.clamp(copy.since + copy.forMs - time.wallMs(), 0, copy.forMs);
          copy.endNs = time.monotonicNs() + leftMs * 1_000_000;
          if (copy.untold && leftMs > 0) {
            copy.state = State.LEASED;
            copy.untold = false;
          }
        }
      }
    }

    static boolean isExpired(Copy copy, ManualTime time) {
      return copy.sent.expiresAt() <= time.wallMs();
    }

    List<Copy> due(ManualTime time) {
      List<Copy> due = new ArrayList<>(in(State.RELEASED));
      in(State.WAITING).stream().filter(copy -> copy.endNs <= time.monotonicNs()).forEach(due::add);
      due.removeIf(copy -> isExpired(copy, time));
      return due;
    }

    List<Copy> fresh(ManualTime time) {
      return in(State.FRESH).stream().filter(copy -> !isExpired(copy, time)).toList();
    }
  }

  // ---- the real thing beside it ----

  private static final class Simulation {
    private final Random random;
    private final MemoryStore.Memory memory = new MemoryStore.Memory();
    private final long faultSeed;
    private final boolean faults;
    private final boolean usesTtl;
    private final boolean jumpsBack;
    private final Node.Limits limits;
    private final int outstandingBound;
    private final int deadLetterBound;
    private final int length;
    private FaultyStore store;
    private CrankedNode node;
    private ManualTime time = new ManualTime();
    // Everything needed is in memory, so commands are handled in the order they are handed in.
    private boolean warm;
    private Topic topic;
    private final TreeMap<Long, Sent> log = new TreeMap<>();
    private final Map<String, Model> models = new HashMap<>();
    private final Map<String, List<Long>> leases = new HashMap<>();
    private final List<String> trace = new ArrayList<>();
    private int nextText;
    private int loop;
    private int steps;

    Simulation(long seed) throws StoreException {
      random = new Random(seed);
      faultSeed = seed;
      boolean wantsFaults = random.nextBoolean();
      usesTtl = random.nextBoolean();
      jumpsBack = !usesTtl && random.nextBoolean();
      // Whoever is loaded again after a fault counts from the wall clock: where that was set back,
      // a
      // lease that has ended may go on for as long, but only of those that were loaded again.
      faults = wantsFaults && !jumpsBack;
      boolean hot = random.nextBoolean();
      outstandingBound = random.nextBoolean() ? 100_000 : 3 + random.nextInt(10);
      deadLetterBound = random.nextBoolean() ? 100_000 : 1 + random.nextInt(5);
      // Long enough that whole states are told; not where the clock is set back, since it depends
      // on those then whether a lease that has ended is known to have.
      length = !jumpsBack && random.nextInt(5) == 0 ? 2500 : 600;
      limits =
          new Node.Limits(
              hot ? 1 << 20 : random.nextInt(3) * 2000,
              hot ? 1 << 20 : 20_000,
              10_000,
              1 << 24,
              new CommitLane.Limits(1 + random.nextInt(20), 1 << 20),
              1000,
              1000,
              Receipts.Limits.DEFAULT,
              new Subscriptions.Limits(
                  100,
                  100,
                  new Deliveries.Limits(outstandingBound, 100_000, deadLetterBound, 60_000)),
              StreamLimits.DEFAULT,
              ExchangeLimits.DEFAULT,
              ScheduleLimits.DEFAULT);
      warm = hot;
      start();
      topic = node.createTopic(TOPIC);
      // In the same shard, so that its messages drive the others out of memory.
      assertThat(node.createTopic(NOISE).slot() % 2).isEqualTo(topic.slot() % 2);
    }

    private void start() throws StoreException {
      store = new FaultyStore(new MemoryStore(memory), faultSeed);
      store.faultsOff();
      store.rate(Method.COMMIT, new Rates(0.02, 0.02, 0.02));
      store.rate(Method.READ, new Rates(0.02, 0.02, 0));
      store.rate(Method.LOAD_DELIVERIES, new Rates(0.02, 0.02, 0));
      node = CrankedNode.on(store, 2, limits, time);
    }

    String lastSteps() {
      return String.join("\n", trace.subList(Math.max(0, trace.size() - 40), trace.size()));
    }

    void run() throws StoreException {
      for (int i = 0; i < length; i++) {
        steps++;
        if (faults && random.nextInt(4) == 0) {
          store.faultsOn();
        }
        if (random.nextInt(3) == 0) {
          var _ = node.publish(NOISE, "1", "2");
          node.settle();
        }
        int burst = warm && nothingKept() && random.nextInt(3) == 0 ? 1 + random.nextInt(5) : 1;
        // From one loop, so that they are handled in this order.
        loop = random.nextInt(2);
        List<Runnable> checks = new ArrayList<>();
        for (int k = 0; k < burst; k++) {
          checks.add(step(burst == 1));
        }
        node.settle();
        checks.forEach(Runnable::run);
        touch();
        check();
      }
      drain();
    }

    private boolean nothingKept() {
      return models.values().stream()
          .allMatch(model -> model.copies.values().stream().noneMatch(copy -> copy.kept));
    }

    /// Hands in a command; what is given back looks at its answer.
    private <R> Runnable ask(String what, Command<R> command, Consumer<R> done) {
      Reply<R> reply = node.submit(command, loop);
      return () -> {
        trace.add(what + " at " + time.monotonicNs() / 1_000_000 + " ms: " + reply.outcome());
        switch (reply.outcome().orElseThrow(() -> new AssertionError("no answer: " + what))) {
          case Outcome.Done<R>(R result) -> done.accept(result);
          case Outcome.Refused<R>(Refusal refusal) ->
              assertThat(refusal.code()).as(what).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
        }
      };
    }

    private Runnable step(boolean alone) throws StoreException {
      if (models.isEmpty()) {
        return alone ? create() : publish();
      }
      Model model =
          models.values().stream().skip(random.nextInt(models.size())).findFirst().orElseThrow();
      // What is published beside others is seen by them or not.
      return switch (alone ? random.nextInt(100) : 15 + random.nextInt(67)) {
        case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 -> publish();
        case 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34 ->
            lease(model);
        case 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46 -> ack(model);
        case 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62 ->
            nack(model, meant(model), delay());
        case 63, 64, 65, 66, 67 -> release(model);
        case 68, 69, 70, 71, 72 -> extend(model);
        case 73, 74, 75, 76 -> reprocess(model);
        case 77, 78 -> purge(model);
        case 79, 80, 81 -> change(model);
        case 82, 83, 84 -> list(model);
        case 85, 86 -> trim();
        case 87 -> restart();
        case 88, 89 -> models.size() < 3 ? create() : delete(model);
        default -> advance();
      };
    }

    private Runnable publish() {
      int count = 1 + random.nextInt(4);
      List<NewMessage> messages = new ArrayList<>();
      List<Boolean> matching = new ArrayList<>();
      List<Long> ttls = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        boolean matches = random.nextInt(3) != 0;
        long ttl = usesTtl && random.nextInt(3) == 0 ? 1 + random.nextInt(90_000) : Message.NEVER;
        String payload = "{\"n\":%d,\"k\":\"%s\"}".formatted(nextText++, matches ? "a" : "b");
        messages.add(new NewMessage(Payload.of(payload), Payload.EMPTY, ttl));
        matching.add(matches);
        ttls.add(ttl);
      }
      return ask(
          "publish " + count,
          new Publish(TOPIC, new Publish.Authority.Existing(topic.incarnation()), messages),
          published -> {
            for (int i = 0; i < count; i++) {
              long ttl = ttls.get(i);
              Sent sent =
                  new Sent(
                      CrankedNode.ids(published).get(i).sequence(),
                      messages.get(i).payload().text(),
                      matching.get(i),
                      ttl == Message.NEVER ? ttl : published.ids().get(i).timestamp() + ttl);
              assertThat(log.put(sent.sequence(), sent)).isNull();
              models.values().forEach(model -> model.add(sent));
            }
          });
    }

    private DeliveryPolicy policy(int minAttempts) {
      return new DeliveryPolicy(
          minAttempts + random.nextInt(minAttempts > 4 ? 1 : 4),
          random.nextInt(4) * 3000L,
          random.nextInt(4) * 5000L,
          random.nextBoolean()
              ? OptionalLong.empty()
              : OptionalLong.of(1 + random.nextInt(20_000)));
    }

    private Runnable create() {
      String id = "s" + random.nextInt(4);
      if (models.containsKey(id)) {
        return () -> {};
      }
      boolean filtered = random.nextBoolean();
      From from =
          switch (random.nextInt(3)) {
            case 0 -> new From.Now();
            case 1 -> new From.Earliest();
            default -> new From.At(log.isEmpty() ? 1 : 1 + random.nextLong(log.lastKey() + 1));
          };
      return ask(
          "create " + id + " " + from + (filtered ? " filtered" : ""),
          new CreateSubscription(
              id,
              TOPIC,
              topic.incarnation(),
              CrankedNode.OWNER,
              filtered ? Optional.of(Payload.of("{\"k\":[\"a\"]}")) : Optional.empty(),
              policy(1),
              from),
          created -> {
            Model model = new Model(created, filtered, deadLetterBound);
            switch (from) {
              case From.Now() -> {}
              case From.Earliest() -> log.values().forEach(model::add);
              case From.At(long sequence) -> log.tailMap(sequence).values().forEach(model::add);
            }
            model.counted = !filtered;
            models.put(id, model);
            leases.put(id, new ArrayList<>());
          });
    }

    private Runnable delete(Model model) {
      return ask(
          "delete " + model.entry.id(),
          new DeleteSubscription(model.entry),
          _ -> models.remove(model.entry.id()));
    }

    private Runnable lease(Model model) {
      int max = 1 + random.nextInt(8);
      OptionalLong forMs =
          random.nextBoolean() ? OptionalLong.empty() : OptionalLong.of(1 + random.nextInt(30_000));
      return ask(
          "lease " + max + " of " + model.entry.id(),
          new LeaseMessages(model.entry, max, forMs, Optional.empty()),
          leased -> {
            leased(model, max, forMs, leased);
            leases.get(model.entry.id()).add(leased.lease());
          });
    }

    private void leased(Model model, int max, OptionalLong forMs, LeaseMessages.Leased leased) {
      model.counted = true;
      List<Copy> due = model.due(time);
      List<Copy> fresh = model.fresh(time);
      List<Long> again =
          leased.messages().stream()
              .map(it -> it.message().sequence())
              .filter(sequence -> isNot(model, sequence, State.FRESH))
              .toList();
      int room = (int) Math.max(0, outstandingBound - model.outstanding());
      List<Long> first =
          leased.messages().stream()
              .map(it -> it.message().sequence())
              .filter(sequence -> !isNot(model, sequence, State.FRESH))
              .toList();
      assertThat(due.stream().map(it -> it.sent.sequence()).toList()).containsAll(again);
      assertThat(again).doesNotHaveDuplicates();
      assertThat(first)
          .as(() -> "first of " + model.copies.values() + ", now " + time.wallMs())
          .isEqualTo(fresh.stream().map(it -> it.sent.sequence()).limit(first.size()).toList());
      // Those that waited come first, and all of them before any other.
      assertThat(
              leased.messages().stream()
                  .map(it -> it.message().sequence())
                  .limit(again.size())
                  .toList())
          .isEqualTo(again);
      assertThat(first.isEmpty() || again.size() == due.size()).isTrue();
      // Some that have expired may be outstanding still, or not any more.
      long expired =
          model.copies.values().stream()
              .filter(it -> it.state == State.WAITING || it.state == State.RELEASED)
              .filter(it -> Model.isExpired(it, time))
              .count();
      assertThat(first.size()).isLessThanOrEqualTo((int) (room + expired));
      long most = (long) due.size() + Math.min(fresh.size(), room);
      if (warm && nothingKept()) {
        assertThat(leased.messages()).hasSizeGreaterThanOrEqualTo((int) Math.min(max, most));
      } else {
        assertThat(leased.messages().isEmpty()).isEqualTo(most == 0 && first.isEmpty());
      }
      assertThat(leased.messages().size()).isLessThanOrEqualTo(max);
      List<Long> released = again.stream().filter(it -> !isNot(model, it, State.RELEASED)).toList();
      assertThat(released).isSorted();
      long length = forMs.orElse(model.policy.ackDeadlineMs().orElse(60_000));
      for (Delivered delivered : leased.messages()) {
        Copy copy = model.copies.get(delivered.message().sequence());
        assertThat(delivered.message().payload().text()).isEqualTo(copy.sent.payload());
        assertThat(delivered.attempts()).isEqualTo(copy.attempts + 1);
        copy.attempts++;
        copy.state = State.LEASED;
        copy.lease = leased.lease();
        copy.untold = false;
        Model.begin(copy, length, time);
      }
    }

    private static boolean isNot(Model model, long sequence, State state) {
      Copy copy = model.copies.get(sequence);
      assertThat(copy).as("message " + sequence + " is one of " + model.entry.id()).isNotNull();
      return copy.state != state;
    }

    /// Any messages, mostly some that are leased, perhaps under one lease.
    private Meant meant(Model model) {
      List<Long> sequences = new ArrayList<>();
      for (Sent sent : log.values()) {
        Copy copy = model.copies.get(sent.sequence());
        boolean isLeased = copy != null && copy.state == State.LEASED;
        if (random.nextInt(isLeased ? 2 : 30) == 0) {
          sequences.add(sent.sequence());
        }
      }
      if (random.nextInt(5) == 0) {
        sequences.add(random.nextLong(1000));
        sequences.addAll(List.copyOf(sequences));
      }
      List<Long> known = leases.get(model.entry.id());
      OptionalLong lease =
          random.nextInt(3) > 0 || known.isEmpty()
              ? OptionalLong.empty()
              : OptionalLong.of(known.get(random.nextInt(known.size())));
      // It depends on who came by whether such a message is known to have expired; and one that is
      // published beside this is known to nobody.
      sequences.removeIf(sequence -> {
        Copy copy = model.copies.get(sequence);
        return copy == null
            ? !log.containsKey(sequence)
            : copy.state != State.LEASED && Model.isExpired(copy, time);
      });
      return new Meant(sequences, lease);
    }

    private static List<Copy> meant(Model model, Meant meant, State... states) {
      return meant.sequences().stream()
          .distinct()
          .map(model.copies::get)
          .filter(copy -> copy != null && List.of(states).contains(copy.state))
          .filter(copy ->
              meant.lease().isEmpty()
                  || (copy.state == State.LEASED && copy.lease == meant.lease().getAsLong()))
          .toList();
    }

    private Runnable ack(Model model) {
      Meant meant = meant(model);
      return ask(
          "ack " + meant + " of " + model.entry.id(),
          new AckMessages(model.entry, meant),
          acked -> {
            List<Copy> live =
                meant(model, meant, State.FRESH, State.LEASED, State.WAITING, State.RELEASED);
            assertThat(acked).isEqualTo(live.size());
            live.forEach(copy -> copy.state = State.ACKED);
            model.acked += acked;
          });
    }

    private OptionalLong delay() {
      return random.nextInt(3) == 0 ? OptionalLong.of(random.nextInt(9000)) : OptionalLong.empty();
    }

    private Runnable nack(Model model, Meant meant, OptionalLong delayMs) {
      return ask(
          "nack " + meant + " of " + model.entry.id() + " for " + delayMs,
          new NackMessages(model.entry, meant, delayMs),
          rest -> {
            for (Copy copy : meant(model, meant, State.LEASED)) {
              if (!rest.contains(copy.sent.sequence())) {
                model.fail(copy, delayMs.orElse(model.backoff(copy.attempts)), time);
              }
            }
          });
    }

    private Runnable release(Model model) {
      Meant meant = meant(model);
      return ask(
          "release " + meant + " of " + model.entry.id(),
          new ReleaseMessages(model.entry, meant),
          _ -> {
            for (Copy copy : meant(model, meant, State.LEASED)) {
              copy.attempts--;
              copy.state = copy.attempts == 0 ? State.RELEASED : State.WAITING;
              Model.begin(copy, 0, time);
            }
          });
    }

    private Runnable extend(Model model) {
      Meant meant = meant(model);
      long forMs = 1L + random.nextInt(40_000);
      return ask(
          "extend " + meant + " of " + model.entry.id() + " by " + forMs,
          new ExtendLeases(model.entry, meant, forMs),
          _ -> meant(model, meant, State.LEASED).forEach(copy -> Model.begin(copy, forMs, time)));
    }

    private List<Long> someDead(Model model) {
      List<Long> some = new ArrayList<>();
      for (Copy copy : model.copies.values()) {
        if (random.nextInt(copy.state == State.DEAD ? 2 : 20) == 0) {
          some.add(copy.sent.sequence());
        }
      }
      return some;
    }

    private Runnable reprocess(Model model) {
      List<Long> some = someDead(model);
      return ask(
          "reprocess " + some + " of " + model.entry.id(),
          new ReprocessDeadLetters(model.entry, some),
          _ -> {
            for (Copy copy : meant(model, new Meant(some, OptionalLong.empty()), State.DEAD)) {
              copy.state = State.RELEASED;
              copy.attempts = 0;
            }
          });
    }

    private Runnable purge(Model model) {
      boolean all = random.nextInt(3) == 0;
      List<Long> some = all ? List.copyOf(model.copies.keySet()) : someDead(model);
      return ask(
          "purge " + (all ? "all" : some) + " of " + model.entry.id(),
          new PurgeDeadLetters(model.entry, all ? Optional.empty() : Optional.of(some)),
          _ ->
              meant(model, new Meant(some, OptionalLong.empty()), State.DEAD)
                  .forEach(copy -> copy.state = State.PURGED));
    }

    private Runnable change(Model model) {
      // Never fewer attempts: a lease that has ended may be judged by the old policy or the new.
      DeliveryPolicy policy = policy(model.policy.maxAttempts());
      return ask(
          "change " + model.entry.id() + " to " + policy,
          new ChangeSubscription(model.entry, policy),
          _ -> model.policy = policy);
    }

    private Runnable list(Model model) {
      long offset = random.nextInt(4);
      int limit = 1 + random.nextInt(10);
      return ask(
          "list dead letters of " + model.entry.id(),
          new ListDeadLetters(model.entry, new ListDeadLetters.Which.Page(offset, limit)),
          listed -> checkDead(model, offset, limit, listed));
    }

    private static void checkDead(Model model, long offset, int limit, List<Delivered> listed) {
      assertThat(
              listed.stream()
                  .map(it -> it.message().payload().text() + " after " + it.attempts())
                  .toList())
          .isEqualTo(
              model.in(State.DEAD).stream()
                  .skip(offset)
                  .limit(limit)
                  .map(copy -> copy.sent.payload() + " after " + copy.attempts)
                  .toList());
    }

    private Runnable trim() {
      if (log.isEmpty()) {
        return () -> {};
      }
      long from = log.firstKey();
      long first = from + random.nextLong(log.lastKey() - from + 2);
      long forced = random.nextInt(3) == 0 ? from + random.nextLong(first - from + 1) : from;
      return ask(
          "trim to " + first + ", below " + forced + " whatever is needed",
          new TrimLog(topic, first, forced),
          cut -> {
            assertThat(cut).isLessThanOrEqualTo(first);
            for (Model model : models.values()) {
              for (Copy copy : model.copies.headMap(cut).values()) {
                boolean isLive =
                    copy.state == State.LEASED
                        || copy.state == State.WAITING
                        || copy.state == State.RELEASED
                        || copy.state == State.FRESH;
                if (isLive && !copy.kept) {
                  assertThat(copy.sent.sequence() < forced || Model.isExpired(copy, time))
                      .as(copy + " is needed")
                      .isTrue();
                  copy.state = State.LOST;
                  model.lost++;
                }
              }
            }
            log.headMap(cut).clear();
          });
    }

    private Runnable restart() throws StoreException {
      Duration jump = Duration.ofMillis(random.nextInt(20_000) - (jumpsBack ? 10_000 : 0));
      long wall = time.wallMs();
      time = new ManualTime();
      time.jumpWall(Duration.ofMillis(wall - ManualTime.BEGINNING_MS).plus(jump));
      warm = false;
      start();
      topic = node.node().directory().topic(TOPIC).orElseThrow();
      trace.add("restart, wall clock " + jump);
      models.values().forEach(model -> model.restart(time));
      return () -> {};
    }

    private Runnable advance() {
      time.advance(Duration.ofMillis(random.nextInt(random.nextInt(4) == 0 ? 60_000 : 5000)));
      if (random.nextBoolean()) {
        tend();
      }
      return () -> {};
    }

    private void tend() {
      node.node().tend(time, node.executor(0));
      node.settle();
    }

    /// Lets happen what is to happen by itself, at this very moment.
    private void touch() {
      store.faultsOff();
      while (node.node().lane().phase() != CommitLane.Phase.RUNNING) {
        time.advance(Duration.ofMillis(50));
        node.settle();
      }
      models.values().forEach(model -> counts(model));
      // One look may load what the next needs.
      for (int i = 0; i < 20; i++) {
        tend();
      }
      models.values().forEach(model -> model.expire(time));
    }

    private Counts counts(Model model) {
      Reply<Counts> reply = node.submit(new CountMessages(model.entry));
      node.settle();
      return reply.done();
    }

    private void check() {
      for (Model model : models.values()) {
        Counts counts = counts(model);
        Supplier<String> who = () -> model.entry.id() + " " + counts + model.copies.values();
        assertThat(counts.totals().acked()).as(who).isEqualTo(model.acked);
        assertThat(counts.dead()).as(who).isEqualTo(model.in(State.DEAD).size());
        assertThat(counts.delivered()).as(who).isEqualTo(model.in(State.LEASED).size());
        long waiting =
            model.in(State.FRESH).size()
                + (long) model.in(State.WAITING).size()
                + model.in(State.RELEASED).size();
        if (model.counted && usesTtl) {
          assertThat(counts.available() + counts.totals().expired() + counts.totals().lost())
              .as(who)
              .isEqualTo(waiting + model.in(State.EXPIRED).size() + model.lost);
        } else if (model.counted) {
          assertThat(counts.available()).as(who).isEqualTo(waiting);
          assertThat(counts.totals().lost()).as(who).isEqualTo(model.lost);
          assertThat(counts.totals().expired()).as(who).isZero();
        }
      }
    }

    /// Everything that is not settled comes, and nothing else.
    private void drain() {
      List<Model> all = List.copyOf(models.values());
      for (Model model : all) {
        trace.add("drain " + model.entry.id());
        // As often as a message may be waited for: what comes is acked.
        for (int empty = 0; empty < 2; ) {
          touch();
          Reply<LeaseMessages.Leased> reply =
              node.submit(
                  new LeaseMessages(model.entry, 50, OptionalLong.empty(), Optional.empty()));
          node.settle();
          LeaseMessages.Leased leased = reply.done();
          leased(model, 50, OptionalLong.empty(), leased);
          List<Long> sequences =
              leased.messages().stream().map(it -> it.message().sequence()).toList();
          node.submit(new AckMessages(model.entry, new Meant(sequences, OptionalLong.empty())));
          node.settle();
          sequences.forEach(sequence -> model.copies.get(sequence).state = State.ACKED);
          model.acked += sequences.size();
          if (leased.messages().isEmpty()) {
            empty++;
            time.advance(Duration.ofMinutes(3));
          }
        }
        assertThat(model.copies.values())
            .as("what is left of " + model.entry.id())
            .allMatch(copy ->
                switch (copy.state) {
                  case DEAD, ACKED, EXPIRED, LOST, PURGED -> true;
                  case FRESH, LEASED, WAITING, RELEASED -> Model.isExpired(copy, time);
                });
        Reply<List<Delivered>> dead =
            node.submit(new ListDeadLetters(model.entry, new ListDeadLetters.Which.Page(0, 1000)));
        node.settle();
        checkDead(model, 0, 1000, dead.done());
      }
    }
  }
}
