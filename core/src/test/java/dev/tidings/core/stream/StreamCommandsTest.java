// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import static dev.tidings.core.stream.StreamCallers.blocking;
import static dev.tidings.core.stream.StreamCallers.circular;
import static dev.tidings.core.stream.StreamCallers.durable;
import static dev.tidings.core.stream.StreamCallers.texts;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.DeleteStream;
import dev.tidings.core.command.ListStreams;
import dev.tidings.core.command.PeekStream;
import dev.tidings.core.command.PurgeStream;
import dev.tidings.core.command.ReturnReceived;
import dev.tidings.core.command.SendToStream;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.slot.Slot;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The rules of streams in memory, one by one.
class StreamCommandsTest {
  private static final Duration NANOSECOND = Duration.ofNanos(1);

  private StreamCallers on;

  @BeforeEach
  void start() throws Exception {
    on = StreamCallers.start();
  }

  private static Sending to(String stream, String text) {
    return StreamCallers.to(stream, text, 1, 0, OptionalLong.empty(), "me");
  }

  // ---- modes ----

  @Test
  void circular_dropsTheOldest_andLeavesBlockedSendersBlocked() {
    on.sent(circular("1", 2));
    on.sent(circular("2", 2));
    Reply<Boolean> blocked = on.send(blocking("3", 2, 1000));
    on.sent(circular("4", 2));
    assertThat(blocked.isAnswered()).isFalse();
    assertThat(on.figures().dropped()).isEqualTo(1);
    assertThat(on.take(1)).containsExactly("2");
    assertThat(blocked.done()).isTrue();
    assertThat(on.take(9)).containsExactly("4", "3");
    on.checkNothingIsLeft();
  }

  @Test
  void modeIsThatOfTheSend_capacityThatOfTheMaker() {
    on.sent(blocking("1", 2, 1000));
    on.sent(circular("2", 100));
    assertThat(on.send(blocking("3", 100, 1000)).isAnswered()).isFalse();
    on.sent(circular("4", 0));
    assertThat(on.take(1)).containsExactly("2");
  }

  @Test
  void streamWithoutBuffer_refusesWhoeverDoesNotWait() {
    assertThat(on.send(circular("1", 0)).refusal().code()).isEqualTo(Refusal.Code.NO_BUFFER);
    assertThat(on.figures().streams()).isZero();
    Reply<Boolean> sender = on.send(blocking("2", 0, 1000));
    assertThat(sender.isAnswered()).isFalse();
    assertThat(on.send(circular("3", 5)).refusal().code()).isEqualTo(Refusal.Code.NO_BUFFER);
    on.passMs(1000);
    assertThat(sender.done()).isFalse();
    on.checkNothingIsLeft();
  }

  @Test
  void rendezvous_isTakenWhenTheReceiverHasIt_inOrder() {
    Reply<Boolean> first = on.send(blocking("1", 0, 1000));
    Reply<Boolean> second = on.send(blocking("2", 0, 1000));
    Reply<Received> received = on.receive(9, 0);
    assertThat(texts(received)).containsExactly("1", "2");
    assertThat(received.done().needsConfirmation()).isTrue();
    assertThat(first.isAnswered() || second.isAnswered()).isFalse();
    on.confirm(received);
    assertThat(first.done() && second.done()).isTrue();
    // A confirmation that comes twice, or after a return, has no effect.
    on.confirm(received);
    assertThat(on.figures().sent()).isEqualTo(2);
    on.checkNothingIsLeft();
  }

  @Test
  void rendezvous_givenBack_goesToTheNextReceiver_beforeThoseWhoCameLater() {
    Reply<Boolean> first = on.send(blocking("1", 0, 1000));
    Reply<Received> lost = on.receive(1, 0);
    Reply<Boolean> second = on.send(blocking("2", 0, 1000));
    on.giveBack(lost);
    Reply<Received> received = on.receive(1, 0);
    assertThat(texts(received)).containsExactly("1");
    on.confirm(received);
    assertThat(first.done()).isTrue();
    assertThat(second.isAnswered()).isFalse();
  }

