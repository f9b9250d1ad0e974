// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import static dev.tidings.core.stream.StreamCallers.STREAM;
import static dev.tidings.core.stream.StreamCallers.circular;
import static dev.tidings.core.stream.StreamCallers.durable;
import static dev.tidings.core.stream.StreamCallers.texts;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.DeleteStream;
import dev.tidings.core.command.ReceiveFromStream;
import dev.tidings.core.command.ReplayStream;
import dev.tidings.core.command.SendToStream;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.FaultyStore.Rates;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What streams keep in the store, and replays of it.
class StreamReplayTest {
  private static final long LONG = 600_000;

  private StreamCallers on;

  @BeforeEach
  void start() throws Exception {
    on = StreamCallers.start();
  }

  private void store(String... texts) {
    for (String text : texts) {
      on.sent(durable(text, 100, 0, LONG));
    }
  }

  private Position rest(Position position) {
    return ((Replayed.Gone) on.replay(Optional.of(position), 9, 0).done()).rest();
  }

  // ---- places ----

  @Test
  void message_isThereOnlyOnceItIsDurable() {
    Reply<Boolean> sender = on.node.submit(new SendToStream(durable("1", 4, 0, LONG)));
    int _ = on.node.settleExecutors();
    Reply<Replayed> replay =
        on.node.submit(new ReplayStream(StreamCallers.from(Optional.empty(), 9, 0)));
    Reply<Received> receive = on.node.submit(new ReceiveFromStream(new Receiving(STREAM, 9, 0)));
    int _ = on.node.settleExecutors();
    assertThat(replay.done()).isEqualTo(new Replayed.Nothing());
    assertThat(texts(receive)).isEmpty();
    assertThat(sender.isAnswered()).isFalse();
    on.node.settle();
    assertThat(sender.done()).isTrue();
    assertThat(on.stored()).containsExactly("1");
    assertThat(on.take(9)).containsExactly("1");
    assertThat(on.stored()).containsExactly("1");
    on.checkNothingIsLeft();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void fromAnyPlace_exactlyWhatFollows(boolean cold) throws Exception {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      all.add("" + i);
      store("" + i);
    }
    if (cold) {
      on.restart();
    }
    for (int max : new int[] {1, 7, 256, 1000}) {
      List<String> read = new ArrayList<>();
      Optional<Position> next = Optional.empty();
      while (read.size() < all.size()) {
        Replayed.Found found = on.found(next, max);
        assertThat(found.messages()).hasSizeLessThanOrEqualTo(max);
        read.addAll(texts(found));
        next = Optional.of(found.next());
      }
      assertThat(read).isEqualTo(all);
      assertThat(on.replay(next, max, 0).done()).isEqualTo(new Replayed.Nothing());
    }
  }

  @Test
  void placeWhoseMessageHasExpiredSince_isGone() {
    store("1");
    on.sent(durable("2", 9, 0, 100));
    store("3");
    Position second = on.found(Optional.empty(), 1).next();
    on.passMs(99);
    assertThat(texts(on.found(Optional.of(second), 1))).containsExactly("2");
    on.passMs(1);
    Position rest = rest(second);
    assertThat(texts(on.found(Optional.of(rest), 9))).containsExactly("3");
    // Who begins, or is further in front, passes over it.
    assertThat(on.stored()).containsExactly("1", "3");
  }

  @Test
  void placeBeforeWhatHadExpiredAlready_isNotGone_evenWhenThatIsTrimmed() {
    on.sent(durable("1", 9, 0, 1000));
    on.sent(durable("2", 9, 0, 100));
    store("3");
    on.passMs(100);
    Position third = on.found(Optional.empty(), 1).next();
    assertThat(texts(on.found(Optional.of(third), 9))).containsExactly("3");
    on.passMs(1000);
    sweep();
    assertThat(texts(on.found(Optional.of(third), 9))).containsExactly("3");
  }

  @Test
  void placeWhoseMessageWasPurged_isGone() {
    store("1", "2", "3");
    Position second = on.found(Optional.empty(), 1).next();
    assertThat(on.purge()).isEqualTo(3);
    assertThat(on.stored()).isEmpty();
    Position rest = rest(second);
    assertThat(on.replay(Optional.of(rest), 9, 0).done()).isEqualTo(new Replayed.Nothing());
    store("4");
    assertThat(texts(on.found(Optional.of(rest), 9))).containsExactly("4");
    assertThat(on.take(9)).containsExactly("4");
  }

