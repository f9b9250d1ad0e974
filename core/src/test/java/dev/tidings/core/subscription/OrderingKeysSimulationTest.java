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
import dev.tidings.core.command.StopWaiting;
import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Topic;
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
import dev.tidings.core.subscription.OrderingModel.Copy;
import dev.tidings.core.subscription.OrderingModel.Sent;
import dev.tidings.core.subscription.OrderingModel.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// Random consumers of messages with ordering keys, published at once and for later, with faults,
/// restarts and time by hand, from a seed, against a model that knows the rules alone.
class OrderingKeysSimulationTest {
  private static final long TIME_NS =
      Duration.ofSeconds(Integer.getInteger("tidings.seconds", 6)).toNanos();
  private static final String TOPIC = "t";
  private static final String NOISE = "noise-4";

  @Test
  void oneOfAKeyIsOutstanding_andNoKeyWaitsForNothing() throws Exception {
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

  /// What was published, until it is in the log.
  private record Expected(String key, boolean matching, long ttlMs, long dueAt) {}

  private static final class Simulation {
    private final Random random;
    private final MemoryStore.Memory memory = new MemoryStore.Memory();
    private final long faultSeed;
    private final boolean faults;
    private final boolean usesTtl;
    private final boolean schedules;
    private final int keys;
    private final int keyless;
    private final Node.Limits limits;
    private final Deliveries.Limits bounds;
    private final int parkedBound;
    private FaultyStore store;
    private CrankedNode node;
    private ManualTime time = new ManualTime();
    // Everything needed is in memory, so commands are handled in the order they are handed in.
    private boolean warm;
    private Topic topic;
    private final TreeMap<Long, Sent> log = new TreeMap<>();
    private final Map<String, Expected> expected = new HashMap<>();
    private final Map<String, OrderingModel> models = new HashMap<>();
    private final Map<String, List<Long>> leases = new HashMap<>();
    // Who waits for a message of which subscription.
    private final Map<String, Waiting> waiting = new HashMap<>();
    private final List<String> trace = new ArrayList<>();
    private boolean isStruck;
    private long lastInLog;
    private int nextText;
    private int loop;
    private int steps;

    /// Somebody who waits for a message.
    private static final class Waiting implements Waiter {
      private boolean isWoken;

      @Override
      public boolean wake() {
        isWoken = true;
        return true;
      }
    }

    Simulation(long seed) throws StoreException {
      random = new Random(seed);
      faultSeed = seed;
      faults = random.nextBoolean();
      schedules = random.nextBoolean();
      keys = Arrays.asList(1, 2, 4, 40).get(random.nextInt(4));
      keyless =
          Integer.getInteger("tidings.keyless", Arrays.asList(0, 30, 70).get(random.nextInt(3)));
      boolean hot = random.nextBoolean();
      int deadLetters = random.nextBoolean() ? 100_000 : 1 + random.nextInt(5);
      boolean isParkedBound = random.nextInt(3) == 0;
      usesTtl = !isParkedBound && random.nextInt(3) == 0;
      int outstanding = isParkedBound || random.nextBoolean() ? 100_000 : 3 + random.nextInt(10);
      parkedBound = isParkedBound ? 1 + random.nextInt(12) : Integer.MAX_VALUE;
      bounds =
          new Deliveries.Limits(outstanding, Math.min(parkedBound, 100_000), deadLetters, 60_000);
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
              new Subscriptions.Limits(100, 100, bounds),
              StreamLimits.DEFAULT,
              ExchangeLimits.DEFAULT,
              ScheduleLimits.DEFAULT);
      warm = hot;
      trace.add(
          "faults %s, hot %s, scheduled %s, ttl %s, %d keys, %d %% without, parked %d, %s"
              .formatted(faults, hot, schedules, usesTtl, keys, keyless, parkedBound, bounds));
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
      node.settle();
    }

    String lastSteps() {
      return trace.getFirst()
          + "\n"
          + String.join("\n", trace.subList(Math.max(1, trace.size() - 40), trace.size()));
    }

    void run() throws StoreException {
      int length = random.nextInt(5) == 0 ? 1200 : 400;
      for (int i = 0; i < length; i++) {
        steps++;
        isStruck = faults && random.nextInt(4) == 0;
        if (isStruck) {
          store.faultsOn();
        }
        if (random.nextInt(3) == 0) {
          var _ = node.publish(NOISE, "1", "2");
          node.settle();
        }
        int burst = warm && isNothingKept() && random.nextInt(3) == 0 ? 1 + random.nextInt(5) : 1;
        // From one loop, so that they are handled in this order.
        loop = random.nextInt(2);
        List<Runnable> checks = new ArrayList<>();
        for (int k = 0; k < burst; k++) {
          checks.add(step(burst == 1));
        }
        node.settle();
        discover(true);
        checks.forEach(Runnable::run);
        touch();
        check();
      }
      drain();
    }

    private boolean isNothingKept() {
      return models.values().stream().noneMatch(OrderingModel::isAnyKept);
    }

    /// Hands in a command; what is given back looks at its answer.
    private <R> Runnable ask(String what, Command<R> command, Consumer<R> done) {
      return ask(what, command, done, () -> {});
    }

    private <R> Runnable ask(String what, Command<R> command, Consumer<R> done, Runnable refused) {
      Reply<R> reply = node.submit(command, loop);
      return () -> {
        trace.add(what + " at " + time.monotonicNs() / 1_000_000 + " ms: " + told(reply));
        switch (reply.outcome().orElseThrow(() -> new AssertionError("no answer: " + what))) {
          case Outcome.Done<R>(R result) -> done.accept(result);
          case Outcome.Refused<R>(Refusal refusal) -> {
            assertThat(refusal.code()).as(what).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
            models.values().forEach(OrderingModel::doubt);
            refused.run();
          }
        }
      };
    }

    private static <R> String told(Reply<R> reply) {
      if (reply.outcome().orElse(null)
          instanceof Outcome.Done<R>(LeaseMessages.Leased(var _, long lease, var messages))) {
        return "lease "
            + lease
            + ": "
            + messages.stream()
                .map(it ->
                    it.message().sequence() + it.message().ordering().key() + "/" + it.attempts())
                .toList();
      }
      return "" + reply.outcome();
    }

    private Runnable step(boolean alone) throws StoreException {
      if (models.isEmpty()) {
        return alone ? create() : () -> {};
      }
      OrderingModel model =
          models.values().stream().skip(random.nextInt(models.size())).findFirst().orElseThrow();
      // What is published beside others is seen by them or not.
      int choice = alone ? random.nextInt(100) : 15 + random.nextInt(63);
      if (choice < 15) {
        return publish();
      } else if (choice < 36) {
        return lease(model, alone);
      } else if (choice < 50) {
        return ack(model);
      } else if (choice < 62) {
        return nack(model);
      } else if (choice < 67) {
        return release(model);
      } else if (choice < 72) {
        return extend(model);
      } else if (choice < 77) {
        return reprocess(model);
      } else if (choice < 78) {
        return purge(model);
      } else if (choice < 80) {
        return change(model);
      } else if (choice < 82) {
        return list(model);
      } else if (choice < 84) {
        return trim();
      } else if (choice < 86) {
        return restart();
      } else if (choice < 88) {
        return models.size() < 3 ? create() : delete(model);
      } else if (choice < 92) {
        return sweep(model);
      } else {
        return advance();
      }
    }

    // ---- publishing ----

    private Runnable publish() {
      int count = 1 + random.nextInt(6);
      List<NewMessage> messages = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        boolean matches = random.nextInt(4) != 0;
        long ttl = usesTtl && random.nextInt(3) == 0 ? 1 + random.nextInt(90_000) : Message.NEVER;
        long dueAt =
            schedules && random.nextInt(3) == 0
                ? time.wallMs() - 100 + random.nextInt(20_000)
                : NewMessage.NOW;
        String key = random.nextInt(100) < keyless ? "" : "k" + random.nextInt(keys);
        String payload = "{\"n\":%d,\"k\":\"%s\"}".formatted(nextText++, matches ? "a" : "b");
        Ordering ordering = Ordering.ofKey(key);
        messages.add(new NewMessage(Payload.of(payload), Payload.EMPTY, ttl, ordering, dueAt));
        expected.put(payload, new Expected(key, matches, ttl, dueAt));
      }
      return ask(
          "publish "
              + messages.stream()
                  .map(it -> it.payload().text() + it.ordering().key() + " due " + it.dueAt())
                  .toList(),
          new Publish(TOPIC, new Publish.Authority.Existing(topic.incarnation()), messages),
          published -> assertThat(published.ids()).hasSize(count),
          () ->
              messages.forEach(it ->
                  assertThat(expected.remove(it.payload().text()))
                      .as("refused, and yet published: " + it)
                      .isNotNull()));
    }

