// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AbandonScheduled;
import dev.tidings.core.command.AppendDue;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.command.LoadSchedule;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved.Why;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Scheduled messages while logs are not at hand, topics go, clocks are set, processes end and the
/// store fails: each comes into its log once, or never.
class ScheduleTroubleTest {
  private static final long SOON = 10_000;
  private static final long LATE = 100_000;

  private static void end(Scheduling on) throws Exception {
    on.passInSteps(300_000, 5_000);
    on.checkEmpty();
  }

  // ---- logs that are not in memory ----

  @Test
  void restart_appendsWhatBecameDueMeanwhile_inDueOrder() throws Exception {
    Scheduling on = Scheduling.create();
    long now = on.time.wallMs();
    for (int i = 0; i < 40; i++) {
      // Due in another order than published.
      on.publish("t" + i % 4, Scheduling.dueAt(now + 1000 + i * 7919L % 40, "" + i));
    }
    on.restartAfter(5_000);
    on.settle();
    assertThat(on.watched.appended).hasSize(40);
    for (int i = 0; i < 4; i++) {
      int log = on.topic("t" + i).incarnation();
      assertThat(on.watched.appended.stream().filter(id -> id.incarnation() == log)).isSorted();
      assertThat(on.log("t" + i)).hasSize(10);
      assertThat(on.messages("t" + i)).allMatch(it -> it.timestamp() == on.time.wallMs());
    }
    on.checkEmpty();
  }

  @Test
  void restart_ofThousands_appendsEachOnce_inDueOrder() throws Exception {
    Scheduling on = Scheduling.create();
    for (int i = 0; i < 12; i++) {
      var _ =
          on.schedule(
              "t", 12_000 - i * 1000, Collections.nCopies(1000, "1").toArray(String[]::new));
    }
    on.restartAfter(60_000);
    on.settle();
    assertThat(on.watched.appended).hasSize(12_000).isSorted();
    assertThat(on.log("t")).hasSize(12_000);
    on.checkEmpty();
    assertThat(on.figures().appended()).isEqualTo(12_000);
    assertThat(on.figures().scheduled()).isZero();
  }

  @Test
  void logThatCannotBeOpened_holdsUpNoOther_andIsTriedAgain() throws Exception {
    Scheduling on = Scheduling.create();
    for (String topic : List.of("a", "b", "c")) {
      var _ = on.schedule(topic, SOON, "1", "2");
      var _ = on.schedule(topic, SOON + 5_000, "3");
      var _ = on.schedule(topic, LATE, "4");
    }
    on.watched.unreadable.add(on.topic("b").incarnation());
    on.restartAfter(SOON);
    on.settle();
    assertThat(on.log("a")).containsExactly("1", "2");
    assertThat(on.log("b")).isEmpty();
    assertThat(on.log("c")).containsExactly("1", "2");
    on.passInSteps(6_000, 100);
    assertThat(on.log("a")).containsExactly("1", "2", "3");
    assertThat(on.log("b")).isEmpty();
    assertThat(on.waiting()).isEqualTo(3 + 3);
    on.watched.unreadable.clear();
    on.pass(1000);
    on.pass(1000);
    assertThat(on.log("b")).containsExactly("1", "2", "3");
    end(on);
    assertThat(on.log("b")).containsExactly("1", "2", "3", "4");
    assertThat(on.watched.fates).hasSize(12).values().containsOnly(Why.APPENDED);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void logThatCannotBeOpened_withMoreThanMemoryHolds_leavesRoomForOthers(boolean heals)
      throws Exception {
    Scheduling on = Scheduling.withMemory(20_000);
    List<ScheduledId> bad = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      bad.add(on.scheduleOne("bad", SOON + i, "" + i));
      texts.add("" + i);
    }
    for (int i = 0; i < 30; i++) {
      var _ = on.schedule("good", SOON + 10L * i, "" + i);
    }
    on.watched.unreadable.add(on.topic("bad").incarnation());
    on.restartAfter(SOON + 1000);
    on.settle();
    // Some of it may be taken up with what waits, but not for long.
    on.passInSteps(15_000, 100);
    assertThat(on.log("good")).hasSize(30);
    assertThat(on.log("bad")).isEmpty();
    assertThat(on.waiting()).isEqualTo(300);
    assertThat(on.figures().heldBytes()).isLessThanOrEqualTo(20_000);
    var _ = on.schedule("good", 1000, "new");
    assertThat(on.cancel("bad", bad.get(250), bad.get(0), bad.get(1), bad.get(299))).isEqualTo(4);
    texts.removeAll(List.of("250", "0", "1", "299"));
    on.passInSteps(2_000, 100);
    assertThat(on.log("good")).endsWith("new");
    if (heals) {
      on.watched.unreadable.clear();
      on.passInSteps(3_000, 100);
      assertThat(on.log("bad")).isEqualTo(texts);
    } else {
      on.delete("bad");
      on.pass(2_000);
    }
    on.checkEmpty();
  }

