// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.GrantAccess;
import dev.tidings.core.command.Publish;
import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.FailingStore.Commit;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreHealth;
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

/// Random commands, random interleavings, random faults and jumps of time, from a seed; a model
/// that knows only what was answered and delivered judges the outcome.
class SimulationTest {
  private static final long TIME_NS = Duration.ofSeconds(4).toNanos();
  private static final int STEPS = 1500;
  // All but the one that ends writing for good.
  private static final List<Commit> OUTCOMES =
      List.of(Commit.WORKS, Commit.FAILS_BEFORE, Commit.FAILS_AFTER, Commit.CRASHES);

  @Test
  void everythingAnsweredIsDelivered_andNothingElse() throws Exception {
    // A fresh seed each time, printed when it fails; -Dtidings.seed=N repeats one.
    Long repeated = Long.getLong("tidings.seed");
    long seed = repeated != null ? repeated : new Random().nextLong();
    long startNs = System.nanoTime();
    int rounds = 0;
    do {
      try {
        new Simulation(seed).run();
      } catch (Throwable e) {
        throw new AssertionError("seed " + seed + ": repeat with -Dtidings.seed=" + seed, e);
      }
      rounds++;
      seed++;
    } while (repeated == null && System.nanoTime() - startNs < TIME_NS);
    assertThat(rounds).isPositive();
  }

  /// A publish as the model knows it.
  private static final class Published {
    final String topic;
    final List<String> texts;
    final Reply<Publish.Published> reply;

    Published(String topic, List<String> texts, Reply<Publish.Published> reply) {
      this.topic = topic;
      this.texts = texts;
      this.reply = reply;
    }
  }

  private static final class Simulation {
    private final Random random;
    private final MemoryStore.Memory memory = new MemoryStore.Memory();
    private final MemoryStore content = new MemoryStore(memory);
    private final FailingStore store = new FailingStore(new MemoryStore(memory));
    private final CrankedNode node;
    private final List<String> topics = List.of("a", "b", "c", "d", "e");
    private final List<Published> published = new ArrayList<>();
    private final List<Reply<?>> others = new ArrayList<>();
    private final List<Watcher> watchers = new ArrayList<>();
    private int nextText;
    private boolean healing;
    // A reply that throws is only logged, so it notes here what it saw.
    private boolean answeredWrongly;

    Simulation(long seed) throws StoreException {
      random = new Random(seed);
      boolean roomy = random.nextBoolean();
      if (random.nextBoolean()) {
        fillBefore();
      }
      node =
          CrankedNode.on(
              store,
              1 + random.nextInt(3),
              new Node.Limits(
                  roomy ? 1 << 20 : random.nextInt(5000),
                  roomy ? 1 << 20 : random.nextInt(5000),
                  30 + random.nextInt(100),
                  1 << 20,
                  new CommitLane.Limits(1 + random.nextInt(20), 1 + random.nextInt(20_000))),
              new ManualTime());
    }

    /// What an earlier process left: logs that have to be loaded.
    private void fillBefore() throws StoreException {
      CrankedNode earlier = CrankedNode.on(new MemoryStore(memory), 1);
      for (String topic : topics.subList(0, 3)) {
        for (int i = random.nextInt(5); i > 0; i--) {
          var reply = earlier.publish(topic, "\"before " + nextText++ + "\"");
          earlier.settle();
          assertThat(CrankedNode.ids(reply.done())).hasSize(1);
        }
      }
    }

    void run() throws StoreException {
      for (int i = 0; i < STEPS; i++) {
        act();
        crank(random.nextInt(4));
      }
      heal();
      checkAnswers();
      checkDeliveries();
      checkItStillWorks();
    }

    private void act() {
      String topic = topics.get(random.nextInt(topics.size()));
      switch (random.nextInt(24)) {
        case 0, 1, 2, 3, 4, 5 -> publish(topic, 1);
        case 6 -> publish(topic, 1 + random.nextInt(30));
        case 7 ->
            others.add(node.submit(new CreateTopic(topic, "x", false, Optional.empty()), loop()));
        case 8 ->
            node.node()
                .directory()
                .topic(topic)
                .ifPresent(it ->
                    others.add(
                        node.submit(
                            new GrantAccess(topic, it.incarnation(), "u" + random.nextInt(50)),
                            loop())));
        case 9, 10 -> watch(topic);
        case 11 -> closeOne();
        case 12 -> {
          if (random.nextInt(4) == 0) {
            store.nextCommits(OUTCOMES.get(random.nextInt(OUTCOMES.size())));
            store.reopensToFail = Math.max(0, random.nextInt(6) - 3);
          }
        }
        case 13 -> store.down = !store.down && random.nextInt(6) == 0;
        case 14 -> store.readsFail = !store.readsFail && random.nextInt(4) == 0;
        case 15 ->
            store.health =
                random.nextInt(10) == 0
                    ? new StoreHealth(false, "disk full", List.of(), random.nextBoolean())
                    : StoreHealth.OK;
        case 16, 17 -> node.time().advance(Duration.ofMillis(random.nextInt(300)));
        case 18 -> {
          if (random.nextInt(5) == 0) {
            node.time().advance(Duration.ofSeconds(random.nextInt(8)));
          }
        }
        case 19 -> node.time().jumpWall(Duration.ofSeconds(random.nextInt(20) - 10));
        default -> nudge();
      }
    }

