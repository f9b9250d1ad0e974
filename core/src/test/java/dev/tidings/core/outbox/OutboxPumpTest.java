// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CreateQueue;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.RecordingReader;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.FaultyStore.Rates;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What is left in the outbox comes into the log of its topic, once and in order.
final class OutboxPumpTest {
  private static List<Long> numbers(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  // ---- delivering ----

  @Test
  void leftMessage_isDeliveredAsItIs_whenItIsDurable() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    RecordingReader reader = on.node.open(0, "t", new Start.Last());
    on.settle();
    long id =
        on.left.leave(
            "t",
            it ->
                new NewMessage(
                    Payload.of(it + " \n"),
                    Payload.of("{\"b\": \"c\"}"),
                    Message.NEVER,
                    Ordering.ofKey("k"),
                    NewMessage.NOW));
    OutboxPump.Next _ = on.pump.step();
    int _ = on.node.settleExecutors();
    assertThat(reader.messages()).isEmpty();
    assertThat(on.pump.step()).isEqualTo(new OutboxPump.Next.Answers());
    on.settle();

    assertThat(reader.messages())
        .containsExactly(
            new Message(
                1,
                ManualTime.BEGINNING_MS,
                Message.NEVER,
                Payload.of(id + " \n"),
                Payload.of("{\"b\": \"c\"}"),
                Ordering.ofKey("k")));
    assertThat(on.figures()).isEqualTo(new OutboxPump.Figures(1, 0, 0));
    on.checkEmpty();
  }

  @Test
  void emptyOutbox_isLookedIntoAtLeastEveryPoll() throws Exception {
    Pumping on = Pumping.create();
    assertThat(on.pump.step()).isEqualTo(new OutboxPump.Next.Messages(OutboxPump.POLL.toNanos()));
    // It may be told earlier.
    on.create("t");
    var _ = on.left.leave("t");
    assertThat(on.pump.step()).isEqualTo(new OutboxPump.Next.Step());
  }

  @ParameterizedTest
  @ValueSource(ints = {999, 1000, 1001, 5000})
  void manyMessages_comeInOrder(int count) throws Exception {
    Pumping on = new Pumping(2, CrankedNode.LIMITS, 1);
    on.create("a");
    on.create("b");
    for (int i = 1; i <= count; i++) {
      var _ = on.left.leave(i % 3 == 0 ? "b" : "a");
    }
    on.settle();
    on.checkEmpty();
    assertThat(on.left.deliveredTo("a"))
        .isEqualTo(LongStream.rangeClosed(1, count).filter(it -> it % 3 != 0).boxed().toList());
    assertThat(on.left.deliveredTo("b")).isSorted();
    assertThat(on.figures()).isEqualTo(new OutboxPump.Figures(count, 0, 0));
  }

