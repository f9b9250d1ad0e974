// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CancelScheduled;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CrankedExecutor;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved.Why;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Random publishes for now and for later, cancels, deletions, steps of time, restarts and faults,
/// from a seed; a model that knows what was answered judges what came into the logs, and when.
class ScheduleSimulationTest {
  private static final long TIME_NS = Duration.ofSeconds(6).toNanos();
  private static final int STEPS = 800;
  // Well below how long a request under an idempotency key is remembered.
  private static final long REPEATED_FOR_MS = 300_000;
  private static final int MAX_PAYLOAD = 2_000;
  // More than a message of that size takes in memory.
  private static final int MAX_HEAP = 3_000;

  @Test
  void everyMessage_comesOnceAndInTime_orNever() throws Exception {
    // A fresh seed each time, printed when it fails; -Dtidings.seed=N repeats one.
    Long repeated = Long.getLong("tidings.seed");
    long seed = repeated != null ? repeated : new Random().nextLong();
    long startNs = System.nanoTime();
    int rounds = 0;
    do {
      try {
        new World(seed).run();
      } catch (Throwable e) {
        throw new AssertionError("seed " + seed + ": repeat with -Dtidings.seed=" + seed, e);
      }
      rounds++;
      seed++;
    } while (repeated == null && System.nanoTime() - startNs < TIME_NS);
    assertThat(rounds).isPositive();
  }

  /// One publish, as the model knows it.
  private record Published(
      Publish command, long firstHandedInMs, Answer<Publish.Published> answer) {
    String topic() {
      return command.topic();
    }

    List<NewMessage> messages() {
      return command.messages();
    }

    String text(int index) {
      return messages().get(index).payload().text();
    }

    List<PublishedId> ids() {
      return answer.done().map(Publish.Published::ids).orElse(List.of());
    }
  }

  private record Cancelled(List<ScheduledId> ids, Answer<Integer> answer) {}

  /// What came of a command, if it was told before the process ended, and when.
  private static final class Answer<R> {
    private @Nullable Outcome<R> outcome;
    private long atMs;

    /// It was done.
    Optional<R> done() {
      return outcome instanceof Outcome.Done<R>(R result) ? Optional.of(result) : Optional.empty();
    }

    /// It certainly did nothing.
    boolean isRefused() {
      return outcome instanceof Outcome.Refused<R>(Refusal refusal)
          && refusal.code() != Refusal.Code.OUTCOME_UNKNOWN;
    }

    boolean isOpen() {
      return !isRefused() && done().isEmpty();
    }
  }

  private static final class World {
    private final Random random;
    private final int loops;
    private final long memoryBytes;
    private final long limit;
    private final boolean setsClock;
    private final boolean hasFaults;
    private final Scheduling on;
    private final List<String> topics = List.of("a", "b", "c", "d", "e");
    private final List<Published> published = new ArrayList<>();
    private final List<Cancelled> cancelled = new ArrayList<>();
    // Numbers of logs whose topic was perhaps deleted.
    private final Set<Integer> doomed = new HashSet<>();
    private final Set<Integer> logs = new HashSet<>();
    private final List<ScheduledId> known = new ArrayList<>();
    private int texts;
    // How much was appended before the first restart: until then every log is in memory.
    private int appendedInFirstRun = -1;

    World(long seed) throws StoreException {
      random = new Random(seed);
      loops = 1 + random.nextInt(3);
      memoryBytes =
          switch (random.nextInt(3)) {
            case 0 -> 1 << 20;
            case 1 -> loops * (long) random.nextInt(20_000);
            default -> loops * (long) random.nextInt(4_000);
          };
      limit = random.nextInt(4) == 0 ? 5 + random.nextInt(60) : 1_000_000;
      setsClock = random.nextInt(3) == 0;
      hasFaults = random.nextInt(4) > 0;
      on = new Scheduling(loops, new ScheduleLimits(limit, memoryBytes), seed);
      trouble();
    }