  @Test
  void rendezvous_givenBackWhenItsTimeIsUp_hasTimedOut() {
    Reply<Boolean> sender = on.send(blocking("1", 0, 100));
    Reply<Received> lost = on.receive(1, 0);
    Reply<Received> next = on.receive(1, 5000);
    on.passMs(100);
    assertThat(sender.isAnswered()).isFalse();
    on.giveBack(lost);
    assertThat(sender.done()).isFalse();
    assertThat(next.isAnswered()).isFalse();
    on.passMs(5000);
    on.checkNothingIsLeft();
  }

  @Test
  void rendezvous_leftAndGivenBack_isGone() {
    Sending sending = blocking("1", 0, 1000);
    Reply<Boolean> sender = on.send(sending);
    Reply<Received> lost = on.receive(1, 0);
    on.leave(sending);
    on.giveBack(lost);
    assertThat(on.take(1)).isEmpty();
    assertThat(sender.isAnswered()).isFalse();
    on.checkNothingIsLeft();
  }

  // ---- who waits, and how long ----

  @Test
  void receivers_areServedInTheOrderTheyCame_alsoWhereThereIsNoStream() {
    List<Reply<Received>> receivers =
        IntStream.range(0, 5).mapToObj(_ -> on.receive(1, 1000)).toList();
    assertThat(on.figures().streams()).isZero();
    // One that does not wait does not come before those who do.
    assertThat(on.take(1)).isEmpty();
    for (int i = 0; i < 5; i++) {
      on.sent(circular("" + i, 1));
    }
    for (int i = 0; i < 5; i++) {
      assertThat(texts(receivers.get(i))).containsExactly("" + i);
    }
    on.checkNothingIsLeft();
  }

  @Test
  void senders_areServedInTheOrderTheyCame() {
    on.sent(circular("0", 1));
    List<Reply<Boolean>> senders =
        IntStream.range(1, 5).mapToObj(i -> on.send(blocking("" + i, 1, 1000))).toList();
    for (int i = 0; i < 4; i++) {
      assertThat(on.take(1)).containsExactly("" + i);
      assertThat(senders.get(i).done()).isTrue();
      assertThat(senders.stream().filter(Reply::isAnswered)).hasSize(i + 1);
    }
  }

  @Test
  void receiver_takesAsManyAsItAskedFor_alsoOfThoseWhoWaitForRoom() {
    on.sent(circular("1", 1));
    Reply<Boolean> second = on.send(blocking("2", 1, 1000));
    Reply<Boolean> third = on.send(blocking("3", 1, 1000));
    assertThat(on.take(2)).containsExactly("1", "2");
    assertThat(second.done() && third.done()).isTrue();
    assertThat(on.take(9)).containsExactly("3");
  }

  @Test
  void receiver_hearsOfNothing_exactlyWhenItsTimeIsUp() {
    Reply<Received> later = on.receive(1, 200);
    Reply<Received> sooner = on.receive(1, 100);
    on.pass(Duration.ofMillis(100).minus(NANOSECOND));
    assertThat(sooner.isAnswered()).isFalse();
    on.pass(NANOSECOND);
    assertThat(texts(sooner)).isEmpty();
    on.pass(Duration.ofMillis(100).minus(NANOSECOND));
    assertThat(later.isAnswered()).isFalse();
    on.pass(NANOSECOND);
    assertThat(texts(later)).isEmpty();
    assertThat(on.figures().receiveTimeouts()).isEqualTo(2);
    on.checkNothingIsLeft();
  }