    /// Looks into the store for what has come into the log.
    ///
    /// @param maybe whether it may have come after what was asked beside it
    private void discover(boolean maybe) {
      List<Message> found;
      try {
        found =
            new MemoryStore(memory)
                .read(topic.incarnation(), lastInLog + 1, 1000, 1 << 24)
                .messages();
      } catch (StoreException e) {
        throw new AssertionError(e);
      }
      for (Message message : found) {
        Expected of = expected.remove(message.payload().text());
        assertThat(of).as("published once: " + message).isNotNull();
        assertThat(message.timestamp()).isGreaterThanOrEqualTo(of.dueAt());
        assertThat(message.ordering().key()).isEqualTo(of.key());
        long expiresAt =
            of.ttlMs() == Message.NEVER ? Message.NEVER : message.timestamp() + of.ttlMs();
        assertThat(message.expiresAt()).isEqualTo(expiresAt);
        Sent sent =
            new Sent(
                message.sequence(),
                message.payload().text(),
                of.key(),
                of.matching(),
                expiresAt,
                maybe);
        lastInLog = sent.sequence();
        log.put(lastInLog, sent);
        models.values().forEach(model -> model.published(sent));
      }
    }

    // ---- subscriptions ----

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
      boolean filtered = random.nextInt(3) == 0;
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
            OrderingModel model = new OrderingModel(created, filtered, bounds, parkedBound);
            switch (from) {
              // What was due at this moment may have come before.
              case From.Now() -> log.tailMap(created.start()).values().forEach(model::published);
              case From.Earliest() -> log.values().forEach(model::published);
              case From.At(long sequence) ->
                  log.tailMap(sequence).values().forEach(model::published);
            }
            models.put(id, model);
            leases.put(id, new ArrayList<>());
          });
    }

    private Runnable delete(OrderingModel model) {
      return ask(
          "delete " + model.entry.id(),
          new DeleteSubscription(model.entry),
          _ -> {
            models.remove(model.entry.id());
            waiting.remove(model.entry.id());
          });
    }

    private Runnable change(OrderingModel model) {
      // Never fewer attempts: a lease that has ended may be judged by the old policy or the new.
      DeliveryPolicy policy = policy(model.policy.maxAttempts());
      return ask(
          "change " + model.entry.id() + " to " + policy,
          new ChangeSubscription(model.entry, policy),
          _ -> model.policy = policy);
    }

    // ---- consuming ----

    private Runnable lease(OrderingModel model, boolean alone) {
      int max = random.nextInt(4) == 0 ? 100 : 1 + random.nextInt(8);
      OptionalLong forMs =
          random.nextBoolean() ? OptionalLong.empty() : OptionalLong.of(1 + random.nextInt(30_000));
      Optional<Waiting> waiter =
          alone && !waiting.containsKey(model.entry.id()) && random.nextBoolean()
              ? Optional.of(new Waiting())
              : Optional.empty();
      model.asked();
      return ask(
          "lease " + max + " of " + model.entry.id() + (waiter.isPresent() ? ", or wait" : ""),
          new LeaseMessages(model.entry, max, forMs, waiter.map(it -> it)),
          leased -> {
            leased(model, max, forMs, leased);
            if (leased.messages().isEmpty() && waiter.isPresent()) {
              assertThat(waiter.get().isWoken && !isStruck && expected.isEmpty())
                  .as("called at once, for nothing" + model)
                  .isFalse();
              waiting.put(model.entry.id(), waiter.get());
            }
          });
    }

    private void leased(
        OrderingModel model, int max, OptionalLong forMs, LeaseMessages.Leased leased) {
      model.leased(
          max,
          forMs.orElse(model.policy.ackDeadlineMs().orElse(60_000)),
          leased.lease(),
          leased.messages(),
          warm && isNothingKept() && !isStruck,
          time);
      leases.get(model.entry.id()).add(leased.lease());
    }

    /// Leases until nothing comes.
    private Runnable sweep(OrderingModel model) {
      if (isStruck) {
        return () -> {};
      }
      int most = random.nextBoolean() ? 100 : 1 + random.nextInt(5);
      LeaseMessages.Leased leased;
      do {
        Reply<LeaseMessages.Leased> reply =
            node.submit(
                new LeaseMessages(model.entry, most, OptionalLong.empty(), Optional.empty()));
        node.settle();
        discover(true);
        trace.add("sweep " + most + " of " + model.entry.id() + ": " + told(reply));
        leased = reply.done();
        leased(model, most, OptionalLong.empty(), leased);
      } while (!leased.messages().isEmpty());
      return () -> {};
    }

    /// Any messages, mostly some that are leased, perhaps under one lease.
    private Meant meant(OrderingModel model) {
      List<Long> sequences = new ArrayList<>();
      for (Sent sent : log.values()) {
        Copy copy = model.find(sent.sequence());
        boolean isLeased = copy != null && copy.state == State.LEASED;
        if (random.nextInt(isLeased ? 2 : 60) == 0) {
          sequences.add(sent.sequence());
        }
      }
      if (random.nextInt(5) == 0) {
        sequences.add(random.nextLong(1000));
        sequences.addAll(List.copyOf(sequences));
      }
      if (random.nextInt(4) == 0) {
        // Some that wait behind others.
        model.behindOthers().stream()
            .filter(_ -> random.nextInt(8) == 0)
            .forEach(it -> sequences.add(it.sequence()));
      }
      List<Long> known = leases.get(model.entry.id());
      OptionalLong lease =
          random.nextInt(3) > 0 || known.isEmpty()
              ? OptionalLong.empty()
              : OptionalLong.of(known.get(random.nextInt(known.size())));
      // It depends on who came by whether such a message is known to have expired; and one that is
      // published beside this is known to nobody.
      sequences.removeIf(sequence -> {
        Copy copy = model.find(sequence);
        return copy == null
            ? !log.containsKey(sequence)
            : copy.state != State.LEASED && copy.isExpired(time);
      });
      return new Meant(sequences, lease);
    }

    private static List<Copy> meant(OrderingModel model, Meant meant, State... states) {
      List<Copy> found = new ArrayList<>();
      for (long sequence : new HashSet<>(meant.sequences())) {
        Copy copy = model.find(sequence);
        if (copy != null
            && List.of(states).contains(copy.state)
            && (meant.lease().isEmpty()
                || (copy.state == State.LEASED && copy.lease == meant.lease().getAsLong()))) {
          found.add(copy);
        }
      }
      return found;
    }

    private Runnable ack(OrderingModel model) {
      Meant meant = meant(model);
      return ask(
          "ack " + meant + " of " + model.entry.id(),
          new AckMessages(model.entry, meant),
          acked -> {
            List<Copy> live =
                meant(model, meant, State.FRESH, State.LEASED, State.WAITING, State.RELEASED);
            assertThat(acked).isEqualTo(live.size());
            live.forEach(model::ack);
          });
    }

    private Runnable nack(OrderingModel model) {
      Meant meant = meant(model);
      OptionalLong delayMs =
          random.nextInt(3) == 0 ? OptionalLong.of(random.nextInt(9000)) : OptionalLong.empty();
      return ask(
          "nack " + meant + " of " + model.entry.id() + " for " + delayMs,
          new NackMessages(model.entry, meant, delayMs),
          rest -> {
            List<Copy> failed = meant(model, meant, State.LEASED);
            failed.removeIf(copy -> rest.contains(copy.sequence()));
            // The oldest dead letter is dropped when one too many comes.
            failed.sort((one, other) -> Long.compare(one.sequence(), other.sequence()));
            failed.forEach(copy -> model.nack(copy, delayMs.orElse(model.backoff(copy)), time));
          });
    }

    private Runnable release(OrderingModel model) {
      Meant meant = meant(model);
      return ask(
          "release " + meant + " of " + model.entry.id(),
          new ReleaseMessages(model.entry, meant),
          _ -> meant(model, meant, State.LEASED).forEach(copy -> model.release(copy, time)));
    }

    private Runnable extend(OrderingModel model) {
      Meant meant = meant(model);
      long forMs = 1L + random.nextInt(40_000);
      return ask(
          "extend " + meant + " of " + model.entry.id() + " by " + forMs,
          new ExtendLeases(model.entry, meant, forMs),
          _ -> meant(model, meant, State.LEASED).forEach(copy -> model.extend(copy, forMs, time)));
    }

    private List<Long> someDead(OrderingModel model) {
      List<Long> some = new ArrayList<>();
      for (Copy copy : model.in(State.DEAD)) {
        if (random.nextBoolean()) {
          some.add(copy.sequence());
        }
      }
      model.live().stream()
          .filter(_ -> random.nextInt(40) == 0)
          .forEach(it -> some.add(it.sequence()));
      return some;
    }

    private Runnable reprocess(OrderingModel model) {
      List<Long> some = someDead(model);
      return ask(
          "reprocess " + some + " of " + model.entry.id(),
          new ReprocessDeadLetters(model.entry, some),
          _ -> {
            Set<Long> once = new HashSet<>(some);
            model.in(State.DEAD).stream()
                .filter(it -> once.contains(it.sequence()))
                .forEach(it -> model.reprocess(it, time));
          });
    }

    private Runnable purge(OrderingModel model) {
      boolean all = random.nextInt(3) == 0;
      List<Long> some = someDead(model);
      return ask(
          "purge " + (all ? "all" : some) + " of " + model.entry.id(),
          new PurgeDeadLetters(model.entry, all ? Optional.empty() : Optional.of(some)),
          _ ->
              model.in(State.DEAD).stream()
                  .filter(it -> all || some.contains(it.sequence()))
                  .forEach(model::purge));
    }

    private Runnable list(OrderingModel model) {
      return ask(
          "list dead letters of " + model.entry.id(),
          new ListDeadLetters(model.entry, new ListDeadLetters.Which.Page(0, 1000)),
          listed -> checkDead(model, listed));
    }

    private static void checkDead(OrderingModel model, List<Delivered> listed) {
      assertThat(
              listed.stream()
                  .map(it ->
                      it.message().payload().text()
                          + " after "
                          + it.attempts()
                          + " of "
                          + it.message().ordering().key())
                  .toList())
          .isEqualTo(
              model.in(State.DEAD).stream()
                  .map(copy ->
                      copy.sent.payload() + " after " + copy.attempts + " of " + copy.sent.key())
                  .toList());
    }

    // ---- what happens besides ----

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
            models.values().forEach(model -> model.trimmed(cut, forced, time));
            log.headMap(cut).clear();
          });
    }

    private Runnable restart() throws StoreException {
      Duration jump = Duration.ofMillis(random.nextInt(20_000));
      long wall = time.wallMs();
      time = new ManualTime();
      time.jumpWall(Duration.ofMillis(wall - ManualTime.BEGINNING_MS).plus(jump));
      warm = false;
      start();
      topic = node.node().directory().topic(TOPIC).orElseThrow();
      trace.add("restart, wall clock " + jump);
      waiting.clear();
      models.values().forEach(model -> model.restart(time));
      return () -> {};
    }

    private Runnable advance() {
      Duration by = Duration.ofMillis(random.nextInt(random.nextInt(4) == 0 ? 60_000 : 5000));
      time.advance(by);
      trace.add("advance by " + by);
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
      if (node.node().lane().phase() != CommitLane.Phase.RUNNING) {
        models.values().forEach(OrderingModel::doubt);
      }
      while (node.node().lane().phase() != CommitLane.Phase.RUNNING) {
        time.advance(Duration.ofMillis(50));
        node.settle();
      }
      models.values().forEach(model -> counts(model));
      // One look may load what the next needs: for each lease that has ended, at worst.
      int leased = models.values().stream().mapToInt(it -> it.in(State.LEASED).size()).sum();
      for (int i = 0; i < 20 + leased; i++) {
        tend();
      }
      discover(false);
      models.values().forEach(OrderingModel::seen);
      models.values().forEach(model -> model.expire(time));
    }

    private Counts counts(OrderingModel model) {
      Reply<Counts> reply = node.submit(new CountMessages(model.entry));
      node.settle();
      return reply.done();
    }

    private void check() {
      for (OrderingModel model : models.values()) {
        model.check(counts(model), time, usesTtl);
        Waiting waiter = waiting.get(model.entry.id());
        if (waiter != null && model.isSomethingDue(time)) {
          assertThat(waiter.isWoken).as(() -> "nobody called who waits: " + model).isTrue();
        }
        if (waiter != null && waiter.isWoken) {
          waiting.remove(model.entry.id());
        } else if (waiter != null && random.nextInt(10) == 0) {
          node.submit(new StopWaiting(model.entry, waiter));
          node.settle();
          waiting.remove(model.entry.id());
        }
      }
    }

    /// Everything that is not settled comes, and nothing else.
    private void drain() {
      trace.add("drain");
      // What was published for later is there.
      for (int i = 0; i < 30; i++) {
        time.advance(Duration.ofSeconds(1));
        touch();
      }
      assertThat(expected).isEmpty();
      for (OrderingModel model : List.copyOf(models.values())) {
        trace.add("drain " + model.entry.id());
        // As often as a message may be waited for: what comes is acked.
        for (int empty = 0; empty < 2; ) {
          touch();
          Reply<LeaseMessages.Leased> reply =
              node.submit(
                  new LeaseMessages(model.entry, 50, OptionalLong.empty(), Optional.empty()));
          node.settle();
          LeaseMessages.Leased leased = reply.done();
          trace.add("drained " + told(reply));
          leased(model, 50, OptionalLong.empty(), leased);
          List<Long> sequences =
              leased.messages().stream().map(it -> it.message().sequence()).toList();
          Reply<Long> acked =
              node.submit(new AckMessages(model.entry, new Meant(sequences, OptionalLong.empty())));
          node.settle();
          assertThat(acked.done()).isEqualTo(sequences.size());
          for (long sequence : sequences) {
            Copy copy = model.find(sequence);
            assertThat(copy).isNotNull();
            model.ack(copy);
          }
          if (leased.messages().isEmpty()) {
            empty++;
            time.advance(Duration.ofMinutes(3));
          }
        }
        assertThat(model.live()).as("what is left" + model).allMatch(it -> it.isExpired(time));
        Reply<List<Delivered>> dead =
            node.submit(new ListDeadLetters(model.entry, new ListDeadLetters.Which.Page(0, 1000)));
        node.settle();
        checkDead(model, dead.done());
        touch();
        check();
      }
    }
  }
}