  @Test
  void largeMessages_comeInPagesOfSoManyBytes() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    int tooLarge = (int) OutboxPump.PAGE_BYTES + 1;
    for (int size : new int[] {tooLarge, 10, tooLarge, tooLarge, 10, 10}) {
      var _ = on.left.leave("t", size);
    }
    int commits = 0;
    while (!on.left.waiting.isEmpty()) {
      on.pump.step();
      on.node.settle();
      commits++;
    }
    assertThat(commits).isEqualTo(4);
    assertThat(on.left.deliveredTo("t")).isEqualTo(numbers(1, 6));
  }

  @Test
  void whatIsLeftMeanwhile_isReadOnlyWhenAllIsAnswered() throws Exception {
    Pumping on = new Pumping(2, CrankedNode.LIMITS, 1);
    on.create("a");
    on.create("b");
    var _ = on.left.leave("a");
    var _ = on.left.leave("b");
    OutboxPump.Next _ = on.pump.step();
    var _ = on.left.leave("a");
    for (int i = 0; i < 3; i++) {
      assertThat(on.pump.step()).isEqualTo(new OutboxPump.Next.Answers());
    }
    on.settle();
    assertThat(on.left.deliveredTo("a")).containsExactly(1L, 3L);
    assertThat(on.left.deliveredTo("b")).containsExactly(2L);
    on.checkEmpty();
  }

  @Test
  void logThatIsNotInMemory_isOpened() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    var _ = on.left.leave("t");
    on.settle();
    on.restart();
    var _ = on.left.leave("t");
    on.settle();
    assertThat(on.left.deliveredTo("t")).containsExactly(1L, 2L);
    on.checkEmpty();
  }

  // ---- topics that are gone ----

  @Test
  void messagesOfTopicsThatAreNotThere_areDropped() throws Exception {
    Pumping on = Pumping.create();
    on.create("a");
    on.create("b");
    for (int i = 0; i < 3; i++) {
      var _ = on.left.leave("a");
      var _ = on.left.leave("b");
      var _ = on.left.leave("nowhere");
    }
    on.node.submit(new DeleteTopic("a", on.topic("a").incarnation()));
    on.settle();
    on.checkEmpty();
    assertThat(on.left.deliveredTo("b")).containsExactly(2L, 5L, 8L);
    assertThat(on.left.droppedOf("a")).containsExactly(1L, 4L, 7L);
    assertThat(on.left.droppedOf("nowhere")).containsExactly(3L, 6L, 9L);
    assertThat(on.figures()).isEqualTo(new OutboxPump.Figures(3, 6, 0));
  }

  @Test
  void topicOfTheSameName_getsWhatWasLeftForTheOneBefore() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    var _ = on.node.submit(new DeleteTopic("t", on.topic("t").incarnation()));
    on.node.settle();
    var _ = on.left.leave("t");
    var _ = on.node.submit(Pumping.creating("t"));
    on.node.settle();
    on.settle();
    assertThat(on.left.deliveredTo("t")).containsExactly(1L);
  }

  @Test
  void topicIsDeletedWhileItsLogIsOpened_dropsThem() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    on.restart();
    var _ = on.left.leave("t");
    OutboxPump.Next _ = on.pump.step();
    while (on.node.executor(0).runOne()) {
      // Its log is read on another thread.
    }
    assertThat(on.node.blocking().pending()).isPositive();
    Reply<Topic> deleted = on.node.submit(new DeleteTopic("t", on.topic("t").incarnation()));
    on.settle();
    assertThat(deleted.isAnswered()).isTrue();
    assertThat(on.left.droppedOf("t")).containsExactly(1L);
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void queues_takeNothingFromTheOutbox(boolean durable) throws Exception {
    Pumping on = Pumping.create();
    on.done(
        new CreateQueue(
            "q",
            durable,
            Queue.Mode.WORK,
            Queue.Bounds.NONE,
            new DeliveryPolicy(1, 0, 0, OptionalLong.empty()),
            CrankedNode.OWNER));
    assertThat(on.topic(Queue.topicOf("q")).name()).isEqualTo("$queue/q");
    var _ = on.left.leave(Queue.topicOf("q"));
    on.settle();
    assertThat(on.figures()).isEqualTo(new OutboxPump.Figures(0, 1, 0));
    on.checkEmpty();
  }

  // ---- topics that can be delivered to later ----

  @Test
  void damagedTopic_keepsItsMessages_andKeepsNobodyBack() throws Exception {
    Pumping on = Pumping.create();
    on.create("a");
    on.create("b");
    on.left.damaged.add("a");
    on.restart();
    for (int i = 0; i < 3 * OutboxPump.PAGE_MESSAGES; i++) {
      var _ = on.left.leave("a");
    }
    var last = on.left.leave("b");
    on.settle();
    assertThat(on.left.deliveredTo("b")).containsExactly(last);
    assertThat(on.figures()).isEqualTo(new OutboxPump.Figures(1, 0, 1));
    // It is tried again, without keeping the others back.
    for (int i = 0; i < 200; i++) {
      last = on.left.leave("b");
      on.pass(1000);
      assertThat(on.left.deliveredTo("b")).endsWith(last);
    }
    assertThat(on.left.waiting).hasSize(3 * OutboxPump.PAGE_MESSAGES);
    on.left.damaged.clear();
    on.restart();
    on.settle();
    assertThat(on.left.deliveredTo("a")).isEqualTo(numbers(1, 3L * OutboxPump.PAGE_MESSAGES));
    assertThat(on.figures().aside()).isZero();
    on.checkEmpty();
  }

  @Test
  void logThatCannotBeOpened_isTriedAgain_andKeepsNobodyBack() throws Exception {
    Pumping on = Pumping.create();
    int incarnation = on.create("a").incarnation();
    on.create("b");
    on.left.unreadable.add(incarnation);
    on.restart();
    for (int i = 0; i < 2 * OutboxPump.PAGE_MESSAGES; i++) {
      var _ = on.left.leave("a");
    }
    var last = on.left.leave("b");
    on.settle();
    assertThat(on.left.deliveredTo("b")).containsExactly(last);
    assertThat(on.figures().aside()).isEqualTo(1);
    on.passInSteps(20_000, 500);
    assertThat(on.left.deliveredTo("a")).isEmpty();
    on.left.unreadable.clear();
    on.pass(2_000);
    assertThat(on.left.deliveredTo("a")).isEqualTo(numbers(1, 2L * OutboxPump.PAGE_MESSAGES));
    assertThat(on.figures().aside()).isZero();
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1})
  void topicsPutAside_areBounded(int beyond) throws Exception {
    Pumping on = Pumping.create();
    int count = OutboxPump.MAX_ASIDE + beyond;
    for (int i = 0; i < count; i++) {
      on.left.damaged.add(on.create("d" + i).name());
    }
    on.create("b");
    on.restart();
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < 3; j++) {
        var _ = on.left.leave("d" + i);
      }
    }
    var _ = on.left.leave("b");
    on.settle();
    on.passInSteps(10_000, 1_000);
    // One page has room for those that are put aside no more: only a whole page of them would stop
    // it.
    assertThat(on.left.deliveredTo("b")).hasSize(1);
    assertThat(on.figures().aside()).isEqualTo(Math.min(count, OutboxPump.MAX_ASIDE));
    assertThat(on.left.waiting).hasSize(3 * count);
  }

  @Test
  void topicPutAside_whoseMessagesAreGone_isForgotten() throws Exception {
    Pumping on = Pumping.create();
    Topic topic = on.create("a");
    on.left.unreadable.add(topic.incarnation());
    on.restart();
    var _ = on.left.leave("a");
    on.settle();
    assertThat(on.figures().aside()).isEqualTo(1);
    on.memory.forgetLeft();
    on.passInSteps(3_000, 500);
    assertThat(on.figures()).isEqualTo(OutboxPump.Figures.NONE);
  }

  // ---- trouble ----

  @ParameterizedTest
  @EnumSource(Moment.class)
  void commitThatFails_deliversOnceAllTheSame(Moment moment) throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    var _ = on.left.leave("t");
    var _ = on.left.leave("t");
    on.store.strikeNext(Method.COMMIT, moment);
    on.settle();
    var _ = on.left.leave("t");
    on.heal();
    assertThat(on.left.deliveredTo("t")).containsExactly(1L, 2L, 3L);
    on.checkEmpty();
  }

  @ParameterizedTest
  @EnumSource(Moment.class)
  void outcomeThatStaysUnknown_isWaitedForBeforeReadingAgain(Moment moment) throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    var _ = on.left.leave("t");
    var _ = on.store.rate(Method.WAS_COMMITTED, new Rates(1, 0, 0));
    on.store.strikeNext(Method.COMMIT, moment);
    on.settle();
    on.pass(CommitLane.RESOLVE_PATIENCE.toMillis() + 1);
    // It is answered, and may be in the log or not: a page read now would be outdated once it is
    // known.
    on.whileReading =
        () -> {
          on.store.faultsOff();
          for (int i = 0; i < 200; i++) {
            on.time.advance(Duration.ofMillis(100));
            on.crankOne(1 + i % 3);
          }
        };
    on.time.advance(Duration.ofSeconds(3));
    OutboxPump.Next _ = on.pump.step();
    on.whileReading = () -> {};
    on.heal();
    assertThat(on.left.deliveredTo("t")).containsExactly(1L);
    on.checkEmpty();
  }

  @Test
  void outboxThatCannotBeRead_isTriedAgain_atMost2sApart() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    var _ = on.left.leave("t");
    var _ = on.store.rate(Method.READ_OUTBOX, new Rates(1, 0, 0));
    List<Long> pauses = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      if (on.pump.step() instanceof OutboxPump.Next.Pause(long forNs)) {
        pauses.add(Duration.ofNanos(forNs).toMillis());
        on.time.advance(Duration.ofNanos(forNs));
      }
    }
    assertThat(pauses).startsWith(50L, 100L, 200L).isSorted().hasSize(10).endsWith(2000L, 2000L);
    on.store.faultsOff();
    on.settle();
    assertThat(on.left.deliveredTo("t")).containsExactly(1L);
    // Success has made it quick again.
    on.store.faultsOn();
    assertThat(on.pump.step())
        .isEqualTo(new OutboxPump.Next.Pause(Duration.ofMillis(50).toNanos()));
  }

  @Test
  void backlogThatIsFull_isWaitedFor() throws Exception {
    Node.Limits narrow =
        new Node.Limits(1 << 24, 1 << 24, 1, 1 << 24, new CommitLane.Limits(1000, 1 << 24));
    Pumping on = new Pumping(1, narrow, 1);
    for (String topic : List.of("a", "b", "c", "d")) {
      on.create(topic);
      for (int i = 0; i < 5; i++) {
        var _ = on.left.leave(topic);
      }
    }
    on.passInSteps(5_000, 100);
    assertThat(on.figures()).isEqualTo(new OutboxPump.Figures(20, 0, 0));
    on.checkEmpty();
  }

  @Test
  void serverThatWasFenced_takesNothingMore() throws Exception {
    Pumping on = Pumping.create();
    on.create("t");
    CrankedNode old = on.node;
    OutboxPump oldPump = on.pump;
    var _ = on.left.leave("t");
    OutboxPump.Next _ = oldPump.step();
    int _ = old.settleExecutors();
    on.restart();
    on.settle();
    var _ = on.left.leave("t");
    for (int i = 0; i < 100; i++) {
      Pumping.crankOne(i % 4, old, oldPump);
    }
    assertThat(old.node().lane().phase()).isEqualTo(CommitLane.Phase.FENCED);
    assertThat(oldPump.figures().delivered()).isZero();
    on.settle();
    assertThat(on.left.deliveredTo("t")).containsExactly(1L, 2L);
    on.checkEmpty();
  }

  @Test
  void processThatEndsAnywhere_deliversEachOnce() throws Exception {
    for (int steps = 0; steps < 60; steps++) {
      Pumping on = new Pumping(2, CrankedNode.LIMITS, 1);
      on.create("a");
      on.create("b");
      for (int i = 0; i < 3000; i++) {
        var _ = on.left.leave(i % 2 == 0 ? "a" : "b");
      }
      for (int i = 0; i < steps; i++) {
        on.crankOne(i % 4);
      }
      on.restart();
      on.settle();
      assertThat(on.left.deliveredTo("a")).hasSize(1500).isSorted();
      assertThat(on.left.deliveredTo("b")).hasSize(1500).isSorted();
      on.checkEmpty();
    }
  }
}