  @Test
  void sender_timesOutExactly_andLeavesNothingBehind() {
    on.sent(circular("1", 1));
    long bytes = on.figures().bytes();
    Reply<Boolean> sender = on.send(blocking("2", 1, 100));
    assertThat(on.figures().bytes()).isGreaterThan(bytes);
    on.pass(Duration.ofMillis(100).minus(NANOSECOND));
    assertThat(sender.isAnswered()).isFalse();
    on.pass(NANOSECOND);
    assertThat(sender.done()).isFalse();
    assertThat(on.figures().bytes()).isEqualTo(bytes);
    assertThat(on.take(9)).containsExactly("1");
    // It is forgotten: the same may be sent again.
    on.sent(blocking("2", 1, 100));
    assertThat(on.take(9)).containsExactly("2");
    on.checkNothingIsLeft();
  }

  // ---- leaving ----

  @Test
  void receiverThatHasLeft_getsNothing() {
    Receiving gone = new Receiving("s", 1, 1000);
    Reply<Received> left = on.receive(gone);
    Reply<Received> next = on.receive(1, 1000);
    on.leave(gone);
    on.sent(circular("1", 1));
    assertThat(texts(next)).containsExactly("1");
    on.passMs(2000);
    assertThat(left.isAnswered()).isFalse();
    on.leave(gone);
    on.checkNothingIsLeft();
  }

  @Test
  void senderThatHasLeft_sendsNothing() {
    on.sent(circular("1", 1));
    Sending gone = blocking("2", 1, 1000);
    Reply<Boolean> left = on.send(gone);
    Reply<Boolean> next = on.send(blocking("3", 1, 1000));
    on.leave(gone);
    assertThat(on.take(1)).containsExactly("1");
    assertThat(next.done()).isTrue();
    assertThat(on.take(9)).containsExactly("3");
    on.passMs(2000);
    assertThat(left.isAnswered()).isFalse();
    on.checkNothingIsLeft();
  }

  @Test
  void duplicate_goesOnInThePlaceOfTheFirst_forItsOwnTime() {
    on.sent(circular("1", 1));
    Sending first = blocking("2", 1, 100);
    Reply<Boolean> left = on.send(first);
    Reply<Boolean> third = on.send(blocking("3", 1, 5000));
    on.passMs(50);
    Reply<Boolean> duplicate = on.send(blocking("2", 1, 100));
    on.leave(first);
    on.passMs(99);
    assertThat(duplicate.isAnswered()).isFalse();
    assertThat(on.take(1)).containsExactly("1");
    assertThat(duplicate.done()).isTrue();
    assertThat(third.isAnswered()).isFalse();
    assertThat(left.isAnswered()).isFalse();
    assertThat(on.take(9)).containsExactly("2", "3");
    on.checkNothingIsLeft();
  }

  @Test
  void duplicate_thatLeaves_leavesTheFirst() {
    on.sent(circular("1", 1));
    Reply<Boolean> first = on.send(blocking("2", 1, 100));
    Sending same = blocking("2", 1, 1000);
    Reply<Boolean> left = on.send(same);
    on.leave(same);
    on.passMs(99);
    assertThat(first.isAnswered()).isFalse();
    on.passMs(1);
    assertThat(first.done()).isFalse();
    assertThat(left.isAnswered()).isFalse();
  }

  // ---- giving back ----

  @Test
  void givenBack_goesToTheFront_inItsOrder() {
    for (int i = 1; i <= 4; i++) {
      on.sent(circular("" + i, 4));
    }
    Reply<Received> lost = on.receive(2, 0);
    assertThat(on.figures().received()).isEqualTo(2);
    on.giveBack(lost);
    assertThat(on.figures().returned()).isEqualTo(2);
    assertThat(on.take(9)).containsExactly("1", "2", "3", "4");
    on.checkNothingIsLeft();
  }

  @Test
  void givenBack_goesToThoseWhoWait() {
    on.sent(circular("1", 4));
    Reply<Received> lost = on.receive(1, 0);
    Reply<Received> first = on.receive(1, 1000);
    Reply<Received> second = on.receive(1, 1000);
    on.giveBack(lost);
    assertThat(texts(first)).containsExactly("1");
    assertThat(second.isAnswered()).isFalse();
  }

