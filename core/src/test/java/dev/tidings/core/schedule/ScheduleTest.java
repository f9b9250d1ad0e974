// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.command.CreateSubscription;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.RecordingReader;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved.Why;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Messages that are published for later: when they come into their logs, in which order, under
/// which ids, how many there may be, and what of them is in memory.
class ScheduleTest {

  // ---- when ----

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 999, 1000, 30_000, 59_999, 60_000, 60_001, 90_000, 3_600_000})
  void message_isAppendedWhenItIsDue_andNotBefore(long delayMs) throws Exception {
    Scheduling on = Scheduling.create();
    ScheduledId id = on.scheduleOne("t", delayMs, "1");
    assertThat(id.dueAt()).isEqualTo(on.time.wallMs() + delayMs);
    assertThat(on.waiting()).isEqualTo(1);
    on.pass(delayMs - 1);
    assertThat(on.log("t")).isEmpty();
    assertThat(on.waiting()).isEqualTo(1);
    on.passInSteps(1 + Schedule.TIMER_STEP_MS, 1);
    assertThat(on.log("t")).containsExactly("1");
    assertThat(on.messages("t").getFirst().timestamp())
        .isBetween(id.dueAt(), id.dueAt() + Schedule.TIMER_STEP_MS);
    on.checkEmpty();
    assertThat(on.figures()).isEqualTo(new Schedule.Figures(1, 1, 0, 0, 0, 0));
    on.pass(120_000);
    assertThat(on.log("t")).containsExactly("1");
  }

  @Test
  void pastDue_isAppendedAtOnce_asIfNothingWasSaid() throws Exception {
    Scheduling on = Scheduling.create();
    long now = on.time.wallMs();
    List<PublishedId> ids =
        on.publish(
            "t",
            Scheduling.dueAt(now, "1"),
            Scheduling.dueAt(now - 1, "2"),
            Scheduling.dueAt(1, "3"),
            Scheduling.dueAt(NewMessage.NOW, "4"));
    assertThat(ids).allMatch(MessageId.class::isInstance);
    assertThat(on.log("t")).containsExactly("1", "2", "3", "4");
    assertThat(on.figures()).isEqualTo(Schedule.Figures.NONE);
    on.checkEmpty();
  }

  @Test
  void mixedPublish_appendsWhatIsDue_andKeepsTheOrderOfIds() throws Exception {
    Scheduling on = Scheduling.create();
    List<PublishedId> ids =
        on.publish(
            "t",
            on.later(200, "3"),
            on.later(0, "1"),
            on.later(100, "2"),
            on.later(-5, "0"),
            on.later(200, "4"));
    assertThat(ids.get(0)).isInstanceOf(ScheduledId.class);
    assertThat(ids.get(1)).isInstanceOf(MessageId.class);
    assertThat(ids.get(2)).isInstanceOf(ScheduledId.class);
    assertThat(ids.get(3)).isInstanceOf(MessageId.class);
    assertThat(ids.stream().map(PublishedId::timestamp).map(it -> it - on.time.wallMs()))
        .containsExactly(200L, 0L, 100L, 0L, 200L);
    assertThat(on.log("t")).containsExactly("1", "0");
    assertThat(on.waiting()).isEqualTo(3);
    on.pass(150);
    assertThat(on.log("t")).containsExactly("1", "0", "2");
    on.pass(50);
    assertThat(on.log("t")).containsExactly("1", "0", "2", "3", "4");
    on.checkEmpty();
  }

  @Test
  void publishForLater_makesItsTopic() throws Exception {
    Scheduling on = Scheduling.create();
    ScheduledId id = on.scheduleOne("t", 10, "1");
    assertThat(id.incarnation()).isEqualTo(on.topic("t").incarnation());
    assertThat(on.content.extent(id.incarnation()).nextSequence()).isEqualTo(1);
    on.pass(10);
    assertThat(on.log("t")).containsExactly("1");
  }

  @Test
  void ttl_andOrdering_countFromTheAppend() throws Exception {
    Scheduling on = Scheduling.create();
    NewMessage message =
        new NewMessage(
            Payload.of("1"),
            Payload.of("{\"a\":\"b\"}"),
            500,
            Ordering.ofKey("k"),
            on.time.wallMs() + 1000);
    on.publish("t", message);
    on.pass(1000);
    Message appended = on.messages("t").getFirst();
    assertThat(appended.expiresAt()).isEqualTo(on.time.wallMs() + 500);
    assertThat(appended.metadata()).isEqualTo(message.metadata());
    assertThat(appended.ordering()).isEqualTo(message.ordering());
  }

  @Test
  void readersAndSubscriptionsMadeMeanwhile_getIt() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.scheduleOne("t", 1000, "1");
    RecordingReader reader = on.node.open(0, "t", new Start.Last());
    Subscription subscription =
        on.done(
            new CreateSubscription(
                "s",
                "t",
                on.topic("t").incarnation(),
                CrankedNode.OWNER,
                Optional.empty(),
                new DeliveryPolicy(2, 1000, 1000, OptionalLong.empty()),
                new CreateSubscription.From.Now()));
    LeaseMessages leasing =
        new LeaseMessages(subscription, 10, OptionalLong.empty(), Optional.empty());
    assertThat(on.done(leasing).messages()).isEmpty();
    assertThat(reader.texts()).isEmpty();
    on.pass(1000);
    assertThat(reader.texts()).containsExactly("1");
    assertThat(on.done(leasing).messages()).hasSize(1);
  }

  @Test
  void latestTimeThereIs_canBeAskedFor_andNoneBeyond() throws Exception {
    Scheduling on = Scheduling.create();
    var ids = on.publish("t", Scheduling.dueAt(ScheduledId.MAX, "1"));
    assertThat(ids.getFirst().timestamp()).isEqualTo(ScheduledId.MAX);
    on.pass(100_000);
    assertThat(on.waiting()).isEqualTo(1);
    assertThat(on.cancel("t", (ScheduledId) ids.getFirst())).isEqualTo(1);
    // Not only when it is too late, with half a publish in the log.
    assertThatThrownBy(() -> Scheduling.dueAt(ScheduledId.MAX + 1, "2"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dueAt");
    assertThatThrownBy(() -> Scheduling.dueAt(-1, "2"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // ---- order and ids ----

  @Test
  void dueOrder_thenPublishOrder() throws Exception {
    Scheduling on = Scheduling.create();
    long now = on.time.wallMs();
    on.publish("t", Scheduling.dueAt(now + 500, "5"), Scheduling.dueAt(now + 100, "2"));
    on.publish("t", Scheduling.dueAt(now + 500, "6"), Scheduling.dueAt(now + 90_000, "8"));
    on.publish("t", Scheduling.dueAt(now + 90_000, "9"), Scheduling.dueAt(now + 50, "1"));
    on.publish("t", Scheduling.dueAt(now + 100, "3"), Scheduling.dueAt(now + 499, "4"));
    on.publish("t", Scheduling.dueAt(now + 501, "7"));
    on.pass(100_000);
    on.settle();
    assertThat(on.log("t")).containsExactly("1", "2", "3", "4", "5", "6", "7", "8", "9");
    assertThat(on.watched.appended).isSorted();
    on.checkEmpty();
  }

  @Test
  void ids_riseAsPublished_andCanBeRead() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = new ArrayList<>(on.schedule("t", 1000, "1", "2", "3"));
    ids.addAll(on.schedule("u", 1000, "4"));
    ids.addAll(on.schedule("t", 1000, "5"));
    assertThat(ids).isSorted().doesNotHaveDuplicates();
    for (ScheduledId id : ids) {
      assertThat(ScheduledId.parse(id.toUuid().toString())).contains(id);
      assertThat(ScheduledId.parse(id.toRelayId())).contains(id);
      assertThat(MessageId.parse(id.toUuid().toString())).isEmpty();
    }
    on.pass(1000);
    // At once; those of one log together.
    assertThat(on.watched.appended).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(on.log("t")).containsExactly("1", "2", "3", "5");
  }

  @Test
  void numbers_areNotGivenAgain_afterARestart() throws Exception {
    Scheduling on = Scheduling.create();
    ScheduledId first = on.scheduleOne("t", 1000, "1");
    ScheduledId second = on.scheduleOne("t", 2000, "2");
    on.cancel("t", second);
    on.pass(1000);
    on.restartAfter(0);
    on.settle();
    ScheduledId third = on.scheduleOne("t", 1000, "3");
    assertThat(third.number()).isGreaterThan(first.number()).isGreaterThan(second.number());
  }

  // ---- what is in memory ----

  @Test
  void memory_holdsTheNextMinuteOnly() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", 10_000, "1");
    var _ = on.schedule("t", 59_999, "2");
    var _ = on.schedule("t", 60_000, "3");
    var _ = on.schedule("t", 65_000, "4");
    var _ = on.schedule("t", 3_600_000, "5");
    assertThat(on.figures().held()).isEqualTo(2);
    assertThat(on.waiting()).isEqualTo(5);
    on.passInSteps(31_000, 500);
    // The first is gone, two more have come.
    assertThat(on.figures().held()).isEqualTo(3);
    for (int i = 0; i < 400; i++) {
      on.pass(10_000);
      long minute = on.time.wallMs() + Schedule.HORIZON_MS;
      assertThat(on.figures().held())
          .isLessThanOrEqualTo(
              on.content.readScheduled(SlotSet.ALL, ScheduledId.FIRST, minute, 10, 1 << 20).size());
    }
    assertThat(on.log("t")).containsExactly("1", "2", "3", "4", "5");
    on.checkEmpty();
  }

  @Test
  void memory_isBounded_andFilledAgain() throws Exception {
    int max = 40_000;
    Scheduling on = Scheduling.withMemory(max);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      String text = "" + i;
      texts.add(text);
      on.publish("t", on.large(100 + i * 50L - i, text, 1000));
      on.pass(1);
      assertThat(on.figures().heldBytes()).isLessThanOrEqualTo(max);
    }
    assertThat(on.figures().held()).isLessThan(40);
    for (int i = 0; i < 1500; i++) {
      on.pass(10);
      assertThat(on.figures().heldBytes()).isLessThanOrEqualTo(max);
      assertThat(on.waiting()).isEqualTo(300 - on.messages("t").size());
    }
    assertThat(on.log("t")).isEqualTo(texts);
    checkPunctual(on, "t", 10);
    on.checkEmpty();
    // Each was read a few times at most, a page at a time.
    assertThat(on.watched.reads).isLessThan(100);
  }

  private static void checkPunctual(Scheduling on, String topic, long withinMs) throws Exception {
    List<Message> messages = on.messages(topic);
    assertThat(messages).hasSameSizeAs(on.watched.appended);
    for (int i = 0; i < messages.size(); i++) {
      assertThat(messages.get(i).timestamp() - on.watched.appended.get(i).dueAt())
          .isBetween(0L, withinMs);
    }
  }

  @Test
  void messageLargerThanAllTheMemory_isAppended_andTheOthersToo() throws Exception {
    Scheduling on = Scheduling.withMemory(2000);
    on.publish("t", on.large(3000, "3", 5000), on.later(1000, "1"), on.later(5000, "5"));
    on.publish("t", on.large(2000, "2", 9000), on.large(4000, "4", 9000));
    on.passInSteps(6000, 100);
    assertThat(on.log("t")).containsExactly("1", "2", "3", "4", "5");
    checkPunctual(on, "t", 100);
    on.checkEmpty();
  }

  @Test
  void largeMessageBehindASmallOne_isNotReadOverAndOver() throws Exception {
    Scheduling on = Scheduling.withMemory(2000);
    on.publish("t", on.later(20_000, "1"));
    // There is no room for it beside the first.
    on.publish("t", on.large(20_001, "2", 5000));
    int before = on.watched.reads;
    on.passInSteps(15_000, 100);
    assertThat(on.watched.reads - before).isLessThanOrEqualTo(2);
    on.passInSteps(5_000, 100);
    on.passInSteps(10, 1);
    assertThat(on.log("t")).containsExactly("1", "2");
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 400, 600, 1000})
  void hardlyAnyMemory_isEnough(long bytes) throws Exception {
    Scheduling on = Scheduling.withMemory(bytes);
    var _ = on.schedule("t", 2000, "3", "4");
    var _ = on.schedule("t", 1000, "1", "2");
    var _ = on.schedule("t", 90_000, "5");
    assertThat(on.figures().held()).isLessThanOrEqualTo(3);
    on.passInSteps(100_000, 1000);
    assertThat(on.log("t")).containsExactly("1", "2", "3", "4", "5");
    on.checkEmpty();
  }

  @Test
  void newMessages_beforeIn_andBehindAFullWindow() throws Exception {
    Scheduling on = Scheduling.withMemory(10_000);
    for (int i = 0; i < 20; i++) {
      on.publish("t", on.large(10_000 + i * 100, "" + (100 + i), 1000));
    }
    long held = on.figures().held();
    assertThat(held).isBetween(4L, 9L);
    // In front of it, in the middle, behind its end, behind everything.
    on.publish("t", on.large(5_000, "50", 1000));
    on.publish("t", on.large(10_150, "1015", 1000));
    on.publish("t", on.large(11_450, "1145", 1000));
    on.publish("t", on.large(13_000, "1300", 1000));
    assertThat(on.figures().heldBytes()).isLessThanOrEqualTo(10_000);
    on.passInSteps(14_000, 50);
    assertThat(on.watched.appended).isSorted();
    checkPunctual(on, "t", 50);
    assertThat(on.log("t")).hasSize(24).startsWith("50", "100", "101", "1015", "102");
    on.checkEmpty();
  }

  @Test
  void moreThanOnePage_allOfIt_inOrder() throws Exception {
    Scheduling on = Scheduling.create();
    int count = 25_000;
    List<Integer> delays = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      delays.add(70_000 + i / 10);
    }
    Collections.shuffle(delays, new Random(1));
    for (int from = 0; from < count; from += 500) {
      on.publish(
          "t",
          delays.subList(from, from + 500).stream()
              .map(delay -> on.later(delay, "1"))
              .toArray(NewMessage[]::new));
    }
    assertThat(on.figures().held()).isZero();
    assertThat(on.waiting()).isEqualTo(count);
    on.pass(40_000);
    assertThat(on.figures().held()).isGreaterThanOrEqualTo(10_000);
    on.passInSteps(32_600, 100);
    assertThat(on.watched.appended).hasSize(count).isSorted();
    checkPunctual(on, "t", 100);
    on.checkEmpty();
  }

  /// What becomes due while a commit takes its time need not come one commit after the other.
  @Test
  void dueDuringASlowCommit_isWrittenWithTheNext() throws Exception {
    Scheduling on = Scheduling.create();
    for (int i = 1; i <= 100; i++) {
      var _ = on.schedule("t", i * 10L, "" + i);
    }
    for (int i = 0; i < 100; i++) {
      on.time.advance(Duration.ofMillis(10));
      on.handle();
    }
    assertThat(on.watched.appended).isEmpty();
    writeAll(on);
    assertThat(on.watched.appended).hasSize(100).isSorted();
    on.settle();
    assertThat(on.log("t")).hasSize(100);
    on.checkEmpty();
  }

  @Test
  void dueDuringASlowCommit_moreThanMayBeUnderWay_waitsForIt() throws Exception {
    Scheduling on = Scheduling.withMemory(64 << 20);
    int count = Schedule.UNDER_WAY + 3000;
    var _ = publishMany(on, 1000, count);
    on.time.advance(Duration.ofSeconds(1));
    on.handle();
    writeAll(on);
    assertThat(on.watched.appended).hasSize(Schedule.UNDER_WAY).isSorted();
    on.settle();
    assertThat(on.watched.appended).hasSize(count).isSorted();
    on.checkEmpty();
  }

  /// Writes what was handed in to the store, and tells nobody.
  private static void writeAll(Scheduling on) {
    while (on.node.node().lane().step() == 0) {}
  }

  // ---- while the window is being filled ----

  /// A window that ends in 29 s, and whose continuation is being read.
  private static Scheduling loading(long bytes) throws Exception {
    Scheduling on = Scheduling.withMemory(bytes);
    var _ = on.schedule("t", 70_000, "7");
    on.time.advance(Duration.ofSeconds(31));
    on.settleButReads();
    assertThat(on.node.blocking().pending()).isEqualTo(1);
    return on;
  }

  /// Reads, and leaves what was read waiting at the shard.
  private static void read(Scheduling on) {
    assertThat(on.node.blocking().runOne()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"1000,false", "1000,true", "34000,false", "34000,true", "70000,false", "70000,true"})
  void publishedWhileReading_isAppendedOnce(long delayMs, boolean readFirst) throws Exception {
    Scheduling on = loading(1 << 20);
    if (readFirst) {
      read(on);
    }
    var reply = on.submit(on.publishing("t", on.later(delayMs, "1"), on.later(delayMs, "2")));
    on.settleButReads();
    on.settle();
    assertThat(reply.done().ids()).hasSize(2);
    on.passInSteps(80_000, 1000);
    assertThat(on.log("t")).containsExactlyInAnyOrder("1", "2", "7");
    assertThat(on.watched.appended).isSorted();
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void publishedWhileReading_notYetWritten_isAppendedOnce(boolean readFirst) throws Exception {
    Scheduling on = loading(1 << 20);
    var _ = on.submit(on.publishing("t", on.later(34_000, "1")));
    on.handle();
    if (readFirst) {
      read(on);
      on.handle();
    } else {
      // Written, and read before the shard hears of it.
      long _ = on.node.node().lane().step();
      read(on);
    }
    on.settle();
    on.passInSteps(80_000, 1000);
    assertThat(on.log("t")).containsExactly("1", "7");
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void cancelledWhileReading_isNotAppended(boolean readFirst) throws Exception {
    Scheduling on = loading(1 << 20);
    if (readFirst) {
      read(on);
    }
    var first = on.submit(on.publishing("t", on.later(34_000, "1"), on.later(1000, "2")));
    on.settleButReads();
    List<ScheduledId> ids = first.done().ids().stream().map(ScheduledId.class::cast).toList();
    var cancelled = on.submit(on.cancelling("t", ids));
    on.settleButReads();
    on.settle();
    assertThat(cancelled.done()).isEqualTo(2);
    on.passInSteps(80_000, 1000);
    assertThat(on.log("t")).containsExactly("7");
    on.checkEmpty();
  }

  /// More than are remembered: a busy schedule would read for ever, and what is due would be late.
  @Test
  void manyAppendedWhileReading_doNotSpoilIt() throws Exception {
    Scheduling on = loading(64 << 20);
    int count = 2 * Schedule.REMEMBERED;
    publishMany(on, 1000, count);
    on.time.advance(Duration.ofSeconds(1));
    on.settleButReads();
    assertThat(on.watched.appended).hasSize(count);
    int reads = on.watched.reads;
    on.settle();
    assertThat(on.watched.reads).isEqualTo(reads + 1);
    on.passInSteps(80_000, 1000);
    assertThat(on.log("t")).hasSize(count + 1).endsWith("7");
    on.checkEmpty();
  }

  /// What was read of it before would bring it back.
  @ParameterizedTest
  @CsvSource({"0,1", "1,0"})
  void cancelledWhileReading_andNotRememberedAnyMore_isReadAgain(int forgotten, int held) {
    ManualTime time = new ManualTime();
    Schedule schedule =
        new Schedule(
            time, SlotSet.ALL, 0, 1 << 20, new Waiting(100_000, 1, 100_000), _ -> {}, idle());
    ScheduleLoad load = schedule.nextLoad().orElseThrow();
    ScheduledMessage cancelled = message(1, time.wallMs() + 1000);
    List<ScheduledId> ids = new ArrayList<>(List.of(cancelled.id()));
    for (int i = 1; i < Schedule.REMEMBERED + forgotten; i++) {
      ids.add(message(1L + i, time.wallMs() + 1000).id());
    }
    ids.forEach(schedule::remove);
    schedule.committed(new ScheduledRemoved(0, ids, ScheduledRemoved.Why.CANCELLED));
    schedule.loaded(load, List.of(cancelled, message(100_000, time.wallMs() + 2000)), true);
    assertThat(schedule.figures().held()).isEqualTo(held);
    assertThat(schedule.nextLoad().isPresent()).isEqualTo(held == 0);
  }

  private static ScheduledMessage message(long number, long dueAt) {
    return new ScheduledMessage(
        "t",
        1,
        number,
        new NewMessage(Payload.of("1"), Payload.EMPTY, Message.NEVER, Ordering.NONE, dueAt));
  }

  private static Schedule.Host idle() {
    return new Schedule.Host() {
      @Override
      public <R> void submit(Command<R> command, Consumer<Outcome<R>> reply) {}

      @Override
      public void after(long delayNs, Runnable task) {}
    };
  }

  private static List<ScheduledId> publishMany(Scheduling on, long delayMs, int count)
      throws Exception {
    List<ScheduledId> ids = new ArrayList<>();
    for (int from = 0; from < count; from += 1000) {
      NewMessage[] messages = new NewMessage[1000];
      Arrays.setAll(messages, _ -> on.later(delayMs, "1"));
      var reply = on.submit(on.publishing("t", messages));
      on.settleButReads();
      reply.done().ids().forEach(id -> ids.add((ScheduledId) id));
    }
    return ids;
  }

  @Test
  void windowThatShrinksWhileReading_losesNothing() throws Exception {
    Scheduling on = loading(20_000);
    List<Reply<Publish.Published>> replies = new ArrayList<>();
    // Each takes the place of the one before, which has nothing but the store then.
    for (int i = 25; i > 0; i--) {
      replies.add(on.submit(on.publishing("t", on.large(5_000 + i * 100, "" + (100 + i), 1000))));
      on.settleButReads();
    }
    on.settle();
    assertThat(replies).allMatch(it -> it.done().ids().size() == 1);
    on.passInSteps(80_000, 100);
    assertThat(on.log("t")).hasSize(26);
    assertThat(on.watched.appended).isSorted();
    checkPunctual(on, "t", 100);
    on.checkEmpty();
  }

  @Test
  void moreArrivesWhileReading_thanMemoryMayHold() throws Exception {
    Scheduling on = loading(20_000);
    for (int i = 0; i < 50; i++) {
      var _ = on.submit(on.publishing("t", on.large(30_000 + i * 100, "" + (100 + i), 1000)));
      on.settleButReads();
    }
    on.settle();
    assertThat(on.figures().heldBytes()).isLessThanOrEqualTo(20_000);
    on.passInSteps(80_000, 100);
    assertThat(on.log("t")).hasSize(51);
    assertThat(on.watched.appended).isSorted();
    checkPunctual(on, "t", 100);
    on.checkEmpty();
  }

  // ---- how many ----

  @Test
  void limit_isReached_andNotPassed() throws Exception {
    Scheduling on = Scheduling.withLimit(3);
    List<ScheduledId> two = on.schedule("t", 1000, "1", "2");
    var tooMany = on.submit(on.publishing("t", on.later(1000, "a"), on.later(1000, "b")));
    on.settle();
    assertThat(tooMany.refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(tooMany.refusal().detail()).contains("2 scheduled messages").contains("limit: 3");
    var _ = on.schedule("t", 90_000, "3");
    assertThat(on.waiting()).isEqualTo(3);
    // All or none, also of what is due.
    var mixed = on.submit(on.publishing("t", on.later(0, "c"), on.later(1000, "d")));
    var creating = on.submit(on.publishing("new", on.later(1000, "e")));
    on.settle();
    assertThat(mixed.refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(creating.refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(on.node.node().directory().topic("new")).isEmpty();
    // What is due needs no room.
    on.publish("t", on.later(0, "0"));
    assertThat(on.cancel("t", two.getFirst())).isEqualTo(1);
    var _ = on.schedule("t", 500, "4");
    assertThat(on.waiting()).isEqualTo(3);
    on.pass(1000);
    assertThat(on.waiting()).isEqualTo(1);
    var _ = on.schedule("t", 1000, "5", "6");
    on.pass(100_000);
    assertThat(on.log("t")).containsExactly("0", "4", "2", "5", "6", "3");
    on.checkEmpty();
  }

  @Test
  void limit_countsWhatAnEarlierProcessLeft() throws Exception {
    Scheduling on = Scheduling.withLimit(3);
    var _ = on.schedule("t", 100_000, "1", "2");
    on.restartAfter(0);
    on.settle();
    assertThat(on.waiting()).isEqualTo(2);
    var tooMany = on.submit(on.publishing("t", on.later(1000, "a"), on.later(1000, "b")));
    on.settle();
    assertThat(tooMany.refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    var _ = on.schedule("t", 1000, "3");
  }

  // ---- under idempotency keys ----

  private static Publish keyed(Publish plain) {
    Fingerprint fingerprint = Fingerprint.of("/", "1".getBytes(StandardCharsets.UTF_8));
    return new Publish(
        plain.topic(),
        plain.authority(),
        plain.messages(),
        Optional.of(new KeyedRequest("ada", "k", 0, fingerprint)));
  }

  @Test
  void repeatedRequest_getsTheSameIds_andIsCarriedOutOnce() throws Exception {
    Scheduling on = Scheduling.create();
    on.publish("t", on.later(0, "0"));
    Publish publish =
        keyed(
            on.publishing(
                "t",
                on.later(1000, "2"),
                on.later(1000, "3"),
                on.later(0, "1"),
                on.later(90_000, "4")));
    var first = on.submit(publish);
    on.handle();
    // The first is under way.
    var second = on.submit(publish);
    on.settle();
    assertThat(second.done().ids()).isEqualTo(first.done().ids()).hasSize(4);
    assertThat(second.done().repeated()).isTrue();
    assertThat(on.waiting()).isEqualTo(3);
    on.pass(1000);
    assertThat(on.done(publish).ids()).isEqualTo(first.done().ids());
    on.restartAfter(0);
    on.settle();
    assertThat(on.done(publish).ids()).isEqualTo(first.done().ids());
    on.cancel("t", (ScheduledId) first.done().ids().get(3));
    assertThat(on.done(publish).ids()).isEqualTo(first.done().ids());
    on.pass(100_000);
    assertThat(on.log("t")).containsExactly("0", "1", "2", "3");
    on.checkEmpty();
  }

  // ---- several shards ----

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyShard_appendsItsOwn_alsoAfterARestart(int loops) throws Exception {
    Scheduling on = new Scheduling(loops, ScheduleLimits.DEFAULT, 1);
    on.settle();
    List<String> topics = IntStream.range(0, 12).mapToObj(i -> "topic-" + i).toList();
    Map<String, List<ScheduledId>> ids = new HashMap<>();
    for (int round = 0; round < 5; round++) {
      for (String topic : topics) {
        long delay = 1000 + (round * 37 + topic.hashCode()) % 13 * 10_000L;
        ids.computeIfAbsent(topic, _ -> new ArrayList<>())
            .addAll(on.schedule(topic, Math.abs(delay), "" + round));
      }
    }
    assertThat(on.waiting()).isEqualTo(60);
    on.passInSteps(30_000, 1000);
    assertThat(on.waiting()).isBetween(1L, 59L);
    on.restartAfter(5_000);
    on.settle();
    on.passInSteps(200_000, 1000);
    assertThat(on.watched.fates).hasSize(60).values().containsOnly(Why.APPENDED);
    for (String topic : topics) {
      List<ScheduledId> ofTopic =
          on.watched.appended.stream()
              .filter(id -> id.incarnation() == on.topic(topic).incarnation())
              .toList();
      assertThat(ofTopic)
          .isSorted()
          .containsExactlyInAnyOrderElementsOf(ids.getOrDefault(topic, List.of()));
      assertThat(on.log(topic)).hasSize(5);
    }
    on.checkEmpty();
  }
}