    private int loop() {
      return random.nextInt(node.executors().size());
    }

    private void publish(String topic, int count) {
      String[] texts = new String[count];
      for (int i = 0; i < count; i++) {
        texts[i] = "\"" + nextText++ + "x".repeat(random.nextInt(40)) + "\"";
      }
      Publish command = node.publishing(topic, texts);
      CrankedExecutor home = node.executor(loop());
      Reply<Publish.Published> reply = new Reply<>(home);
      published.add(new Published(topic, List.of(texts), reply));
      home.run(() ->
          node.node()
              .submit(
                  command,
                  home,
                  outcome -> {
                    reply.accept(outcome);
                    if (outcome instanceof Outcome.Done) {
                      checkDurableNow(topic, CrankedNode.ids(reply.done()), List.of(texts));
                    }
                  }));
    }

    private void checkDurableNow(String topic, List<MessageId> ids, List<String> texts) {
      List<Message> stored = stored(topic);
      for (int i = 0; i < ids.size(); i++) {
        int place = (int) ids.get(i).sequence() - 1;
        if (place >= stored.size() || !stored.get(place).payload().text().equals(texts.get(i))) {
          answeredWrongly = true;
        }
      }
    }

    private void watch(String topic) {
      Watcher watcher = new Watcher(topic, loop());
      watchers.add(watcher);
      watcher.open();
    }

    private void closeOne() {
      if (!watchers.isEmpty()) {
        watchers.get(random.nextInt(watchers.size())).close();
      }
    }

    /// A session whose socket has drained, or whose failed load is tried again.
    private void nudge() {
      if (!watchers.isEmpty()) {
        watchers.get(random.nextInt(watchers.size())).nudge();
      }
    }

    private void crank(int tasks) {
      for (int i = 0; i < tasks; i++) {
        int which = random.nextInt(node.executors().size() + 2);
        if (which < node.executors().size()) {
          boolean _ = node.executor(which).runOne();
        } else if (which == node.executors().size()) {
          boolean _ = node.blocking().runOne();
        } else {
          long _ = node.node().lane().step();
        }
      }
    }

    private void heal() {
      store.heal();
      healing = true;
      for (int i = 0; i < 6; i++) {
        node.time().advance(Duration.ofSeconds(3));
        node.settle();
        watchers.forEach(Watcher::nudge);
        node.settle();
      }
    }

    // ---- the model ----

    private List<Message> stored(String topic) {
      Optional<Topic> entry = node.node().directory().topic(topic);
      if (entry.isEmpty()) {
        return List.of();
      }
      try {
        LogPage page =
            content.read(entry.get().incarnation(), 1, Integer.MAX_VALUE, Long.MAX_VALUE);
        return page.messages();
      } catch (StoreException e) {
        throw new AssertionError(e);
      }
    }

    private void checkAnswers() {
      assertThat(published).allMatch(it -> it.reply.isAnswered());
      assertThat(others).allMatch(Reply::isAnswered);
      assertThat(answeredWrongly).isFalse();
      assertThat(node.node().backlog().commands()).isZero();
      assertThat(node.node().backlog().bytes()).isZero();
      assertThat(node.node().lane().status().accepting()).isTrue();
    }

    private void checkDeliveries() {
      Map<String, Map<Long, String>> contents = new HashMap<>();
      for (String topic : topics) {
        Map<Long, String> texts = new HashMap<>();
        long last = 0;
        long lastTimestamp = 0;
        for (Message message : stored(topic)) {
          // Sequences are consecutive: what failed left no hole.
          assertThat(message.sequence()).isEqualTo(last + 1);
          assertThat(message.timestamp()).isGreaterThanOrEqualTo(lastTimestamp);
          last = message.sequence();
          lastTimestamp = message.timestamp();
          texts.put(message.sequence(), message.payload().text());
        }
        assertThat(new HashSet<>(texts.values())).hasSameSizeAs(texts.keySet());
        contents.put(topic, texts);
      }
      Set<MessageId> ids = new HashSet<>();
      for (Published one : published) {
        Map<Long, String> texts = contents.getOrDefault(one.topic, Map.of());
        switch (one.reply.outcome().orElseThrow()) {
          case Outcome.Done<Publish.Published>(Publish.Published done) -> {
            List<MessageId> given = CrankedNode.ids(done);
            assertThat(given).hasSameSizeAs(one.texts);
            for (int i = 0; i < given.size(); i++) {
              assertThat(ids.add(given.get(i))).isTrue();
              assertThat(texts).containsEntry(given.get(i).sequence(), one.texts.get(i));
            }
          }
          case Outcome.Refused<Publish.Published>(Refusal refusal) -> {
            if (refusal.code() == Refusal.Code.OUTCOME_UNKNOWN) {
              // All or none.
              long there = one.texts.stream().filter(texts::containsValue).count();
              assertThat(there).isIn(0L, (long) one.texts.size());
            } else {
              assertThat(one.texts).noneMatch(texts::containsValue);
            }
          }
        }
      }
      for (Watcher watcher : watchers) {
        watcher.check(contents.getOrDefault(watcher.topic, Map.of()));
      }
    }