  @Test
  void givenBack_afterTheStreamWasDeleted_isGone() {
    on.sent(circular("1", 4));
    Reply<Received> lost = on.receive(1, 0);
    assertThat(on.ask(new DeleteStream("s")).done()).isTrue();
    on.sent(circular("2", 4));
    on.giveBack(lost);
    assertThat(on.take(9)).containsExactly("2");
    on.checkNothingIsLeft();
  }

  @Test
  void givenBack_afterTheIdleStreamWasFreed_isThereAgain() {
    on.sent(circular("1", 4));
    Reply<Received> lost = on.receive(1, 0);
    on.checkNothingIsLeft();
    on.giveBack(lost);
    assertThat(on.figures().streams()).isEqualTo(1);
    assertThat(on.take(9)).containsExactly("1");
    on.checkNothingIsLeft();
  }

  // ---- what was sent before ----

  @Test
  void repeat_isKnown_forExactlyTheWindow() {
    on.sent(circular("1", 4));
    assertThat(on.take(9)).containsExactly("1");
    on.pass(StreamCallers.LIMITS.deduplication());
    on.sent(circular("1", 4));
    assertThat(on.figures().repeated()).isEqualTo(1);
    assertThat(on.take(9)).isEmpty();
    on.pass(NANOSECOND);
    on.sent(circular("1", 4));
    assertThat(on.take(9)).containsExactly("1");
  }

  @Test
  void repeat_isKnown_amongTheLast128() {
    for (int i = 0; i < 129; i++) {
      on.sent(circular("" + i, 1));
    }
    assertThat(on.take(9)).containsExactly("128");
    on.sent(circular("1", 1));
    assertThat(on.take(9)).isEmpty();
    on.sent(circular("0", 1));
    assertThat(on.take(9)).containsExactly("0");
    on.checkNothingIsLeft();
  }

  @Test
  void sameUuid_inAnotherStream_isAnotherMessage() {
    on.sent(to("s", "1"));
    on.sent(to("other", "1"));
    assertThat(on.figures().repeated()).isZero();
    assertThat(on.figures().messages()).isEqualTo(2);
  }

  @Test
  void duplicates_shareTheResult() {
    on.sent(circular("1", 1));
    Reply<Boolean> first = on.send(blocking("2", 1, 100));
    Reply<Boolean> same = on.send(blocking("2", 1, 1000));
    on.passMs(100);
    assertThat(first.done() || same.done()).isFalse();
    Reply<Boolean> again = on.send(blocking("2", 1, 100));
    Reply<Boolean> waitsForNothing = on.send(circular("2", 1));
    assertThat(waitsForNothing.done()).isFalse();
    assertThat(on.take(1)).containsExactly("1");
    assertThat(again.done()).isTrue();
    assertThat(on.take(9)).containsExactly("2");
  }

  // ---- what expires ----

  @Test
  void expired_isGivenToNobody() {
    on.sent(durable("1", 4, 0, 100));
    on.sent(durable("2", 4, 0, 50));
    on.sent(circular("3", 4));
    on.passMs(99);
    Reply<Received> lost = on.receive(1, 0);
    on.giveBack(lost);
    on.passMs(1);
    assertThat(on.take(9)).containsExactly("3");
    assertThat(on.figures().expired()).isEqualTo(2);
    on.checkNothingIsLeft();
  }

  @Test
  void roomOfWhatHasExpired_goesToWhoWaitedForIt() {
    on.sent(durable("1", 1, 0, 100));
    Reply<Boolean> waits = on.send(blocking("2", 1, 1000));
    on.passMs(500);
    Reply<Boolean> later = on.send(blocking("3", 1, 1000));
    assertThat(waits.done()).isTrue();
    assertThat(later.isAnswered()).isFalse();
    assertThat(on.take(9)).containsExactly("2", "3");
  }

  @Test
  void sender_doesNotTimeOut_whereAllThatFillsTheStreamHasExpired() {
    on.sent(durable("1", 1, 0, 100));
    Reply<Boolean> waits = on.send(blocking("2", 1, 1000));
    on.passMs(1000);
    assertThat(waits.done()).isTrue();
    assertThat(on.take(9)).containsExactly("2");
  }