    void run() throws StoreException {
      for (int i = 0; i < STEPS; i++) {
        act();
        crank(random.nextInt(6));
        checkMemory();
        if (random.nextInt(100) == 0) {
          checkCounts();
        }
      }
      end();
      checkAppended();
      checkOrder();
      checkCancelled();
      checkIdempotency();
    }

    // ---- what happens ----

    private void act() throws StoreException {
      switch (random.nextInt(30)) {
        case 0, 1, 2, 3, 4, 5, 6, 7 -> publish(1 + random.nextInt(random.nextInt(8) == 0 ? 30 : 4));
        case 8 -> publishAgain();
        case 9, 10, 11 -> cancel();
        case 12 -> {
          if (random.nextInt(20) == 0) {
            delete();
          }
        }
        case 13 -> {
          if (random.nextInt(10) == 0) {
            restart();
          }
        }
        case 14 -> troubleOrNot();
        case 15, 16 -> on.time.advance(Duration.ofMillis(random.nextInt(2_000)));
        case 17 -> {
          if (random.nextInt(4) == 0) {
            on.time.advance(Duration.ofMillis(random.nextInt(70_000)));
          }
        }
        case 18 -> {
          if (setsClock) {
            on.jump(random.nextInt(20_000) - 10_000);
          }
        }
        default -> on.time.advance(Duration.ofMillis(random.nextInt(50)));
      }
    }

    private NewMessage message() {
      String text = "\"" + texts++ + "\"" + " ".repeat(size());
      long delay =
          switch (random.nextInt(8)) {
            case 0 -> -random.nextInt(1000);
            case 1, 2 -> random.nextInt(200);
            case 3, 4 -> random.nextInt(5_000);
            case 5, 6 -> random.nextInt(90_000);
            default -> random.nextInt(600_000);
          };
      return on.later(delay, text);
    }

    private int size() {
      return random.nextInt(4) == 0 ? random.nextInt(MAX_PAYLOAD) : 0;
    }

    private void publish(int count) {
      NewMessage[] messages = new NewMessage[count];
      for (int i = 0; i < count; i++) {
        messages[i] = message();
      }
      String topic = topics.get(random.nextInt(topics.size()));
      Publish command = on.publishing(topic, messages);
      if (random.nextInt(6) == 0) {
        Fingerprint fingerprint = Fingerprint.of("/", "1".getBytes(StandardCharsets.UTF_8));
        command =
            new Publish(
                topic,
                command.authority(),
                command.messages(),
                Optional.of(new KeyedRequest("ada", "k" + texts, 0, fingerprint)));
      }
      hand(command, on.time.wallMs());
    }

    private void publishAgain() {
      long now = on.time.wallMs();
      List<Published> keyed =
          published.stream()
              .filter(it -> it.command().request().isPresent())
              .filter(it -> it.firstHandedInMs() > now - REPEATED_FOR_MS)
              .toList();
      if (!keyed.isEmpty()) {
        Published one = keyed.get(random.nextInt(keyed.size()));
        hand(one.command(), one.firstHandedInMs());
      }
    }

    private void hand(Publish command, long firstHandedInMs) {
      Answer<Publish.Published> answer = new Answer<>();
      published.add(new Published(command, firstHandedInMs, answer));
      submit(command, answer);
    }

    private <R> void submit(Command<R> command, Answer<R> answer) {
      CrankedExecutor home = on.node.executor(random.nextInt(loops));
      Reply<R> once = new Reply<>(home);
      home.run(() ->
          on.node
              .node()
              .submit(
                  command,
                  home,
                  outcome -> {
                    once.accept(outcome);
                    answer.outcome = outcome;
                    answer.atMs = on.time.wallMs();
                    if (outcome instanceof Outcome.Done<R>(R result)
                        && result instanceof Publish.Published done) {
                      note(done);
                    }
                  }));
    }