  @Test
  void whatIsSetAside_canBeCancelled_andComesWhenItsLogIsOpenedBySomebodyElse() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", SOON, "1", "2", "3");
    int log = on.topic("t").incarnation();
    on.watched.unreadable.add(log);
    on.restartAfter(SOON);
    on.settle();
    assertThat(on.figures().held()).isEqualTo(3);
    assertThat(on.cancel("t", ids.get(1))).isEqualTo(1);
    assertThat(on.figures().held()).isEqualTo(2);
    on.watched.unreadable.clear();
    // Opens the log, and finds its place behind nobody.
    on.publish("t", on.later(0, "0"));
    assertThat(on.log("t")).containsExactlyInAnyOrder("0", "1", "3");
    on.checkEmpty();
  }

  @Test
  void windowThatShrinks_whileSomethingIsSetAside_bringsNothingTwice() throws Exception {
    Scheduling on = Scheduling.withMemory(2000);
    var _ = on.schedule("a", 6, "1");
    on.publish("k", on.later(0, "0"));
    on.watched.unreadable.add(on.topic("a").incarnation());
    on.restartAfter(0);
    on.settle();
    on.publish("k", on.later(0, "1"));
    // Handled before they are due, and written only after the other is set aside.
    var _ = on.submit(on.publishing("k", on.later(5, "2"), on.large(5, "3", 1900)));
    on.handle();
    on.time.advance(Duration.ofMillis(6));
    on.handle();
    on.settle();
    on.pass(400);
    assertThat(on.log("k")).containsExactly("0", "1", "2", "3");
    on.watched.unreadable.clear();
    on.pass(1000);
    on.pass(1000);
    assertThat(on.log("a")).containsExactly("1");
    on.checkEmpty();
  }

  @Test
  void topicWhoseEntryIsDamaged_keepsWhatWaitsForIt() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("a", SOON, "1");
    var _ = on.schedule("b", SOON, "2");
    on.watched.damaged.add("a");
    on.restartAfter(0);
    on.settle();
    on.passInSteps(30_000, 1000);
    assertThat(on.log("b")).containsExactly("2");
    assertThat(on.waiting()).isEqualTo(1);
    assertThat(on.figures().held()).isZero();
    // It was read again.
    on.watched.damaged.clear();
    on.restartAfter(0);
    on.settle();
    assertThat(on.log("a")).containsExactly("1");
    on.checkEmpty();
  }

  @Test
  void windowThatCannotBeRead_isTriedAgain_andWhatIsInMemoryGoesOn() throws Exception {
    Scheduling on = Scheduling.create();
    for (int i = 0; i < 50; i++) {
      var _ = on.schedule("t", 40_000 + i * 100, "" + i);
    }
    var _ = on.schedule("t", 70_000, "last");
    on.pass(10);
    var _ = on.store.rate(Method.READ_SCHEDULED, new Rates(0.5, 0.5, 0));
    on.passInSteps(46_000, 50);
    assertThat(on.log("t")).hasSize(50);
    List<Message> messages = on.messages("t");
    for (int i = 0; i < 50; i++) {
      assertThat(messages.get(i).timestamp() - on.watched.appended.get(i).dueAt())
          .isBetween(0L, 50L);
    }
    on.store.faultsOff();
    on.passInSteps(30_000, 500);
    assertThat(on.log("t")).hasSize(51).endsWith("last");
    on.checkEmpty();
  }

  // ---- topics that go ----

  @ParameterizedTest
  @ValueSource(longs = {SOON, LATE})
  void deletedTopic_takesWhatWaitsAlong_andTheNextOfTheNameGetsNothing(long delayMs)
      throws Exception {
    Scheduling on = Scheduling.create();
    int count = 2500;
    List<ScheduledId> ids = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ids.addAll(on.schedule("t", delayMs, Collections.nCopies(500, "1").toArray(String[]::new)));
    }
    var _ = on.schedule("u", delayMs, "2");
    on.delete("t");
    assertThat(on.waiting()).isEqualTo(1);
    assertThat(on.figures().abandoned()).isEqualTo(count);
    assertThat(on.figures().held()).isEqualTo(delayMs == SOON ? 1 : 0);
    assertThat(ids).allMatch(id -> on.watched.fates.get(id) == Why.ABANDONED);
    var _ = on.schedule("t", delayMs, "3");
    end(on);
    assertThat(on.log("t")).containsExactly("3");
    assertThat(on.log("u")).containsExactly("2");
    assertThat(on.cancel("t", ids.getFirst())).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void topicDeletedJustWhenItsMessagesAreDue(boolean appendFirst) throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", SOON, "1", "2");
    Topic topic = on.topic("t");
    Reply<Topic> deleted;
    if (appendFirst) {
      on.time.advance(Duration.ofMillis(SOON));
      on.handle();
      deleted = on.submit(new DeleteTopic("t", topic.incarnation()));
      on.handle();
    } else {
      deleted = on.submit(new DeleteTopic("t", topic.incarnation()));
      on.handle();
      on.time.advance(Duration.ofMillis(SOON));
      on.handle();
    }
    on.settle();
    assertThat(deleted.done()).isEqualTo(topic);
    Why fate = appendFirst ? Why.APPENDED : Why.ABANDONED;
    assertThat(ids).allMatch(id -> on.watched.fates.get(id) == fate);
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {SOON, LATE})
  void topicWhoseMessagesAreSetAside_isDeleted(long delayMs) throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    var _ = on.schedule("t", delayMs, "2");
    on.watched.unreadable.add(on.topic("t").incarnation());
    on.restartAfter(SOON);
    on.settle();
    on.delete("t");
    on.pass(2000);
    on.checkEmpty();
    assertThat(on.watched.fates.values()).hasSize(2).containsOnly(Why.ABANDONED);
  }

  @Test
  void deletionThatFails_leavesWhatWaits() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    var _ = on.schedule("t", LATE, "2");
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    var deleted = on.submit(new DeleteTopic("t", on.topic("t").incarnation()));
    on.time.advance(Duration.ofMillis(SOON));
    on.settle();
    on.heal();
    assertThat(deleted.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    end(on);
    assertThat(on.log("t")).containsExactly("1", "2");
  }

  @ParameterizedTest
  @EnumSource(Moment.class)
  void abandoningThatFails_isMadeUpForWhenItIsDue(Moment moment) throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    var _ = on.schedule("t", LATE, "2");
    var deleted = on.submit(new DeleteTopic("t", on.topic("t").incarnation()));
    on.handle();
    long _ = on.node.node().lane().step();
    on.store.strikeNext(Method.COMMIT, moment);
    on.settle();
    on.heal();
    assertThat(deleted.isAnswered()).isTrue();
    end(on);
    assertThat(on.watched.fates.values()).hasSize(2).containsOnly(Why.ABANDONED);
  }

  @Test
  void processThatEndsBeforeItAbandons_leavesItToTheNext() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    var _ = on.schedule("t", LATE, "2");
    var _ = on.submit(new DeleteTopic("t", on.topic("t").incarnation()));
    on.handle();
    long _ = on.node.node().lane().step();
    on.restartAfter(0);
    on.settle();
    assertThat(on.waiting()).isEqualTo(2);
    on.publish("t", on.later(0, "3"));
    end(on);
    assertThat(on.log("t")).containsExactly("3");
    assertThat(on.watched.fates.values()).hasSize(2).containsOnly(Why.ABANDONED);
  }

  // ---- commands that come at the wrong time ----

  @Test
  void ownCommands_handedInAnyTime_doNothingBesides() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", SOON, "1");
    int slot = on.topic("t").slot();
    assertThat(on.done(new AppendDue(slot, 0))).isTrue();
    assertThat(on.done(new LoadSchedule(slot))).isTrue();
    assertThat(on.log("t")).isEmpty();
    // Of a log that never had any.
    assertThat(on.done(new AbandonScheduled(slot, 4711, ScheduledId.FIRST))).isEmpty();
    on.time.advance(Duration.ofMillis(SOON));
    var once = on.submit(new AppendDue(slot, 0));
    var again = on.submit(new AppendDue(slot, 0));
    var loaded = on.submit(new LoadSchedule(slot));
    on.settle();
    assertThat(List.of(once.done(), again.done(), loaded.done())).containsOnly(true);
    assertThat(on.watched.appended).isEqualTo(ids);
    on.checkEmpty();
  }

  // ---- clocks that are set ----

  @Test
  void wallClockSetForwards_isNoticedWithinASecond() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    var _ = on.schedule("t", 3_600_000, "2");
    var _ = on.schedule("t", 3_600_001, "3");
    on.jump(3_600_000);
    on.settle();
    on.pass(1000);
    on.pass(2);
    assertThat(on.log("t")).containsExactly("1", "2", "3");
    on.checkEmpty();
  }

  @Test
  void wallClockSetBack_nothingComesEarly_andTimesDoNotFall() throws Exception {
    Scheduling on = Scheduling.create();
    on.publish("t", on.later(0, "0"));
    ScheduledId id = on.scheduleOne("t", SOON, "1");
    on.pass(5_000);
    on.publish("t", on.later(0, "0"));
    on.jump(-3_600_000);
    on.publish("t", on.later(1000, "2"));
    on.passInSteps(3_600_000, 10_000);
    assertThat(on.log("t")).containsExactly("0", "0", "2");
    on.passInSteps(5_002, 1000);
    assertThat(on.log("t")).containsExactly("0", "0", "2", "1");
    List<Message> messages = on.messages("t");
    assertThat(messages.stream().map(Message::timestamp)).isSorted();
    assertThat(messages.getLast().timestamp()).isGreaterThanOrEqualTo(id.dueAt());
    on.checkEmpty();
  }

  @Test
  void wallClockSetBack_afterARefusal_doesNotPutOffTheNextTry() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    on.watched.health = Optional.of(StoreHealth.lowOnSpace("the disk is full", List.of()));
    on.pass(1000);
    on.jump(3_600_000);
    on.pass(1500);
    assertThat(on.log("t")).isEmpty();
    // Still due after this.
    on.jump(-1_800_000);
    on.watched.health = Optional.empty();
    on.passInSteps(4_000, 1_000);
    assertThat(on.log("t")).containsExactly("1");
    on.checkEmpty();
  }

  @Test
  void wallClockSetBack_whileALogCannotBeOpened_doesNotPutOffTheNextTry() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1");
    on.watched.unreadable.add(on.topic("t").incarnation());
    on.restartAfter(3_600_000);
    on.settle();
    on.jump(-1_800_000);
    on.watched.unreadable.clear();
    on.passInSteps(2_000, 1_000);
    assertThat(on.log("t")).containsExactly("1");
    on.checkEmpty();
  }

  // ---- a store that fails ----

  @ParameterizedTest
  @CsvSource({
    "10000,BEFORE",
    "10000,AFTER",
    "10000,INSTEAD",
    "100000,BEFORE",
    "100000,AFTER",
    "100000,INSTEAD"
  })
  void publishThatFails_comesOrNot_asItWasAnswered(long delayMs, Moment moment) throws Exception {
    Scheduling on = Scheduling.create();
    on.publish("t", on.later(0, "0"));
    on.store.strikeNext(Method.COMMIT, moment);
    var failed = on.submit(on.publishing("t", on.later(0, "1"), on.later(delayMs, "2")));
    on.settle();
    on.heal();
    var _ = on.schedule("t", delayMs, "3");
    if (moment == Moment.AFTER) {
      assertThat(failed.done().ids()).hasSize(2);
      assertThat(on.waiting()).isEqualTo(2);
    } else {
      assertThat(failed.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
      assertThat(on.waiting()).isEqualTo(1);
    }
    end(on);
    if (moment == Moment.AFTER) {
      assertThat(on.log("t")).containsExactly("0", "1", "2", "3");
    } else {
      assertThat(on.log("t")).containsExactly("0", "3");
    }
  }

  @ParameterizedTest
  @EnumSource(Moment.class)
  void appendThatFails_happensOnceAllTheSame(Moment moment) throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", SOON, "1", "2");
    var _ = on.schedule("t", SOON + 1, "3");
    var _ = on.schedule("u", SOON, "4");
    on.time.advance(Duration.ofMillis(SOON));
    on.handle();
    on.store.strikeNext(Method.COMMIT, moment);
    on.settle();
    on.heal();
    on.passInSteps(2_000, 500);
    assertThat(on.log("t")).containsExactly("1", "2", "3");
    assertThat(on.log("u")).containsExactly("4");
    on.checkEmpty();
  }

  @Test
  void storeDownWhileMessagesComeDue_appendsEachOnce_whenItIsBack() throws Exception {
    Scheduling on = Scheduling.create();
    on.publish("t", on.later(0, "0"));
    List<String> texts = new ArrayList<>();
    for (int i = 1; i <= 30; i++) {
      texts.add("" + i);
      var _ = on.schedule("t", i * 3_000L, "" + i);
    }
    on.passInSteps(9_001, 500);
    on.fail("t");
    on.passInSteps(60_000, 700);
    assertThat(on.log("t")).hasSize(4);
    on.heal();
    on.passInSteps(2_000, 500);
    assertThat(on.log("t").size()).isGreaterThan(20);
    end(on);
    assertThat(on.log("t").subList(1, 31)).isEqualTo(texts);
    assertThat(on.log("t")).hasSize(31);
    assertThat(on.watched.appended).isSorted();
  }

  @Test
  void outcomeThatStaysUnknown_isOneOfTheTwo_andIsKeptTo() throws Exception {
    Scheduling on = Scheduling.create();
    on.publish("t", on.later(0, "0"));
    for (Moment moment : List.of(Moment.BEFORE, Moment.AFTER)) {
      on.store.faultsOn();
      var _ = on.store.rate(Method.REOPEN, new Rates(1, 0, 0));
      on.store.strikeNext(Method.COMMIT, moment);
      Reply<Publish.Published> unknown =
          on.submit(on.publishing("t", on.later(SOON, moment.toString())));
      on.settle();
      on.pass(CommitLane.RESOLVE_PATIENCE.toMillis() + 1);
      assertThat(unknown.refusal().code()).isEqualTo(Refusal.Code.OUTCOME_UNKNOWN);
      var _ = on.store.rate(Method.REOPEN, Rates.NONE);
      on.heal();
      assertThat(on.waiting()).isEqualTo(moment == Moment.AFTER ? 1 : 0);
    }
    end(on);
    assertThat(on.log("t")).containsExactly("0", "AFTER");
  }

  @Test
  void appendWhoseOutcomeStaysUnknown_happensOnce() throws Exception {
    for (Moment moment : Moment.values()) {
      Scheduling on = Scheduling.create();
      var _ = on.schedule("t", SOON, "1");
      on.time.advance(Duration.ofMillis(SOON));
      on.handle();
      var _ = on.store.rate(Method.REOPEN, new Rates(1, 0, 0));
      on.store.strikeNext(Method.COMMIT, moment);
      on.settle();
      on.passInSteps(20_000, 1_000);
      var _ = on.store.rate(Method.REOPEN, Rates.NONE);
      on.heal();
      on.passInSteps(2_000, 500);
      assertThat(on.log("t")).containsExactly("1");
      on.checkEmpty();
    }
  }

  @Test
  void diskNearlyFull_waitsWithWhatIsDue_andTakesCancels() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", SOON, "1", "2");
    ScheduledId late = on.scheduleOne("t", LATE, "3");
    on.watched.health = Optional.of(StoreHealth.lowOnSpace("the disk is full", List.of()));
    on.pass(2_000);
    on.passInSteps(20_000, 1_000);
    assertThat(on.log("t")).isEmpty();
    assertThat(on.cancel("t", ids.get(0), late)).isEqualTo(2);
    on.watched.health = Optional.empty();
    on.passInSteps(3_000, 500);
    assertThat(on.log("t")).containsExactly("2");
    on.checkEmpty();
  }

  @Test
  void cancelDuringARecovery_isRefused_andCountsNothing() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", SOON, "1");
    on.fail("t");
    var refused = on.submit(on.cancelling("t", ids));
    on.settle();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    on.heal();
    assertThat(on.waiting()).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).containsExactly("1");
  }

  @Test
  void processKilledWhileAppending_appendsEachOnce() throws Exception {
    for (int steps = 0; steps < 12; steps++) {
      Scheduling on = Scheduling.create();
      for (int i = 0; i < 3; i++) {
        var _ =
            on.schedule("t", SOON + i, Collections.nCopies(1500, "" + i).toArray(String[]::new));
      }
      on.time.advance(Duration.ofMillis(SOON + 5));
      for (int i = 0; i < steps; i++) {
        boolean _ = on.runExecutors();
        long _ = on.node.node().lane().step();
      }
      on.restartAfter(0);
      on.settle();
      assertThat(on.watched.appended).hasSize(4500).isSorted();
      assertThat(on.log("t")).hasSize(4500).isSorted();
      on.checkEmpty();
    }
  }
}
