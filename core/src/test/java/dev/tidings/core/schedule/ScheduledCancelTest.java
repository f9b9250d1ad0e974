// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.command.CancelScheduled;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved.Why;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Cancelling: what was cancelled never comes, and what was not comes once.
class ScheduledCancelTest {
  // Within the window and beyond it.
  private static final long SOON = 10_000;
  private static final long LATE = 100_000;

  private static void end(Scheduling on) throws Exception {
    on.passInSteps(200_000, 5_000);
    on.checkEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {SOON, LATE})
  void cancelled_neverComes(long delayMs) throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", delayMs, "1", "2", "3");
    assertThat(on.cancel("t", ids.get(1))).isEqualTo(1);
    assertThat(on.waiting()).isEqualTo(2);
    assertThat(on.cancel("t", ids.get(1))).isZero();
    assertThat(on.figures().cancelled()).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).containsExactly("1", "3");
    assertThat(on.watched.fates.get(ids.get(1))).isEqualTo(Why.CANCELLED);
    assertThat(on.cancel("t", ids.get(0), ids.get(1))).isZero();
  }

  @Test
  void several_ofEveryKind_areCountedRightly() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> soon = on.schedule("t", SOON, "1", "2");
    List<ScheduledId> late = on.schedule("t", LATE, "3", "4");
    ScheduledId gone = on.scheduleOne("t", 1, "0");
    ScheduledId other = on.scheduleOne("u", SOON, "5");
    on.pass(10);
    ScheduledId never =
        new ScheduledId(on.time.wallMs() + LATE, 999, soon.getFirst().incarnation());
    ScheduledId neverSoon = new ScheduledId(on.time.wallMs() + 5, 998, never.incarnation());
    assertThat(
            on.cancel(
                "t",
                soon.get(0),
                never,
                late.get(1),
                gone,
                other,
                soon.get(0),
                neverSoon,
                late.get(1)))
        .isEqualTo(2);
    assertThat(on.waiting()).isEqualTo(3);
    end(on);
    assertThat(on.log("t")).containsExactly("0", "2", "3");
    assertThat(on.log("u")).containsExactly("5");
  }

  @Test
  void idsOfTooManyAndOfAnotherTopic() throws Exception {
    Scheduling on = Scheduling.create();
    ScheduledId id = on.scheduleOne("t", SOON, "1");
    int incarnation = id.incarnation();
    List<ScheduledId> most = Collections.nCopies(CancelScheduled.MAX, id);
    assertThat(on.done(new CancelScheduled("t", incarnation, most))).isEqualTo(1);
    List<ScheduledId> tooMany = Collections.nCopies(CancelScheduled.MAX + 1, id);
    assertThatThrownBy(() -> new CancelScheduled("t", incarnation, tooMany))
        .isInstanceOf(IllegalArgumentException.class);
    var stale = on.submit(new CancelScheduled("t", incarnation + 1, List.of(id)));
    var missing = on.submit(new CancelScheduled("x", incarnation, List.of(id)));
    on.settle();
    assertThat(stale.refusal().code()).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(missing.refusal().code()).isEqualTo(Refusal.Code.TOPIC_MISSING);
  }

  @ParameterizedTest
  @CsvSource({"10000,2", "100000,2", "10000,3", "100000,3"})
  void manyAtOnce_ofTheSame_oneOfThemCancels(long delayMs, int callers) throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", delayMs, "1", "2");
    ScheduledId never = new ScheduledId(on.time.wallMs() + LATE, 999, ids.getFirst().incarnation());
    List<Reply<Integer>> replies = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      replies.add(on.submit(on.cancelling("t", List.of(ids.get(0), ids.get(1), never))));
    }
    replies.add(on.submit(on.cancelling("t", List.of(ids.get(0)))));
    on.settle();
    assertThat(replies.stream().mapToInt(Reply::done).sum()).isEqualTo(2);
    assertThat(on.figures().cancelled()).isEqualTo(2);
    end(on);
    assertThat(on.log("t")).isEmpty();
  }

  @Test
  void cancelAndAppend_atOnce_oneOfThemHappens() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", SOON, "1", "2");
    // Handed in before the message is due, handled first.
    var before = on.submit(on.cancelling("t", List.of(ids.get(0))));
    on.time.advance(Duration.ofMillis(SOON));
    on.handle();
    // Handed in while the append is on its way to the store.
    var during = on.submit(on.cancelling("t", ids));
    on.handle();
    assertThat(during.isAnswered()).isFalse();
    on.settle();
    assertThat(before.done()).isEqualTo(1);
    assertThat(during.done()).isZero();
    assertThat(on.log("t")).containsExactly("2");
    assertThat(on.cancel("t", ids.get(1))).isZero();
    on.checkEmpty();
  }

  @Test
  void whoWasAnswered_canCancelAtOnce_fromAnywhere() throws Exception {
    Scheduling on = new Scheduling(2, ScheduleLimits.DEFAULT, 1);
    on.settle();
    String topic = on.topicOf(0, "t");
    on.publish(topic, on.later(0, "0"));
    for (long delay : List.of(SOON, LATE)) {
      var published = on.node.submit(on.publishing(topic, on.later(delay, "1")), 1);
      on.handle();
      long _ = on.node.node().lane().step();
      // The other loop is quicker than the one of the topic's shard.
      int _ = on.node.executor(1).runUntilIdle();
      assertThat(published.isAnswered()).isFalse();
      on.settle();
      ScheduledId id = (ScheduledId) published.done().ids().getFirst();
      assertThat(on.cancel(topic, id)).isEqualTo(1);
    }
  }

  @Test
  void idThatIsGuessed_doesNotKeepItsMessageFromBeingCancelled() throws Exception {
    Scheduling on = Scheduling.create();
    ScheduledId first = on.scheduleOne("t", LATE, "1");
    ScheduledId next = new ScheduledId(first.dueAt(), first.number() + 1, first.incarnation());
    assertThat(on.cancel("t", next)).isZero();
    assertThat(on.scheduleOne("t", LATE, "2")).isEqualTo(next);
    assertThat(on.cancel("t", next)).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).containsExactly("1");
  }

  @Test
  void windowThatShrinks_whileIdsAreLookedUp_doesNotKeepThemFromBeingCancelled() throws Exception {
    Scheduling on = Scheduling.withMemory(2000);
    ScheduledId soon = on.scheduleOne("t", SOON, "1");
    ScheduledId late = on.scheduleOne("t", LATE, "2");
    var cancelled = on.submit(on.cancelling("t", List.of(soon, late)));
    on.handle();
    // Takes the place of the first in memory.
    var _ = on.submit(on.publishing("t", on.large(1000, "0", 1900)));
    on.settleButReads();
    assertThat(on.figures().held()).isEqualTo(1);
    on.settle();
    assertThat(cancelled.done()).isEqualTo(2);
    end(on);
    assertThat(on.log("t")).containsExactly("0");
  }

  @Test
  void othersThatComeDue_whileIdsAreLookedUp_doNotHoldItUp() throws Exception {
    Scheduling on = Scheduling.create();
    var _ = on.schedule("t", 1000, "1");
    var _ = on.schedule("t", 2000, "2");
    ScheduledId late = on.scheduleOne("t", LATE, "3");
    on.time.advance(Duration.ofMillis(900));
    on.settle();
    int before = on.watched.lookups;
    var cancelled = on.submit(on.cancelling("t", List.of(late)));
    on.settleButReads();
    on.time.advance(Duration.ofMillis(100));
    on.settleButReads();
    assertThat(on.log("t")).containsExactly("1");
    on.settle();
    assertThat(cancelled.done()).isEqualTo(1);
    assertThat(on.watched.lookups - before).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).containsExactly("1", "2");
  }

  @Test
  void cancelledTwice_whileTheFirstIsLookedUp_isCancelledOnce() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> late = on.schedule("t", LATE, "1", "2", "3");
    var one = on.submit(on.cancelling("t", List.of(late.get(0), late.get(1))));
    var other = on.submit(on.cancelling("t", List.of(late.get(1), late.get(2))));
    on.handle();
    // Both are read while everything is there; the second is looked at when the first is done.
    assertThat(on.node.blocking().runOne()).isTrue();
    assertThat(on.node.blocking().runOne()).isTrue();
    assertThat(on.node.executor(0).runOne()).isTrue();
    long _ = on.node.node().lane().step();
    on.settle();
    assertThat(one.done()).isEqualTo(2);
    assertThat(other.done()).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).isEmpty();
  }

  @Test
  void removedLongAgo_isStillKnownToBeGone_toALookThatTookVeryLong() throws Exception {
    Scheduling on = Scheduling.create();
    ScheduledId late = on.scheduleOne("t", LATE, "1");
    var slow = on.submit(on.cancelling("t", List.of(late)));
    on.handle();
    assertThat(on.node.blocking().runOne()).isTrue();
    // Found, and not told yet. Meanwhile it is cancelled by another, and thousands after it.
    var reader = on.submit(on.cancelling("t", List.of(late, new ScheduledId(late.dueAt(), 99, 1))));
    for (int i = 0; i < 30; i++) {
      List<ScheduledId> many =
          on.schedule("u", SOON, Collections.nCopies(1000, "1").toArray(String[]::new));
      assertThat(on.cancel("u", many.toArray(ScheduledId[]::new))).isEqualTo(1000);
    }
    on.settle();
    assertThat(slow.done() + reader.done()).isEqualTo(1);
    end(on);
  }

  @Test
  void storeThatCannotBeRead_isTold_andNothingIsCancelled() throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = new ArrayList<>(on.schedule("t", SOON, "1"));
    ids.addAll(on.schedule("t", LATE, "2"));
    on.store.strikeNext(Method.READ_SCHEDULED, Moment.BEFORE);
    var cancelled = on.submit(on.cancelling("t", ids));
    on.settle();
    assertThat(cancelled.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.waiting()).isEqualTo(2);
    assertThat(on.done(on.cancelling("t", ids.subList(1, 2)))).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).containsExactly("1");
  }

  @ParameterizedTest
  @CsvSource({
    "10000,BEFORE",
    "10000,AFTER",
    "10000,INSTEAD",
    "100000,BEFORE",
    "100000,AFTER",
    "100000,INSTEAD"
  })
  void cancelThatFails_leavesTheMessage_orNot(long delayMs, Moment moment) throws Exception {
    Scheduling on = Scheduling.create();
    List<ScheduledId> ids = on.schedule("t", delayMs, "1", "2");
    on.store.strikeNext(Method.COMMIT, moment);
    var cancelled = on.submit(on.cancelling("t", ids.subList(0, 1)));
    on.settle();
    on.heal();
    if (moment == Moment.AFTER) {
      assertThat(cancelled.done()).isEqualTo(1);
    } else {
      assertThat(cancelled.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
      assertThat(on.waiting()).isEqualTo(2);
      assertThat(on.cancel("t", ids.get(0))).isEqualTo(1);
    }
    assertThat(on.waiting()).isEqualTo(1);
    end(on);
    assertThat(on.log("t")).containsExactly("2");
  }
}