    private void note(Publish.Published done) {
      for (PublishedId id : done.ids()) {
        logs.add(id.incarnation());
        if (id instanceof ScheduledId scheduled) {
          known.add(scheduled);
        }
      }
    }

    private void cancel() {
      if (known.isEmpty()) {
        return;
      }
      ScheduledId one = known.get(random.nextInt(known.size()));
      Optional<String> topic =
          topics.stream()
              .filter(name ->
                  on.node
                      .node()
                      .directory()
                      .topic(name)
                      .filter(it -> it.incarnation() == one.incarnation())
                      .isPresent())
              .findFirst();
      if (topic.isEmpty()) {
        return;
      }
      List<ScheduledId> ids = new ArrayList<>(List.of(one));
      for (int i = random.nextInt(4); i > 0; i--) {
        ids.add(known.get(random.nextInt(known.size())));
      }
      if (random.nextInt(10) == 0) {
        ids.add(
            new ScheduledId(
                on.time.wallMs() + random.nextInt(100_000),
                1 + random.nextInt(texts + 100),
                one.incarnation()));
      }
      Answer<Integer> answer = new Answer<>();
      cancelled.add(new Cancelled(ids, answer));
      submit(new CancelScheduled(topic.get(), one.incarnation(), ids), answer);
    }

    private void delete() {
      String name = topics.get(random.nextInt(topics.size()));
      Optional<Topic> topic = on.node.node().directory().topic(name);
      if (topic.isPresent()) {
        doomed.add(topic.get().incarnation());
        submit(new DeleteTopic(name, topic.get().incarnation()), new Answer<>());
      }
    }

    private void restart() throws StoreException {
      if (appendedInFirstRun < 0) {
        appendedInFirstRun = on.watched.appended.size();
      }
      on.restartAfter(random.nextInt(4) == 0 ? random.nextInt(100_000) : 0);
      trouble();
    }

    private void trouble() {
      if (!hasFaults) {
        return;
      }
      Rates rates = new Rates(0.03, 0.03, 0.03);
      var _ = on.store.rate(Method.COMMIT, rates);
      var _ = on.store.rate(Method.REOPEN, new Rates(0.3, 0, 0.1));
      var _ = on.store.rate(Method.WAS_COMMITTED, new Rates(0.2, 0, 0));
      var _ = on.store.rate(Method.EXTENT, new Rates(0.2, 0.1, 0));
      var _ = on.store.rate(Method.READ_SCHEDULED, new Rates(0.1, 0.1, 0));
    }

    private void troubleOrNot() throws StoreException {
      if (!hasFaults) {
        return;
      }
      switch (random.nextInt(10)) {
        case 0 -> on.store.faultsOn();
        case 1, 2, 3 -> on.store.faultsOff();
        case 4 -> on.store.down();
        case 5 ->
            logs.stream().filter(_ -> random.nextBoolean()).forEach(on.watched.unreadable::add);
        case 6 -> on.watched.unreadable.clear();
        default -> on.up();
      }
    }

    private void crank(int tasks) {
      for (int i = 0; i < tasks; i++) {
        int which = random.nextInt(loops + 2);
        if (which < loops) {
          // Often many tasks at once, else the node never gets anywhere.
          int many = random.nextBoolean() ? 1 : 20;
          while (many-- > 0 && on.node.executor(which).runOne()) {
            // Its condition does the work.
          }
        } else if (which == loops) {
          boolean _ = on.node.blocking().runOne();
        } else {
          long _ = on.node.node().lane().step();
        }
      }
    }

    private void end() throws StoreException {
      on.watched.unreadable.clear();
      on.heal();
      if (random.nextBoolean()) {
        restart();
        on.store.faultsOff();
        on.settle();
      }
      if (appendedInFirstRun < 0) {
        appendedInFirstRun = on.watched.appended.size();
      }
      for (int i = 0; i < 80; i++) {
        on.pass(10_000);
        // What does not fit in memory comes a little at a time.
        on.pass(1);
        checkMemory();
      }
      on.passInSteps(10_000, 1_000);
      on.checkEmpty();
    }