  // ---- bounds ----

  private static StreamLimits limits(long bytes, int streams, int perUser) {
    return new StreamLimits(
        bytes, streams, streams, perUser, Duration.ofSeconds(60), Duration.ofSeconds(60));
  }

  private static Sending by(String who, String stream) {
    return StreamCallers.to(stream, "1", 1, 0, OptionalLong.empty(), who);
  }

  @Test
  void streamsBeyondTheirNumber_areRefused_thoseThereWork() throws Exception {
    on = StreamCallers.within(limits(1 << 20, 3, 2));
    on.sent(by("a", "1"));
    on.sent(by("a", "2"));
    assertThat(on.send(by("a", "3")).refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    on.sent(by("b", "3"));
    assertThat(on.send(by("c", "4")).refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    on.sent(StreamCallers.to("1", "2", 1, 0, OptionalLong.empty(), "c"));
    assertThat(on.ask(new DeleteStream("1")).done()).isTrue();
    on.sent(by("a", "5"));
    assertThat(on.figures().streams()).isEqualTo(3);
    for (String each : List.of("2", "3", "5")) {
      assertThat(on.ask(new DeleteStream(each)).done()).isTrue();
    }
    on.checkNothingIsLeft();
  }

  @Test
  void storedStreamsBeyondTheirNumber_areRefused_thoseThereWork() throws Exception {
    Duration minute = Duration.ofSeconds(60);
    on = StreamCallers.within(new StreamLimits(1 << 20, 9, 1, 9, minute, minute));
    OptionalLong stored = OptionalLong.of(60_000);
    on.sent(StreamCallers.to("1", "1", 1, 0, stored, "a"));
    assertThat(on.send(StreamCallers.to("2", "1", 1, 0, stored, "a")).refusal().code())
        .isEqualTo(Refusal.Code.LIMIT_REACHED);
    on.sent(StreamCallers.to("1", "2", 1, 0, stored, "a"));
    on.sent(by("a", "2"));
    assertThat(on.ask(new DeleteStream("1")).done()).isTrue();
    on.sent(StreamCallers.to("2", "2", 1, 0, stored, "a"));
  }

  @Test
  void memory_isBounded_andEveryWayOutGivesItBack() throws Exception {
    on.sent(circular("11", 9));
    long one = on.figures().bytes();
    on.sent(circular("12", 9));
    long two = on.figures().bytes();
    // What is remembered of uuids may grow beyond the bound, so there is room left for that.
    on = StreamCallers.within(limits(two, 9, 9));
    on.sent(circular("11", 9));
    assertThat(on.figures().bytes()).isEqualTo(one);
    on.sent(circular("12", 9));
    Refusal full = on.send(circular("13", 9)).refusal();
    assertThat(full.code()).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(on.figures().bytes()).isEqualTo(two);
    assertThat(on.send(to("other", "1")).refusal().code()).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(on.figures().streams()).isEqualTo(1);
    assertThat(on.take(1)).containsExactly("11");
    // A refused message is not remembered.
    on.sent(circular("13", 9));
    assertThat(on.take(9)).containsExactly("12", "13");
    on.checkNothingIsLeft();
  }

  @Test
  void circular_needsNoRoomForWhatTakesThePlaceOfAnother() throws Exception {
    for (int i = 10; i < 20; i++) {
      on.sent(circular("" + i, 2));
    }
    long full = on.figures().bytes();
    on = StreamCallers.within(limits(full, 9, 9));
    for (int i = 10; i < 20; i++) {
      on.sent(circular("" + i, 2));
    }
    assertThat(on.figures().bytes()).isEqualTo(full);
    assertThat(on.take(9)).containsExactly("18", "19");
    on.checkNothingIsLeft();
  }

  // ---- idle streams ----

  @Test
  void idleStream_isFreed_andItsCapacitySetAnew() {
    on.sent(circular("1", 1));
    assertThat(on.take(9)).containsExactly("1");
    on.pass(Duration.ofSeconds(60).minus(NANOSECOND));
    on.tend();
    assertThat(on.figures().streams()).isEqualTo(1);
    on.checkNothingIsLeft();
    on.sent(circular("2", 2));
    on.sent(circular("3", 2));
    assertThat(on.take(9)).containsExactly("2", "3");
  }

  @Test
  void streamThatHoldsSomething_orIsWaitedAt_stays() {
    on.sent(circular("1", 3));
    for (int i = 0; i < 5; i++) {
      on.pass(Duration.ofSeconds(60));
      on.tend();
    }
    assertThat(on.take(9)).containsExactly("1");
    Reply<Received> receiver = on.receive(1, 600_000);
    for (int i = 0; i < 5; i++) {
      on.pass(Duration.ofSeconds(60));
      on.tend();
    }
    assertThat(on.figures().streams()).isEqualTo(1);
    on.sent(circular("2", 3));
    assertThat(texts(receiver)).containsExactly("2");
    on.checkNothingIsLeft();
  }

  @Test
  void rendezvousOnItsWay_keepsItsStream() {
    Reply<Boolean> sender = on.send(blocking("1", 0, 300_000));
    Reply<Received> lost = on.receive(1, 0);
    for (int i = 0; i < 3; i++) {
      on.pass(Duration.ofSeconds(60));
      on.tend();
    }
    on.giveBack(lost);
    Reply<Received> received = on.receive(1, 0);
    assertThat(texts(received)).containsExactly("1");
    on.confirm(received);
    assertThat(sender.done()).isTrue();
    on.checkNothingIsLeft();
  }

  // ---- for operators ----

  @Test
  void purge_dropsWhatThereIs_andLetsThoseWhoWaitGoOn() {
    on.sent(circular("1", 1));
    Reply<Boolean> waits = on.send(blocking("2", 1, 1000));
    assertThat(on.purge()).isEqualTo(1);
    assertThat(waits.done()).isTrue();
    assertThat(on.take(9)).containsExactly("2");
    assertThat(on.purge()).isZero();
    assertThat(on.ask(new PurgeStream("none")).refusal().code())
        .isEqualTo(Refusal.Code.STREAM_MISSING);
    on.checkNothingIsLeft();
  }

  @Test
  void purgedStream_isFreed_thoughItHadNotBeenUsedForLong() {
    on.sent(circular("1", 1));
    for (int i = 0; i < 3; i++) {
      on.pass(Duration.ofSeconds(60));
      on.tend();
    }
    assertThat(on.purge()).isEqualTo(1);
    on.checkNothingIsLeft();
  }

  @Test
  void delete_refusesSendersWhoWait_andLetsReceiversWait() {
    on.sent(circular("1", 1));
    Reply<Boolean> sender = on.send(blocking("2", 1, 1000));
    assertThat(on.ask(new DeleteStream("s")).done()).isTrue();
    assertThat(sender.refusal().code()).isEqualTo(Refusal.Code.STREAM_DELETED);
    assertThat(on.figures().bytes()).isZero();
    Reply<Received> receiver = on.receive(1, 1000);
    assertThat(on.ask(new DeleteStream("s")).refusal().code())
        .isEqualTo(Refusal.Code.STREAM_MISSING);
    on.sent(circular("1", 5));
    assertThat(texts(receiver)).containsExactly("1");
    Reply<Received> waits = on.receive(1, 1000);
    assertThat(on.ask(new DeleteStream("s")).done()).isTrue();
    assertThat(waits.isAnswered()).isFalse();
    on.sent(circular("3", 5));
    assertThat(texts(waits)).containsExactly("3");
    on.checkNothingIsLeft();
  }

  @Test
  void delete_refusesWhoeverIsGivenBackToIt_andItsSuccessorKnowsNothingOfIt() {
    Reply<Boolean> sender = on.send(blocking("1", 0, 1000));
    Reply<Received> lost = on.receive(1, 0);
    assertThat(on.ask(new DeleteStream("s")).done()).isTrue();
    Reply<Boolean> again = on.send(blocking("1", 0, 1000));
    on.giveBack(lost);
    assertThat(sender.refusal().code()).isEqualTo(Refusal.Code.STREAM_DELETED);
    Reply<Received> received = on.receive(1, 0);
    assertThat(texts(received)).containsExactly("1");
    on.confirm(received);
    assertThat(again.done()).isTrue();
    on.checkNothingIsLeft();
  }

  @Test
  void list_isInTheOrderOfIds_pageByPage() {
    List<String> ids =
        IntStream.range(0, 100)
            .mapToObj(i -> "list-" + (char) ('a' + i % 26) + i)
            .filter(id -> Slot.of(Slot.Kind.STREAM, id) % 2 == 0)
            .sorted()
            .limit(10)
            .toList();
    ids.reversed().forEach(id -> on.sent(to(id, "1")));
    Reply<Received> waits = on.receive(new Receiving(ids.get(0), 1, 10));
    assertThat(waits.isAnswered()).isTrue();
    assertThat(list("", "", 100)).containsExactlyElementsOf(ids);
    assertThat(list("list-", "", 3)).containsExactlyElementsOf(ids.subList(0, 3));
    assertThat(list("list-", ids.get(2), 3)).containsExactlyElementsOf(ids.subList(3, 6));
    assertThat(list(ids.get(4), "", 100)).startsWith(ids.get(4));
    assertThat(list("list-", ids.get(9), 3)).isEmpty();
    assertThat(list("m", "", 100)).isEmpty();
    assertThat(list("m", "z", 100)).isEmpty();
    assertThat(list("list-", "a", 1)).containsExactly(ids.get(0));
  }

  private List<String> list(String prefix, String after, int max) {
    return on.ask(new ListStreams(0, prefix, after, max)).done().stream()
        .map(Streams.Info::id)
        .toList();
  }

  @Test
  void list_tellsWhatThereIs_butNotWhereOnlyReceiversWait() {
    int slot = Slot.of(Slot.Kind.STREAM, "s") % 2;
    Receiving receiving = new Receiving("s", 1, 1000);
    var _ = on.receive(receiving);
    assertThat(on.ask(new ListStreams(slot, "", "", 9)).done()).isEmpty();
    on.leave(receiving);
    on.sent(circular("1", 2));
    on.sent(circular("2", 2));
    var _ = on.send(blocking("3", 2, 1000));
    assertThat(on.ask(new ListStreams(slot, "", "", 9)).done())
        .containsExactly(new Streams.Info("s", 2, 2, 0, 1));
  }

  @Test
  void peek_consumesNothing() {
    assertThat(on.ask(new PeekStream("s", 0, 9)).done()).isEmpty();
    for (int i = 1; i <= 5; i++) {
      on.sent(circular("" + i, 9));
    }
    Streams.Peeked peeked = on.ask(new PeekStream("s", 1, 3)).done().orElseThrow();
    assertThat(peeked.messages().stream().map(it -> it.payload().text()))
        .containsExactly("2", "3", "4");
    assertThat(peeked.total()).isEqualTo(5);
    assertThat(on.ask(new PeekStream("s", 5, 3)).done().orElseThrow().messages()).isEmpty();
    assertThat(on.take(9)).hasSize(5);
    assertThat(on.ask(new PeekStream("s", 0, 9)).done().map(Streams.Peeked::total))
        .isEqualTo(Optional.of(0));
  }

  @Test
  void returnThatMeetsALeave_losesNothing() {
    on.sent(circular("1", 4));
    Receiving gone = new Receiving("s", 1, 0);
    Reply<Received> lost = on.receive(gone);
    on.leave(gone);
    var _ = on.node.submit(new ReturnReceived(lost.done()), 1);
    var _ = on.node.submit(new SendToStream(circular("2", 4)), 0);
    on.node.settle();
    assertThat(on.take(9)).containsExactly("1", "2");
  }
}
