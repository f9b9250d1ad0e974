// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Retention.Limits;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.RecordingReader;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.MemoryStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RetentionTest {
  private static final Limits NO_BACKLOG = new Limits(0, 0, 0);
  private static final long MINUTE = Duration.ofMinutes(1).toMillis();

  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private final ScriptedReads store = new ScriptedReads(new MemoryStore(memory));
  private CrankedNode node;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(store, 2);
  }

  private Retention retention(Limits limits) {
    return new Retention(
        store,
        node.node().directory(),
        node.time(),
        limits,
        NO_BACKLOG,
        () -> 0,
        (command, answered) -> {
          var _ = node.submit(command);
          answered.run();
        });
  }

  private int sweep(Limits limits) {
    int unread = retention(limits).sweep(100);
    node.settle();
    return unread;
  }

  /// Publishes `runs` runs of `size` messages of 10 bytes each, a minute apart.
  private void publish(String topic, int runs, int size) {
    String[] payloads = new String[size];
    java.util.Arrays.fill(payloads, "1234567890");
    for (int i = 0; i < runs; i++) {
      var reply = node.publish(topic, payloads);
      node.settle();
      assertThat(reply.done().ids()).hasSize(size);
      node.time().advance(Duration.ofMinutes(1));
    }
  }

  private List<Long> retained(String topic) {
    RecordingReader reader = node.open(0, topic, new Start.Earliest());
    node.settle();
    assertThat(reader.gapsBefore()).isEmpty();
    node.close(0, reader);
    return reader.sequences();
  }

  private static List<Long> range(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  @Test
  void age_dropsRunsWhoseNewestMessageIsTooOld() {
    publish("t", 10, 3);
    // The runs are 10, 9 … 1 minutes old.
    assertThat(sweep(new Limits(4 * MINUTE, 0, 0))).isZero();
    assertThat(retained("t")).isEqualTo(range(19, 30));
    node.time().advance(Duration.ofMinutes(1));
    sweep(new Limits(4 * MINUTE, 0, 0));
    assertThat(retained("t")).isEqualTo(range(22, 30));
  }

  @Test
  void age_dropsEverything_andTheLogGoesOn() {
    publish("t", 3, 2);
    node.time().advance(Duration.ofDays(2));
    sweep(new Limits(MINUTE, 0, 0));
    assertThat(retained("t")).isEmpty();
    publish("t", 1, 2);
    assertThat(retained("t")).isEqualTo(range(7, 8));
  }

  @Test
  void count_isExact_alsoInsideARun() {
    publish("t", 10, 7);
    for (int keep = 70; keep >= 1; keep -= 3) {
      sweep(new Limits(0, keep, 0));
      assertThat(retained("t")).isEqualTo(range(71 - keep, 70));
    }
  }

  @Test
  void bytes_keepTheRunTheyBeginIn() {
    publish("t", 10, 4);
    sweep(new Limits(0, 0, 400));
    assertThat(retained("t")).hasSize(40);
    sweep(new Limits(0, 0, 80));
    assertThat(retained("t")).isEqualTo(range(33, 40));
    sweep(new Limits(0, 0, 50));
    assertThat(retained("t")).isEqualTo(range(33, 40));
    sweep(new Limits(0, 0, 1));
    assertThat(retained("t")).isEqualTo(range(37, 40));
  }

  @Test
  void strictestLimit_counts() {
    publish("t", 10, 1);
    sweep(new Limits(8 * MINUTE, 5, 70));
    assertThat(retained("t")).isEqualTo(range(6, 10));
    sweep(new Limits(8 * MINUTE, 5, 30));
    assertThat(retained("t")).isEqualTo(range(8, 10));
    sweep(new Limits(2 * MINUTE, 5, 30));
    assertThat(retained("t")).isEqualTo(range(9, 10));
  }

  @Test
  void lapse_isNotCounted() throws Exception {
    publish("t", 5, 2);
    store.lapses = 1;
    node = CrankedNode.on(store, 2);
    node.time().advance(Duration.ofHours(1));
    publish("t", 1, 2);
    store.lapses = 0;
    publish("t", 4, 2);
    long jump = LogExtent.LAPSE_STEP;
    sweep(new Limits(0, 13, 0));
    RecordingReader reader = node.open(0, "t", new Start.Earliest());
    node.settle();
    List<Long> expected = new ArrayList<>(range(8, 10));
    expected.addAll(range(11 + jump, 20 + jump));
    assertThat(reader.sequences()).isEqualTo(expected);
    sweep(new Limits(0, 10, 0));
    assertThat(store.extent(1).firstRetained()).isEqualTo(11 + jump);
    node.time().advance(Duration.ofDays(1));
    sweep(new Limits(MINUTE, 0, 0));
    assertThat(store.extent(1).firstRetained()).isEqualTo(21 + jump);
  }

  @Test
  void trim_isAtMostOneAboveTheLastMessage_thoughTheLogGoesOnHigher() throws Exception {
    publish("t", 2, 2);
    store.lapses = 3;
    node.time().advance(Duration.ofDays(1));
    sweep(new Limits(MINUTE, 0, 0));
    assertThat(store.extent(1).firstRetained()).isEqualTo(5);
  }

  @Test
  void nothingToDo_submitsNothing_andLooksOnlyOnce() {
    publish("t", 50, 1);
    node.createTopic("empty");
    List<TrimLog> trims = new ArrayList<>();
    Retention retention =
        new Retention(
            store,
            node.node().directory(),
            node.time(),
            new Limits(MINUTE * 1000, 1000, 0),
            NO_BACKLOG,
            () -> 0,
            (command, _) -> trims.add(command));
    store.reads = 0;
    assertThat(retention.sweep(10)).isZero();
    assertThat(trims).isEmpty();
    assertThat(store.reads).isLessThanOrEqualTo(4);
    assertThat(
            new Retention(
                    store,
                    node.node().directory(),
                    node.time(),
                    new Limits(0, 0, 0),
                    NO_BACKLOG,
                    () -> 0,
                    (command, _) -> trims.add(command))
                .sweep(10))
        .isZero();
    assertThat(store.reads).isLessThanOrEqualTo(4);
  }

  @Test
  void sweeps_goRoundInTheOrderOfNames() {
    for (String name : List.of("b", "a", "c", "d")) {
      publish(name, 2, 1);
    }
    List<String> trimmed = new ArrayList<>();
    Retention retention =
        new Retention(
            store,
            node.node().directory(),
            node.time(),
            new Limits(0, 1, 0),
            NO_BACKLOG,
            () -> 0,
            (command, answered) -> {
              trimmed.add(command.topic().name());
              answered.run();
            });
    for (int i = 0; i < 3; i++) {
      int _ = retention.sweep(3);
    }
    assertThat(trimmed).containsExactly("a", "b", "c", "d", "a", "b", "c", "d", "a");
    trimmed.clear();
    assertThat(retention.sweep(100)).isZero();
    assertThat(trimmed).containsExactly("b", "c", "d", "a");
  }

  @Test
  void logThatCannotBeRead_isPassedOver() {
    publish("a", 3, 1);
    publish("b", 3, 1);
    store.fails = true;
    assertThat(sweep(new Limits(0, 1, 0))).isEqualTo(2);
    store.fails = false;
    assertThat(sweep(new Limits(0, 1, 0))).isZero();
    assertThat(retained("a")).containsExactly(3L);
  }

  @Test
  void topicMadeAnew_isNotTrimmedByAnOldCommand() {
    publish("t", 2, 1);
    Topic topic = node.node().directory().topic("t").orElseThrow();
    Topic other =
        new Topic(
            "t", topic.incarnation() + 5, "x", false, topic.description(), 0, topic.grantees());
    var reply = node.submit(new TrimLog(other, 2));
    node.settle();
    assertThat(reply.refusal().code().retryable()).isFalse();
    assertThat(retained("t")).isEqualTo(range(1, 2));
  }

  /// One sweep handed in a trim for every topic at once, which filled the bound of pending
  /// commands: publishers were refused.
  @Test
  void sweep_handsInSoManyTrims_andThenWaitsForTheirAnswers() throws Exception {
    for (int i = 0; i < 130; i++) {
      publish("t" + i, 2, 1);
    }
    BlockingQueue<Runnable> waiting = new LinkedBlockingQueue<>();
    Retention retention =
        new Retention(
            store,
            node.node().directory(),
            node.time(),
            new Limits(0, 1, 0),
            NO_BACKLOG,
            () -> 0,
            (_, answered) -> waiting.add(answered));
    Thread sweeper = Thread.ofPlatform().start(() -> retention.sweep(130));
    List<Runnable> handedIn = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      handedIn.add(take(waiting));
    }
    assertThat(waiting.poll(50, TimeUnit.MILLISECONDS)).isNull();
    for (int i = 0; i < 30; i++) {
      handedIn.get(i).run();
      handedIn.add(take(waiting));
    }
    assertThat(sweeper.join(Duration.ofSeconds(20))).isTrue();
    assertThat(waiting).isEmpty();
  }

  private static Runnable take(BlockingQueue<Runnable> waiting) throws InterruptedException {
    Runnable next = waiting.poll(20, TimeUnit.SECONDS);
    assertThat(next).isNotNull();
    return java.util.Objects.requireNonNull(next);
  }

  @Test
  void negativeLimits_areRefused() {
    assertThatThrownBy(() -> new Limits(0, -1, 0)).hasMessageContaining("maxMessages: -1");
  }
}