    private void checkItStillWorks() {
      for (String topic : topics) {
        var reply = node.publish(topic, "\"after\"");
        node.settle();
        MessageId id = CrankedNode.ids(reply.done()).getFirst();
        assertThat(id.sequence()).isEqualTo(stored(topic).size());
        // Woken by nothing but the message.
        assertThat(watchers)
            .filteredOn(it -> it.topic.equals(topic) && it.isReading())
            .allMatch(it -> it.got.getLast().sequence() == id.sequence());
        Topic entry = node.node().directory().topic(topic).orElseThrow();
        var trimmed = node.submit(new TrimLog(entry, id.sequence()));
        node.settle();
        assertThat(trimmed.done()).isEqualTo(id.sequence());
      }
    }

    /// A session: reads some of what it can when it is called, as a slow socket does.
    private final class Watcher implements Reader {
      private final String topic;
      private final int loop;
      private final boolean earliest = random.nextBoolean();
      private final List<Message> got = new ArrayList<>();
      private long durableWhenOpened;
      private long firstExpected = -1;
      private @Nullable Cursor cursor;
      private boolean closed;
      private boolean ended;

      Watcher(String topic, int loop) {
        this.topic = topic;
        this.loop = loop;
      }

      void open() {
        durableWhenOpened = stored(topic).size();
        Cursor unused =
            node.executor(loop)
                .get(() ->
                    node.node()
                        .loops()
                        .get(loop)
                        .readers()
                        .open(topic, earliest ? new Start.Earliest() : new Start.Last(), this));
        assertThat(unused.topic()).isEqualTo(topic);
      }

      @Override
      public boolean mayRead(Topic entry) {
        assertThat(closed || ended).isFalse();
        return true;
      }

      @Override
      public void opened(Cursor opened) {
        assertThat(closed || ended).isFalse();
        cursor = opened;
        firstExpected = opened.log().isPresent() ? opened.next() : 1;
        if (earliest) {
          assertThat(firstExpected).isEqualTo(1);
        }
      }

      @Override
      public void ready(Cursor woken) {
        assertThat(closed || ended).isFalse();
        int budget = healing ? Integer.MAX_VALUE : random.nextInt(3);
        while (budget-- > 0 && read(woken)) {
          // Its condition does the work.
        }
      }

      private boolean read(Cursor from) {
        return switch (from.read(1 + random.nextInt(20), 1 + random.nextInt(500))) {
          case Read.Messages(List<Message> messages, boolean afterGap) -> {
            assertThat(afterGap).isFalse();
            List<Message> durable = stored(topic);
            for (Message message : messages) {
              // Delivered is durable, at this moment and as it was stored.
              assertThat(message).isEqualTo(durable.get((int) message.sequence() - 1));
              got.add(message);
              from.advance(message);
            }
            yield true;
          }
          case Read.CaughtUp _, Read.Loading _, Read.Unavailable _ -> false;
        };
      }

      @Override
      public void ended(Cursor of, End why) {
        assertThat(closed || ended).isFalse();
        assertThat(why).isEqualTo(End.UNAVAILABLE);
        ended = true;
      }

      boolean isReading() {
        return cursor != null && !closed && !ended;
      }

      void nudge() {
        Cursor own = cursor;
        if (own != null && isReading()) {
          node.executor(loop).run(() -> ready(own));
        }
      }

      void close() {
        Cursor own = cursor;
        if (own != null && isReading()) {
          closed = true;
          node.executor(loop).run(own::close);
        }
      }

      void check(Map<Long, String> stored) {
        if (cursor == null) {
          assertThat(got).isEmpty();
          return;
        }
        long next = firstExpected;
        assertThat(next).isLessThanOrEqualTo(earliest ? 1 : Long.MAX_VALUE);
        for (Message message : got) {
          assertThat(message.sequence()).isEqualTo(next++);
          assertThat(message.payload().text()).isEqualTo(stored.get(message.sequence()));
        }
        if (isReading()) {
          assertThat(next).as("%s from %s", topic, firstExpected).isEqualTo(stored.size() + 1L);
        }
        if (durableWhenOpened > stored.size()) {
          fail("the store lost messages of " + topic);
        }
      }
    }
  }
}