  @Test
  void placeInAStreamThatWasDeleted_isGone_alsoWhenItIsMadeAgain() {
    store("1", "2");
    Position second = on.found(Optional.empty(), 1).next();
    assertThat(on.ask(new DeleteStream(STREAM)).done()).isTrue();
    assertThat(on.stored()).isEmpty();
    assertThat(on.take(9)).isEmpty();
    Position rest = rest(second);
    store("1", "4");
    assertThat(texts(on.found(Optional.of(rest(second)), 9))).containsExactly("1", "4");
    assertThat(texts(on.found(Optional.of(rest), 9))).containsExactly("1", "4");
    assertThat(on.take(9)).containsExactly("1", "4");
    on.checkNothingIsLeft();
  }

  // ---- waiting ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void replay_waitsAtTheEnd_forExactlyItsTime(boolean any) {
    if (any) {
      store("1");
    }
    Optional<Position> end =
        any ? Optional.of(on.found(Optional.empty(), 9).next()) : Optional.empty();
    Reply<Replayed> waits = on.replay(end, 9, 100);
    assertThat(on.figures().replays()).isEqualTo(1);
    on.pass(Duration.ofMillis(100).minusNanos(1));
    assertThat(waits.isAnswered()).isFalse();
    on.pass(Duration.ofNanos(1));
    assertThat(waits.done()).isEqualTo(new Replayed.Nothing());
    assertThat(on.take(9)).hasSize(any ? 1 : 0);
    on.checkNothingIsLeft();
  }

  @Test
  void everyReplayThatWaits_isWokenByWhatBecomesDurable() {
    Reply<Replayed> first = on.replay(Optional.empty(), 9, 1000);
    Reply<Replayed> second = on.replay(Optional.empty(), 9, 1000);
    on.sent(circular("0", 9));
    assertThat(first.isAnswered()).isFalse();
    store("1");
    assertThat(texts((Replayed.Found) first.done())).containsExactly("1");
    assertThat(texts((Replayed.Found) second.done())).containsExactly("1");
    Optional<Position> end = Optional.of(((Replayed.Found) first.done()).next());
    Reply<Replayed> third = on.replay(end, 9, 1000);
    store("2", "3");
    assertThat(texts((Replayed.Found) third.done())).containsExactly("2");
    assertThat(on.take(9)).containsExactly("0", "1", "2", "3");
    on.checkNothingIsLeft();
  }

  @Test
  void replayThatHasLeft_isNotAnswered() {
    Replaying gone = StreamCallers.from(Optional.empty(), 9, 1000);
    Reply<Replayed> left = on.ask(new ReplayStream(gone));
    on.leave(gone);
    store("1");
    on.passMs(2000);
    assertThat(left.isAnswered()).isFalse();
    assertThat(on.take(9)).containsExactly("1");
    on.checkNothingIsLeft();
  }

  @Test
  void replaysThatWait_outliveTheStream() {
    store("1");
    Position end = on.found(Optional.empty(), 9).next();
    Reply<Replayed> atTheEnd = on.replay(Optional.of(end), 9, 1000);
    assertThat(on.ask(new DeleteStream(STREAM)).done()).isTrue();
    Reply<Replayed> beginning = on.replay(Optional.empty(), 9, 1000);
    assertThat(atTheEnd.isAnswered()).isFalse();
    store("2");
    assertThat(texts((Replayed.Found) beginning.done())).containsExactly("2");
    assertThat(atTheEnd.done()).isInstanceOf(Replayed.Gone.class);
  }

  @Test
  void replayThatPassedOverWhatHadExpired_missesNothingOfTheNextStream() throws Exception {
    for (int i = 0; i < 5; i++) {
      on.sent(durable("" + i, 9, 0, 100));
    }
    on.restart();
    on.passMs(100);
    Reply<Replayed> waits = on.replay(Optional.empty(), 9, 1000);
    assertThat(waits.isAnswered()).isFalse();
    assertThat(on.ask(new DeleteStream(STREAM)).done()).isTrue();
    store("5");
    assertThat(texts((Replayed.Found) waits.done())).containsExactly("5");
  }

  // ---- what was sent before a restart ----

  @Test
  void repeat_isKnownAfterARestart_forTheWindow() throws Exception {
    store("1");
    on.restart();
    on.pass(Duration.ofSeconds(60));
    store("1");
    assertThat(on.figures().repeated()).isEqualTo(1);
    assertThat(on.stored()).containsExactly("1");
    on.passMs(1);
    store("1");
    assertThat(on.stored()).containsExactly("1", "1");
    // What was in memory before is not.
    assertThat(on.take(9)).containsExactly("1");
  }

  @Test
  void repeat_isForgottenAfterTheWindow_alsoBehindYoungerOnes() throws Exception {
    store("1");
    on.restart();
    on.pass(Duration.ofSeconds(30));
    on.sent(circular("x", 9));
    on.pass(Duration.ofSeconds(29));
    store("y");
    on.pass(Duration.ofSeconds(2));
    store("1");
    assertThat(on.stored()).containsExactly("1", "y", "1");
  }

  @Test
  void deletedStream_isForgotten_alsoIfOnlyItsLogWasInMemory() throws Exception {
    store("1");
    on.restart();
    assertThat(on.stored()).containsExactly("1");
    assertThat(on.ask(new DeleteStream(STREAM)).done()).isTrue();
    store("1");
    assertThat(on.stored()).containsExactly("1");
    assertThat(on.take(9)).containsExactly("1");
    on.checkNothingIsLeft();
  }

  @Test
  void logOfAFreedStream_isLoadedAgain() {
    store("1");
    assertThat(on.take(9)).containsExactly("1");
    on.checkNothingIsLeft();
    assertThat(on.node.node().logsInMemory()).isZero();
    store("2");
    assertThat(on.stored()).containsExactly("1", "2");
    assertThat(on.take(9)).containsExactly("2");
    on.checkNothingIsLeft();
  }

  @Test
  void formerStream_doesNotLetGoOfTheLogOfTheNext() {
    store("1");
    assertThat(on.ask(new DeleteStream(STREAM)).done()).isTrue();
    on.pass(Duration.ofSeconds(59));
    store("2");
    on.pass(Duration.ofSeconds(1));
    on.tend();
    assertThat(on.node.node().logsInMemory()).isEqualTo(1);
  }

  // ---- modes ----

  @Test
  void blockingDurable_thatFindsNoRoom_isNotStored() {
    on.sent(circular("0", 1));
    Reply<Boolean> sender = on.send(durable("1", 1, 100, LONG));
    on.passMs(100);
    assertThat(sender.done()).isFalse();
    assertThat(on.stored()).isEmpty();
    Reply<Boolean> second = on.send(durable("2", 1, 100, LONG));
    assertThat(on.take(1)).containsExactly("0");
    assertThat(second.done()).isTrue();
    assertThat(on.stored()).containsExactly("2");
    assertThat(on.take(9)).containsExactly("2");
    on.checkNothingIsLeft();
  }

  @Test
  void blockingDurable_dropsNothing_whereWhatWasGivenBackHasTakenItsRoom() {
    on.sent(circular("0", 1));
    Reply<Received> lost = on.receive(1, 0);
    Reply<Boolean> sender = on.node.submit(new SendToStream(durable("1", 1, 100, LONG)));
    int _ = on.node.settleExecutors();
    on.giveBack(lost);
    assertThat(sender.done()).isTrue();
    assertThat(on.take(9)).containsExactly("0", "1");
    on.checkNothingIsLeft();
  }

  @Test
  void durableWithoutBuffer_isOnlyStored_orMeetsAReceiver() {
    on.sent(durable("1", 0, 0, LONG));
    assertThat(on.take(9)).isEmpty();
    Reply<Boolean> sender = on.send(durable("2", 0, 1000, LONG));
    assertThat(on.stored()).containsExactly("1");
    assertThat(on.take(9)).isEmpty();
    Reply<Received> receiver = on.receive(1, 1000);
    assertThat(texts(receiver)).containsExactly("2");
    assertThat(sender.done()).isTrue();
    assertThat(on.stored()).containsExactly("1", "2");
    on.checkNothingIsLeft();
  }

  @Test
  void senderOnItsWayToTheStore_isRefusedIfItsStreamIsDeleted() {
    on.sent(circular("0", 1));
    Reply<Boolean> sender = on.send(durable("1", 1, 1000, LONG));
    int shard = Slot.of(Slot.Kind.STREAM, STREAM) % 2;
    // Both at once: what the shard hands in itself comes after them.
    var _ = on.node.submit(new ReceiveFromStream(new Receiving(STREAM, 1, 0)), shard);
    var _ = on.node.submit(new DeleteStream(STREAM), shard);
    on.node.settle();
    assertThat(sender.refusal().code()).isEqualTo(Refusal.Code.STREAM_DELETED);
    assertThat(on.stored()).isEmpty();
    on.checkNothingIsLeft();
  }

  // ---- when the store fails ----

  @ParameterizedTest
  @ValueSource(longs = {0, 1000})
  void refusedSend_leavesNothing(long timeoutMs) {
    store("0");
    assertThat(on.take(9)).containsExactly("0");
    long bytes = on.figures().bytes();
    var _ = on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    Reply<Boolean> sender = on.send(durable("1", 100, timeoutMs, LONG));
    assertThat(sender.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.take(9)).isEmpty();
    assertThat(on.stored()).containsExactly("0");
    assertThat(on.figures().bytes()).isEqualTo(bytes);
    on.passMs(5000);
    store("1");
    assertThat(on.stored()).containsExactly("0", "1");
    assertThat(on.take(9)).containsExactly("1");
    on.checkNothingIsLeft();
  }

  @Test
  void roomOfARefusedSend_goesToTheNext() {
    on.sent(circular("0", 1));
    Reply<Boolean> refused = on.send(durable("1", 1, 60_000, LONG));
    Reply<Boolean> next = on.send(StreamCallers.blocking("2", 1, 60_000));
    var _ = on.store.strikeNext(Method.COMMIT, Moment.INSTEAD);
    assertThat(on.take(1)).containsExactly("0");
    on.passMs(5000);
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(next.done()).isTrue();
    assertThat(on.take(9)).containsExactly("2");
    assertThat(on.stored()).isEmpty();
    on.checkNothingIsLeft();
  }

  @Test
  void sendWhoseFailedCommitIsThere_isTaken() {
    var _ = on.store.strikeNext(Method.COMMIT, Moment.AFTER);
    Reply<Boolean> sender = on.send(durable("1", 4, 1000, LONG));
    on.passMs(5000);
    assertThat(sender.done()).isTrue();
    assertThat(on.take(9)).containsExactly("1");
    assertThat(on.stored()).containsExactly("1");
    on.checkNothingIsLeft();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void unknownSendThatTurnsOutDurable_isTaken(boolean waited) {
    if (waited) {
      on.sent(circular("0", 1));
    }
    var _ = on.store.strikeNext(Method.COMMIT, Moment.AFTER);
    var _ = on.store.rate(Method.REOPEN, new Rates(1, 0, 0));
    Reply<Boolean> sender = on.send(durable("1", 1, 60_000, LONG));
    if (waited) {
      assertThat(on.take(9)).containsExactly("0");
    }
    Reply<Received> receiver = on.receive(1, 60_000);
    Reply<Replayed> replay = on.replay(Optional.empty(), 9, 60_000);
    for (int i = 0; i < 6; i++) {
      on.passMs(1000);
    }
    assertThat(sender.refusal().code()).isEqualTo(Refusal.Code.OUTCOME_UNKNOWN);
    assertThat(receiver.isAnswered() || replay.isAnswered()).isFalse();
    var _ = on.store.rate(Method.REOPEN, Rates.NONE);
    for (int i = 0; i < 6; i++) {
      on.passMs(1000);
    }
    assertThat(texts(receiver)).containsExactly("1");
    assertThat(texts((Replayed.Found) replay.done())).containsExactly("1");
    on.checkNothingIsLeft();
  }

  // ---- the sweep ----

  private void sweep() {
    new StreamSweep(
            on.store,
            on.node.node().directory(),
            on.time,
            (command, answered) -> {
              var _ = on.ask(command);
              answered.run();
            })
        .sweep(100);
  }

  @Test
  void sweep_letsGoUpToTheFirstThatIsLeft_andOfTheEntryAfterADay() throws Exception {
    on.sent(durable("1", 9, 0, 100));
    on.sent(durable("2", 9, 0, 100));
    on.sent(durable("3", 9, 0, LONG));
    on.sent(durable("4", 9, 0, 100));
    int number = on.node.node().directory().streams().values().iterator().next().number();
    sweep();
    assertThat(on.store.extent(number).firstRetained()).isEqualTo(1);
    on.passMs(100);
    sweep();
    assertThat(on.store.extent(number).firstRetained()).isEqualTo(3);
    assertThat(on.stored()).containsExactly("3");
    on.passMs(LONG);
    sweep();
    assertThat(on.store.extent(number).firstRetained()).isEqualTo(5);
    on.pass(StreamSweep.FORGOTTEN_AFTER.minusMillis(LONG + 100));
    sweep();
    assertThat(on.node.node().directory().streams()).hasSize(1);
    on.passMs(1);
    sweep();
    assertThat(on.node.node().directory().streams()).isEmpty();
    store("5");
    assertThat(on.stored()).containsExactly("5");
  }

  @Test
  void sweep_passesOverWhatCannotBeRead() {
    on.sent(durable("1", 9, 0, 100));
    on.sent(StreamCallers.to("other", "2", 9, 0, OptionalLong.of(100), "me"));
    on.passMs(100);
    var _ = on.store.strikeNext(Method.EXTENT, Moment.BEFORE);
    sweep();
    sweep();
    assertThat(on.stored()).isEmpty();
    assertThat(on.node.node().directory().streams()).hasSize(2);
  }
}