    // ---- the model ----

    private void checkMemory() {
      assertThat(on.figures().heldBytes()).isBetween(0L, memoryBytes + loops * (long) MAX_HEAP);
    }

    /// What the node says of itself is what the store holds, once all is quiet.
    private void checkCounts() throws StoreException {
      on.settle();
      if (on.node.node().lane().status().accepting()) {
        long waiting = on.waiting();
        assertThat(on.figures().held()).isLessThanOrEqualTo(waiting);
        // Those that were under way together are not seen by each other.
        assertThat(waiting).isLessThan(limit + 500);
      }
    }

    /// The message in its log, by its text.
    private Map<String, Message> contents() throws StoreException {
      Map<String, Message> contents = new HashMap<>();
      for (int log : logs) {
        long last = Long.MIN_VALUE;
        for (Message message :
            on.content.read(log, 1, Integer.MAX_VALUE, Long.MAX_VALUE).messages()) {
          assertThat(message.timestamp()).isGreaterThanOrEqualTo(last);
          last = message.timestamp();
          assertThat(contents.put(log + " " + message.payload().text(), message))
              .as("once: %s", message.payload().text().strip())
              .isNull();
        }
      }
      return contents;
    }

    private void checkAppended() throws StoreException {
      Map<String, Message> contents = contents();
      Set<String> expected = new HashSet<>();
      Set<String> possible = new HashSet<>();
      Map<ScheduledId, String> seen = new HashMap<>();
      for (Published one : published) {
        List<PublishedId> ids = one.ids();
        assertThat(ids.size()).isIn(0, one.messages().size());
        for (int i = 0; i < one.messages().size(); i++) {
          String text = one.text(i);
          if (ids.isEmpty()) {
            if (one.answer().isOpen()) {
              logs.forEach(log -> possible.add(log + " " + text));
            }
            continue;
          }
          PublishedId id = ids.get(i);
          String key = id.incarnation() + " " + text;
          possible.add(key);
          boolean isExpected =
              switch (id) {
                case ScheduledId scheduled -> {
                  assertThat(scheduled.dueAt()).isEqualTo(one.messages().get(i).dueAt());
                  String before = seen.put(scheduled, text);
                  assertThat(before == null || before.equals(text)).isTrue();
                  Why fate = on.watched.fates.get(scheduled);
                  assertThat(fate).as("known: %s", scheduled).isNotNull();
                  if (fate == Why.ABANDONED) {
                    assertThat(doomed).contains(scheduled.incarnation());
                  }
                  yield fate == Why.APPENDED;
                }
                case MessageId _ -> true;
              };
          boolean isThere = contents.containsKey(key);
          if (!isExpected) {
            assertThat(isThere).as("never: %s, %s", text.strip(), id).isFalse();
          } else if (!doomed.contains(id.incarnation())) {
            // What was in a log that is gone is gone.
            assertThat(isThere).as("once: %s, %s", text.strip(), id).isTrue();
            expected.add(key);
          }
          if (isThere) {
            Message message = contents.get(key);
            assertThat(message).isNotNull();
            assertThat(message.timestamp())
                .as("not before it is due: %s", id)
                .isGreaterThanOrEqualTo(one.messages().get(i).dueAt());
          }
        }
      }
      assertThat(contents.keySet()).containsAll(expected);
      assertThat(possible).containsAll(contents.keySet());
    }

