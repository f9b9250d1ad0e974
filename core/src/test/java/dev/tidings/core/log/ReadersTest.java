// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.command.GrantAccess;
import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.RecordingReader;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReadersTest {
  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private final ScriptedReads store = new ScriptedReads(new MemoryStore(memory));
  private CrankedNode node;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(store, 2);
  }

  /// A node that keeps nothing in memory that it need not.
  private CrankedNode forgetful() throws Exception {
    return CrankedNode.on(
        store,
        2,
        new Node.Limits(0, 1 << 20, 1000, 1 << 20, new CommitLane.Limits(1000, 1 << 20)),
        new ManualTime());
  }

  private static List<Long> range(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private static void publish(CrankedNode on, String topic, int from, int to) {
    for (int i = from; i <= to; i++) {
      var _ = on.publish(topic, "" + i);
      if (i == from) {
        // The others need the topic.
        on.settle();
      }
    }
    on.settle();
  }

  private MessageId idAt(CrankedNode on, String topic, long sequence) {
    RecordingReader reader = on.open(0, topic, new Start.Earliest());
    on.settle();
    MessageId id =
        reader.messages().stream()
            .filter(message -> message.sequence() == sequence)
            .findFirst()
            .map(message -> reader.cursor().log().orElseThrow().idOf(message))
            .orElseThrow();
    on.close(0, reader);
    return id;
  }

  // ---- where a cursor begins ----

  @Test
  void last_getsOnlyWhatComes() {
    publish(node, "t", 1, 3);
    RecordingReader reader = node.open(0, "t", new Start.Last());
    node.settle();
    assertThat(reader.messages()).isEmpty();
    publish(node, "t", 4, 5);
    assertThat(reader.texts()).containsExactly("4", "5");
    assertThat(reader.gapsBefore()).isEmpty();
  }

  @Test
  void earliest_getsEverything() {
    publish(node, "t", 1, 3);
    RecordingReader reader = node.open(1, "t", new Start.Earliest()).pieces(2, 1000);
    node.settle();
    publish(node, "t", 4, 4);
    assertThat(reader.sequences()).isEqualTo(range(1, 4));
    assertThat(reader.gapsBefore()).isEmpty();
  }

  @Test
  void after_getsWhatFollows() {
    publish(node, "t", 1, 3);
    MessageId second = idAt(node, "t", 2);
    RecordingReader reader = node.open(1, "t", new Start.After(second));
    node.settle();
    assertThat(reader.sequences()).containsExactly(3L);
    assertThat(reader.gapsBefore()).isEmpty();
    RecordingReader atEnd = node.open(1, "t", new Start.After(idAt(node, "t", 3)));
    node.settle();
    assertThat(atEnd.messages()).isEmpty();
    assertThat(atEnd.cursor().lastPassed()).contains(idAt(node, "t", 3));
  }

  @Test
  void afterForeignIncarnation_afterTheFuture_andUnknown_beginAtTheEarliestWithAGap() {
    publish(node, "t", 1, 2);
    MessageId own = idAt(node, "t", 1);
    for (Start start :
        List.of(
            new Start.After(new MessageId(own.timestamp(), 1, own.incarnation() + 1)),
            new Start.After(new MessageId(own.timestamp(), 99, own.incarnation())),
            new Start.Unknown())) {
      RecordingReader reader = node.open(1, "t", start);
      node.settle();
      assertThat(reader.sequences()).containsExactly(1L, 2L);
      assertThat(reader.gapsBefore()).containsExactly(1L);
    }
  }

  @Test
  void lastPassed_isTheLastMessageDelivered() {
    publish(node, "t", 1, 3);
    RecordingReader reader = node.open(1, "t", new Start.Earliest());
    node.settle();
    assertThat(reader.cursor().lastPassed()).contains(idAt(node, "t", 3));
  }

  /// A cursor that began after the newest message could not say so: a client that polls with the
  /// cursors of its last reply would have missed what came in between.
  @Test
  void lastPassed_ofACursorThatBeganAtTheEnd_isTheNewestMessage() throws Exception {
    publish(node, "t", 1, 3);
    RecordingReader reader = node.open(1, "t", new Start.Last());
    node.settle();
    assertThat(reader.cursor().lastPassed()).contains(idAt(node, "t", 3));

    CrankedNode again = CrankedNode.on(new MemoryStore(memory), 1);
    RecordingReader reloaded = again.open(0, "t", new Start.Last());
    again.settle();
    assertThat(reloaded.cursor().lastPassed()).contains(idAt(node, "t", 3));
  }

  /// The same for a topic nothing was ever published to: the place before everything has a name.
  @Test
  void lastPassed_ofACursorOnAnEmptyLog_namesThePlaceBeforeEverything() {
    for (Start start : List.of(new Start.Last(), new Start.Earliest())) {
      String topic = start.getClass().getSimpleName();
      node.createTopic(topic);
      RecordingReader reader = node.open(1, topic, start);
      node.settle();
      MessageId place = reader.cursor().lastPassed().orElseThrow();
      assertThat(place.sequence()).isZero();
      RecordingReader after = node.open(1, topic, new Start.After(place));
      publish(node, topic, 1, 1);
      assertThat(after.sequences()).containsExactly(1L);
      assertThat(after.gapsBefore()).isEmpty();
    }
  }

  // ---- waiting for a topic ----

  @Test
  void missingTopic_isWaitedFor_andReadFromItsFirstMessage() {
    RecordingReader reader = node.open(1, "t", new Start.Last());
    node.settle();
    assertThat(reader.timesOpened()).isEqualTo(1);
    assertThat(reader.cursor().log()).isEmpty();
    assertThat(node.node().loops().get(1).readers().isAwaitingTopics()).isTrue();
    publish(node, "t", 1, 3);
    assertThat(reader.sequences()).isEqualTo(range(1, 3));
    assertThat(reader.timesOpened()).isEqualTo(1);
    assertThat(node.node().loops().get(1).readers().isAwaitingTopics()).isFalse();
  }

  @Test
  void missingTopic_thatAppearsForbidden_endsTheCursor() {
    RecordingReader denied =
        node.open(1, "t", new Start.Last(), new RecordingReader().allowing(_ -> false));
    RecordingReader allowed =
        node.open(
            1, "t", new Start.Last(), new RecordingReader().allowing(it -> it.name().equals("t")));
    publish(node, "t", 1, 1);
    assertThat(denied.end()).contains(Reader.End.DENIED);
    assertThat(denied.messages()).isEmpty();
    assertThat(allowed.sequences()).containsExactly(1L);
  }

  @Test
  void waitingCursor_thatIsClosed_isNotCalled() {
    RecordingReader reader = node.open(1, "t", new Start.Last());
    node.close(1, reader);
    publish(node, "t", 1, 1);
    assertThat(reader.messages()).isEmpty();
    assertThat(reader.end()).isEmpty();
  }

  /// A session that closed its other cursors when one was denied had them ended or authorised all
  /// the same.
  @Test
  void waitingCursor_thatIsClosedByAnothersEnd_isNotCalled() {
    RecordingReader second = new RecordingReader();
    RecordingReader first =
        new RecordingReader()
            .allowing(_ -> {
              second.cursor().close();
              return false;
            });
    var _ = node.open(1, "t", new Start.Last(), first);
    var _ = node.open(1, "t", new Start.Last(), second.allowing(_ -> false));
    publish(node, "t", 1, 1);
    assertThat(first.end()).contains(Reader.End.DENIED);
    assertThat(second.end()).isEmpty();
  }

  @Test
  void topicCreatedWhileSubscribing_isNoticedWhicheverComesFirst() {
    for (int step = 0; step < 12; step++) {
      String topic = "t" + step;
      var _ = node.publish(topic, "1");
      crank(step);
      RecordingReader reader = node.open(1, topic, new Start.Earliest());
      crank(12 - step);
      node.settle();
      assertThat(reader.sequences()).as("subscribed after %s steps", step).containsExactly(1L);
    }
  }

  private void crank(int steps) {
    for (int i = 0; i < steps; i++) {
      switch (i % 3) {
        case 0 -> {
          boolean _ = node.executor(0).runOne();
        }
        case 1 -> {
          boolean _ = node.executor(1).runOne();
        }
        default -> {
          long _ = node.node().lane().step();
        }
      }
    }
  }

  @Test
  void logThatCannotBeOpened_endsTheCursor() throws Exception {
    publish(node, "t", 1, 1);
    CrankedNode again = CrankedNode.on(store, 1);
    store.fails = true;
    RecordingReader reader = again.open(0, "t", new Start.Last());
    again.settle();
    assertThat(reader.end()).contains(Reader.End.UNAVAILABLE);
    store.fails = false;
    RecordingReader next = again.open(0, "t", new Start.Earliest());
    again.settle();
    assertThat(next.sequences()).containsExactly(1L);
  }

  /// A runtime exception out of the store left the log loading for ever, with everyone who waited.
  @Test
  void logWhoseLoadCrashes_refusesThoseWhoWait_andIsTriedAgain() throws Exception {
    publish(node, "t", 1, 1);
    CrankedNode again = CrankedNode.on(store, 1);
    store.crashes = true;
    var publish = again.publish("t", "2");
    RecordingReader reader = again.open(0, "t", new Start.Last());
    again.settle();
    assertThat(publish.isAnswered()).isTrue();
    assertThat(reader.end()).contains(Reader.End.UNAVAILABLE);
    store.crashes = false;
    var retry = again.publish("t", "2");
    again.settle();
    assertThat(CrankedNode.ids(retry.done()).getFirst().sequence()).isEqualTo(2);
  }

  @Test
  void cursorClosedWhileItsLogLoads_isNotCalled() throws Exception {
    publish(node, "t", 1, 1);
    CrankedNode again = CrankedNode.on(store, 1);
    RecordingReader reader = new RecordingReader();
    List<Cursor> opened = new ArrayList<>();
    again
        .executor(0)
        .run(() ->
            opened.add(
                again.node().loops().get(0).readers().open("t", new Start.Earliest(), reader)));
    again.executor(0).run(() -> opened.getFirst().close());
    again.settle();
    assertThat(reader.timesOpened()).isZero();
    assertThat(reader.messages()).isEmpty();
  }

  // ---- paging ----

  @Test
  void whatIsNoLongerInMemory_isPaged() throws Exception {
    CrankedNode small = forgetful();
    publish(small, "t", 1, 1000);
    publish(small, "t", 1001, 1002);
    RecordingReader reader =
        small.open(1, "t", new Start.Earliest(), new RecordingReader().pieces(100, 1 << 20));
    small.settle();
    assertThat(reader.sequences()).isEqualTo(range(1, 1002));
    assertThat(reader.timesLoading()).isPositive();
    assertThat(reader.gapsBefore()).isEmpty();
  }

  @Test
  void afterARestart_everythingIsPaged_andGoesOnLive() throws Exception {
    publish(node, "t", 1, 700);
    CrankedNode again = CrankedNode.on(store, 2);
    RecordingReader reader = again.open(1, "t", new Start.Earliest());
    again.settle();
    publish(again, "t", 701, 900);
    assertThat(reader.sequences()).isEqualTo(range(1, 900));
    assertThat(reader.gapsBefore()).isEmpty();
  }

  @Test
  void manyAtOnePlace_shareOneLoad() throws Exception {
    publish(node, "t", 1, 200);
    CrankedNode again = CrankedNode.on(store, 1);
    store.reads = 0;
    List<RecordingReader> readers =
        IntStream.range(0, 50).mapToObj(_ -> again.open(0, "t", new Start.Earliest())).toList();
    again.settle();
    assertThat(readers)
        .allSatisfy(reader -> assertThat(reader.sequences()).isEqualTo(range(1, 200)));
    assertThat(store.reads).isEqualTo(2); // the extent and one page
  }

  @Test
  void pageThatCannotBeLoaded_isUnavailable_andTriedAgain() throws Exception {
    publish(node, "t", 1, 10);
    CrankedNode again = CrankedNode.on(store, 1);
    RecordingReader reader = again.open(0, "t", new Start.Last());
    again.settle();
    store.fails = true;
    RecordingReader early = again.open(0, "t", new Start.Earliest());
    again.settle();
    assertThat(early.unavailable()).hasSize(1);
    assertThat(early.end()).isEmpty();
    store.crashes = true;
    again.executor(0).run(() -> early.readAll(early.cursor()));
    again.settle();
    assertThat(early.unavailable()).hasSize(2);
    store.crashes = false;
    store.fails = false;
    again.executor(0).run(() -> early.readAll(early.cursor()));
    again.settle();
    assertThat(early.sequences()).isEqualTo(range(1, 10));
    assertThat(reader.messages()).isEmpty();
  }

  @Test
  void pages_showNothingAboveTheWatermark() throws Exception {
    publish(node, "t", 1, 5);
    CrankedNode again = CrankedNode.on(store, 1);
    RecordingReader reader = again.open(0, "t", new Start.Earliest()).doing(_ -> {});
    again.settle();
    // The store already has what the commit lane has not shown, as after a commit that failed
    // after its effect.
    StoreRecord hidden =
        new StoreRecord.MessagesAppended(
            Slot.of(Slot.Kind.TOPIC, "t"),
            1,
            5,
            5,
            List.of(
                new Message(
                    6, ManualTime.BEGINNING_MS, Message.NEVER, Payload.of("6"), Payload.EMPTY)));
    assertThat(store.commit(new Batch(9, Long.MAX_VALUE, 1, List.of(hidden))).isEmpty()).isTrue();
    reader.reading();
    again.executor(0).run(() -> reader.readAll(reader.cursor()));
    again.settle();
    assertThat(reader.sequences()).isEqualTo(range(1, 5));
  }

  @Test
  void pageCache_keepsToItsBound_butAlwaysHoldsOnePage() throws Exception {
    publish(node, "t", 1, 2000);
    CrankedNode again =
        CrankedNode.on(
            store,
            1,
            new Node.Limits(0, 1, 1000, 1 << 20, new CommitLane.Limits(1000, 1 << 20)),
            new ManualTime());
    RecordingReader fast = again.open(0, "t", new Start.Earliest());
    RecordingReader slow = again.open(0, "t", new Start.Earliest()).pieces(10, 100);
    again.settle();
    assertThat(fast.sequences()).isEqualTo(range(1, 2000));
    assertThat(slow.sequences()).isEqualTo(range(1, 2000));
  }

  // ---- gaps ----

  @Test
  void trimmedPlace_isSkippedWithAGapToldOnce() throws Exception {
    publish(node, "t", 1, 10);
    RecordingReader reader =
        node.open(
            1, "t", new Start.After(idAt(node, "t", 2)), new RecordingReader().doing(_ -> {}));
    node.settle();
    Topic topic = node.node().directory().topic("t").orElseThrow();
    var trimmed = node.submit(new TrimLog(topic, 6));
    node.settle();
    assertThat(trimmed.done()).isEqualTo(6);
    reader.reading().pieces(1, 1);
    publish(node, "t", 11, 11);
    assertThat(reader.sequences()).isEqualTo(range(6, 11));
    assertThat(reader.gapsBefore()).containsExactly(6L);
    RecordingReader earliest = node.open(1, "t", new Start.Earliest());
    node.settle();
    assertThat(earliest.sequences()).isEqualTo(range(6, 11));
    assertThat(earliest.gapsBefore()).isEmpty();
  }

  @Test
  void everythingTrimmed_isCaughtUp_untilMoreComesWithAGap() {
    publish(node, "t", 1, 3);
    RecordingReader reader =
        node.open(1, "t", new Start.Earliest(), new RecordingReader().doing(_ -> {}));
    node.settle();
    Topic topic = node.node().directory().topic("t").orElseThrow();
    var _ = node.submit(new TrimLog(topic, 4));
    node.settle();
    reader.reading();
    node.executor(1).run(() -> reader.readAll(reader.cursor()));
    node.settle();
    assertThat(reader.messages()).isEmpty();
    publish(node, "t", 4, 5);
    assertThat(reader.sequences()).containsExactly(4L, 5L);
    assertThat(reader.gapsBefore()).containsExactly(4L);
  }

  /// A hole inside a page was delivered across without a word: only a hole before the page's first
  /// message was told.
  @Test
  void hole_insideAPage_isToldOnce() throws Exception {
    publish(node, "t", 1, 10);
    CrankedNode again = CrankedNode.on(store, 1);
    store.damaged = sequence -> sequence == 4 || sequence == 5;
    RecordingReader reader = again.open(0, "t", new Start.Earliest());
    again.settle();
    assertThat(reader.sequences()).containsExactly(1L, 2L, 3L, 6L, 7L, 8L, 9L, 10L);
    assertThat(reader.gapsBefore()).containsExactly(6L);
    assertThat(store.reads).isEqualTo(2); // the extent and one page
  }

  @Test
  void hole_upToTheEnd_isToldWhenMoreComes() throws Exception {
    publish(node, "t", 1, 5);
    CrankedNode again = CrankedNode.on(store, 1);
    store.damaged = sequence -> sequence >= 4;
    RecordingReader reader = again.open(0, "t", new Start.Earliest());
    again.settle();
    assertThat(reader.sequences()).containsExactly(1L, 2L, 3L);
    store.damaged = _ -> false;
    publish(again, "t", 6, 7);
    assertThat(reader.sequences()).containsExactly(1L, 2L, 3L, 6L, 7L);
    assertThat(reader.gapsBefore()).containsExactly(6L);
  }

  /// An empty page made its cursor jump behind the watermark of the moment it was looked at, past
  /// messages that had become durable while it was loading.
  @Test
  void hole_whileMoreBecomesDurable_losesNothing() throws Exception {
    publish(node, "t", 1, 5);
    for (boolean stillInMemory : new boolean[] {true, false}) {
      CrankedNode again = stillInMemory ? CrankedNode.on(store, 1) : forgetful();
      store.damaged = sequence -> sequence <= 5;
      RecordingReader reader = again.open(0, "t", new Start.Earliest());
      // Until the page with nothing in it has been read from the store, but not yet handed over.
      store.reads = 0;
      while (store.reads < 2) {
        for (var executor : again.executors()) {
          int _ = executor.runUntilIdle();
        }
        boolean _ = again.blocking().runOne();
        long _ = again.node().lane().step();
      }
      long before = again.node().directory().topics().size();
      var live = again.publish("t", "live");
      long _ = again.node().lane().step();
      again.settle();
      long sequence = CrankedNode.ids(live.done()).getFirst().sequence();
      assertThat(reader.sequences()).contains(sequence).allMatch(it -> it > 5);
      assertThat(reader.gapsBefore()).hasSize(1);
      assertThat(before).isEqualTo(1);
    }
  }

  /// The same after a lapse, where sequences jump.
  @Test
  void lapse_isAGapThatIsToldOnce() throws Exception {
    publish(node, "t", 1, 3);
    MessageId second = idAt(node, "t", 2);
    store.lapses = 1;
    CrankedNode again = CrankedNode.on(store, 1);
    RecordingReader reader = again.open(0, "t", new Start.After(second));
    again.settle();
    assertThat(reader.sequences()).containsExactly(3L);
    var first = again.publish("t", "4");
    var next = again.publish("t", "5");
    again.settle();
    assertThat(CrankedNode.ids(first.done()).getFirst().sequence())
        .isEqualTo(4 + LogExtent.LAPSE_STEP);
    assertThat(CrankedNode.ids(next.done()).getFirst().sequence())
        .isEqualTo(5 + LogExtent.LAPSE_STEP);
    assertThat(reader.texts()).containsExactly("3", "4", "5");
    assertThat(reader.gapsBefore()).containsExactly(4 + LogExtent.LAPSE_STEP);
  }

  // ---- walking ----

  @Test
  void closingWhileWalking_passesOverNobody() {
    publish(node, "t", 1, 1);
    List<RecordingReader> readers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      readers.add(node.open(1, "t", new Start.Last()));
    }
    node.settle();
    readers
        .get(1)
        .doing(_ -> {
          readers.get(0).cursor().close();
          readers.get(1).cursor().close();
          readers.get(3).cursor().close();
        });
    publish(node, "t", 2, 2);
    publish(node, "t", 3, 3);
    assertThat(readers.stream().map(RecordingReader::texts))
        .containsExactly(
            List.of("2"),
            List.of(),
            List.of("2", "3"),
            List.of(),
            List.of("2", "3"),
            List.of("2", "3"));
    for (int i : new int[] {2, 4, 5}) {
      node.close(1, readers.get(i));
    }
    assertThat(node.log("t").isReadOn(1)).isFalse();
  }

  @Test
  void openingWhileWalking_getsWhatComesNext() {
    publish(node, "t", 1, 1);
    RecordingReader late = new RecordingReader();
    RecordingReader first = node.open(1, "t", new Start.Last());
    node.settle();
    first.doing(cursor -> {
      first.readAll(cursor);
      if (late.timesOpened() == 0) {
        var _ = node.node().loops().get(1).readers().open("t", new Start.Last(), late);
      }
    });
    publish(node, "t", 2, 2);
    publish(node, "t", 3, 3);
    assertThat(first.texts()).containsExactly("2", "3");
    assertThat(late.texts()).containsExactly("3");
  }

  /// A reader that threw left its log marked as being walked, and nobody on that event loop was
  /// called for it again.
  @Test
  void readerThatThrows_keepsNobodyFromTheirMessages() {
    publish(node, "t", 1, 1);
    RecordingReader broken = node.open(1, "t", new Start.Last());
    RecordingReader other = node.open(1, "t", new Start.Last());
    RecordingReader elsewhere = node.open(1, "u", new Start.Last());
    node.settle();
    broken.doing(_ -> {
      throw new IllegalStateException("the session is broken");
    });
    var _ = node.publish("t", "2");
    publish(node, "u", 1, 1);
    publish(node, "t", 3, 3);
    assertThat(other.texts()).containsExactly("2", "3");
    assertThat(elsewhere.texts()).containsExactly("1");
  }

  @Test
  void turnEnd_comesOnce_afterAllReadersOfTheTurn() {
    node.createTopic("t");
    node.createTopic("u");
    List<String> events = new ArrayList<>();
    Readers readers = node.node().loops().get(1).readers();
    for (String topic : List.of("t", "u")) {
      RecordingReader reader = node.open(1, topic, new Start.Last());
      node.settle();
      reader.doing(cursor -> {
        if (reader.readOnce(cursor)) {
          events.add(topic);
          readers.atTurnEnd(() -> events.add("flush"));
        }
      });
    }
    var _ = node.publish("t", "1");
    var _ = node.publish("u", "1");
    node.settle();
    assertThat(events).hasSize(4).endsWith("flush", "flush").contains("t", "u");
  }

  /// Readers called outside a turn of the commit lane, when their page had come, had their socket
  /// flushed only when something else became durable.
  @Test
  void turnEnd_comesAlsoWhenAPageHasCome() throws Exception {
    publish(node, "t", 1, 3);
    CrankedNode again = CrankedNode.on(store, 1);
    Readers readers = again.node().loops().get(0).readers();
    List<String> events = new ArrayList<>();
    RecordingReader reader = new RecordingReader();
    var _ =
        again.open(
            0,
            "t",
            new Start.Earliest(),
            reader.doing(cursor -> {
              reader.readAll(cursor);
              readers.atTurnEnd(() -> events.add("flushed " + reader.messages().size()));
              readers.atTurnEnd(() -> {
                throw new IllegalStateException("the socket is broken");
              });
              readers.atTurnEnd(() -> events.add("also"));
            }));
    again.settle();
    assertThat(events).endsWith("flushed 3", "also");
    int flushes = events.size();
    publish(again, "u", 1, 1);
    assertThat(events).hasSize(flushes);
  }

  @Test
  void foreignThread_isRefused() {
    assertThatThrownBy(() ->
            node.node().loops().get(0).readers().open("t", new Start.Last(), new RecordingReader()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void changedTopic_doesNotDisturbItsReaders() {
    Topic topic = node.createTopic("t");
    RecordingReader reader = node.open(1, "t", new Start.Last());
    RecordingReader waiting = node.open(1, "other", new Start.Last());
    node.settle();
    var grant = node.submit(new GrantAccess("t", topic.incarnation(), "ada"));
    node.settle();
    assertThat(grant.done().grantees()).containsExactly("ada");
    publish(node, "t", 1, 1);
    assertThat(reader.texts()).containsExactly("1");
    assertThat(waiting.messages()).isEmpty();
  }

  /// A private topic that appeared between the session's check, which found none of the name, and
  /// the opening of the cursor was read without being allowed.
  @Test
  void topicThatIsThereWhenTheCursorIsOpened_isAskedForToo() {
    node.createTopic("t");
    var _ = node.publish("t", "secret");
    RecordingReader reader =
        node.open(0, "t", new Start.Earliest(), new RecordingReader().allowing(_ -> false));
    node.settle();
    assertThat(reader.end()).contains(Reader.End.DENIED);
    assertThat(reader.messages()).isEmpty();
  }
}