    /// What was appended later than another though it was due earlier was not known to wait when
    /// the other was taken.
    private void checkOrder() throws StoreException {
      if (setsClock) {
        return;
      }
      Map<String, Message> contents = contents();
      Map<ScheduledId, Long> waitsFrom = new HashMap<>();
      Map<ScheduledId, Long> appendedAt = new HashMap<>();
      Map<Integer, Integer> shards = new HashMap<>();
      for (Published one : published) {
        List<PublishedId> ids = one.ids();
        for (int i = 0; i < ids.size(); i++) {
          if (ids.get(i) instanceof ScheduledId id) {
            waitsFrom.merge(id, one.answer().atMs, Math::min);
            shards.put(id.incarnation(), Slot.of(Slot.Kind.TOPIC, one.topic()) % loops);
            Message message = contents.get(id.incarnation() + " " + one.text(i));
            if (message != null) {
              appendedAt.put(id, message.timestamp());
            }
          }
        }
      }
      // The latest due time among those appended before, and when that one was taken: for each log,
      // and while all logs were in memory for each shard.
      Map<Integer, ScheduledId> highestOfLog = new HashMap<>();
      Map<Integer, ScheduledId> highestOfShard = new HashMap<>();
      int place = 0;
      for (ScheduledId id : on.watched.appended) {
        Long at = appendedAt.get(id);
        Long from = waitsFrom.get(id);
        boolean isFirstRun = place++ < appendedInFirstRun;
        if (at == null || from == null) {
          continue;
        }
        checkAfter(highestOfLog.get(id.incarnation()), id, from, appendedAt);
        int shard = shards.getOrDefault(id.incarnation(), -1);
        if (isFirstRun) {
          checkAfter(highestOfShard.get(shard), id, from, appendedAt);
        }
        raise(highestOfLog, id.incarnation(), id);
        raise(highestOfShard, shard, id);
      }
    }

    private static void raise(Map<Integer, ScheduledId> highest, int key, ScheduledId id) {
      highest.merge(key, id, (a, b) -> a.compareTo(b) > 0 ? a : b);
    }

    private static void checkAfter(
        @Nullable ScheduledId before,
        ScheduledId id,
        long waitsFrom,
        Map<ScheduledId, Long> appendedAt) {
      if (before != null && before.compareTo(id) > 0) {
        long taken = appendedAt.getOrDefault(before, Long.MAX_VALUE);
        long own = appendedAt.getOrDefault(id, 0L);
        boolean isOneCommand = own == taken && before.incarnation() != id.incarnation();
        assertThat(isOneCommand || waitsFrom >= taken)
            .as("%s, known from %s, after %s, taken at %s", id, waitsFrom, before, taken)
            .isTrue();
      }
    }

    private void checkCancelled() {
      Set<ScheduledId> possible = new HashSet<>();
      int certain = 0;
      boolean isOpen = false;
      for (Cancelled one : cancelled) {
        Optional<Integer> count = one.answer().done();
        if (count.isPresent()) {
          long gone =
              one.ids().stream()
                  .distinct()
                  .filter(id -> on.watched.fates.get(id) == Why.CANCELLED)
                  .count();
          assertThat((long) count.get()).isLessThanOrEqualTo(gone);
          certain += count.get();
        }
        isOpen |= one.answer().isOpen();
        if (!one.answer().isRefused()) {
          possible.addAll(one.ids());
        }
      }
      List<ScheduledId> gone =
          on.watched.fates.entrySet().stream()
              .filter(it -> it.getValue() == Why.CANCELLED)
              .map(Map.Entry::getKey)
              .toList();
      assertThat(possible).containsAll(gone);
      if (isOpen) {
        assertThat(gone).hasSizeGreaterThanOrEqualTo(certain);
      } else {
        assertThat(gone).hasSize(certain);
      }
    }

    private void checkIdempotency() {
      Map<KeyedRequest, List<PublishedId>> answers = new HashMap<>();
      for (Published one : published) {
        List<PublishedId> ids = one.ids();
        one.command()
            .request()
            .filter(_ -> !ids.isEmpty())
            .ifPresent(request -> {
              List<PublishedId> before = answers.put(request, ids);
              assertThat(before == null || before.equals(ids)).isTrue();
            });
      }
    }
  }
}
