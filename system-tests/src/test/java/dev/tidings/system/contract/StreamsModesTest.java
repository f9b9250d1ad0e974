// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Streams.Timed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Section 2 of the contract: circular, blocking and rendezvous, alone and mixed on one stream.
@SystemTest
final class StreamsModesTest {
  private final Streams streams;

  StreamsModesTest(@On(Setup.DEV) TidingsProcess server) {
    this.streams = Streams.on(server);
  }

  /// Blocked senders of `{"n":…}` in the order of the numbers.
  private List<CompletableFuture<Answer>> blocked(String id, int from, int to, int seconds) {
    var senders = new ArrayList<CompletableFuture<Answer>>();
    int before = Math.max(0, streams.count(id, "blockedSenders"));
    for (int n = from; n < to; n++) {
      senders.add(streams.sendLater(Outgoing.to(id, n).size(0).blocking(seconds)));
      streams.awaitBlocked(id, before + senders.size());
    }
    return senders;
  }

  // Circular

  @Test
  void circular_full_dropsTheOldest() {
    String id = Streams.unique();
    for (int n = 0; n < 10; n++) {
      streams.put(Outgoing.to(id, n).size(4));
      assertThat(streams.count(id, "messages")).isEqualTo(Math.min(n + 1, 4));
    }
    assertThat(streams.drain(id)).containsExactly(6, 7, 8, 9);
  }

  @Test
  void circular_ofOne_keepsTheNewest() {
    String id = Streams.unique();
    for (int n = 0; n < 3; n++) {
      streams.put(Outgoing.to(id, n).size(1));
    }
    assertThat(streams.drain(id)).containsExactly(2);
  }

  /// The original could hang here: the sender that dropped held the lock.
  @Test
  void circular_emptiedWhileFull_goesOn() {
    String id = Streams.unique();
    var sends = new ArrayList<CompletableFuture<Answer>>();
    var receives = new ArrayList<CompletableFuture<Answer>>();
    for (int n = 0; n < 200; n++) {
      sends.add(streams.sendLater(Outgoing.to(id, n).size(1)));
      receives.add(streams.receiveLater(id, 0));
    }
    sends.forEach(send -> Streams.expectSent(Streams.result(send)));
    var received = new ArrayList<Integer>();
    for (CompletableFuture<Answer> receive : receives) {
      Answer answer = Streams.result(receive);
      if (answer.status() != 424) {
        received.add(Streams.message(answer).n());
      }
    }
    received.addAll(streams.drain(id));
    assertThat(received).isNotEmpty().doesNotHaveDuplicates();
  }

  // Blocking

  @Test
  void blocking_full_waitsForRoom_inOrder() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(2).blocking(1));
    streams.put(Outgoing.to(id, 1).size(2).blocking(1));
    var senders = blocked(id, 2, 6, 20);
    assertThat(streams.count(id, "messages")).isEqualTo(2);

    for (int n = 0; n < 4; n++) {
      assertThat(streams.take(id).n()).isEqualTo(n);
      Streams.expectSent(Streams.result(senders.get(n)));
      assertThat(senders.subList(n + 1, 4)).noneMatch(CompletableFuture::isDone);
      assertThat(streams.count(id, "blockedSenders")).isEqualTo(3 - n);
      assertThat(streams.count(id, "messages")).isEqualTo(2);
    }
    assertThat(streams.drain(id)).containsExactly(4, 5);
  }

  @Test
  void blocking_timedOut_leavesNothingBehind_andTheNextGoesOn() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(1));
    CompletableFuture<Answer> first = streams.sendLater(Outgoing.to(id, 1).blocking(1));
    streams.awaitBlocked(id, 1);
    CompletableFuture<Answer> second = streams.sendLater(Outgoing.to(id, 2).blocking(20));
    streams.awaitBlocked(id, 2);

    Streams.expectTimeout(Streams.result(first));
    assertThat(second).isNotDone();
    streams.awaitBlocked(id, 1);

    assertThat(streams.take(id).n()).isZero();
    Streams.expectSent(Streams.result(second));
    assertThat(streams.drain(id)).containsExactly(2);
  }

  @Test
  void blocking_timedOut_forgetsItsUuid() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(1));
    Outgoing message = Outgoing.to(id, 1).blocking(1);
    Streams.expectTimeout(streams.send(message));
    assertThat(streams.take(id).n()).isZero();

    streams.put(message);

    assertThat(streams.drain(id)).containsExactly(1);
  }

  @Test
  void blocking_takenAllAtOnce_letsAllIn() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(3));
    streams.put(Outgoing.to(id, 1));
    streams.put(Outgoing.to(id, 2));
    var senders = blocked(id, 3, 8, 20);

    var all = new ArrayList<Integer>();
    while (all.size() < 8) {
      all.addAll(
          Streams.numbers(Streams.messages(streams.receive(id, "timeoutSeconds=5&maxMessages=3"))));
    }

    assertThat(all).isEqualTo(IntStream.range(0, 8).boxed().toList());
    senders.forEach(sender -> Streams.expectSent(Streams.result(sender)));
  }

  // Rendezvous

  @Test
  void rendezvous_isAnsweredWhenAReceiverHasIt_oneByOne() {
    String id = Streams.unique();
    var senders = blocked(id, 0, 3, 20);
    assertThat(streams.count(id, "inMemoryStreamSize")).isZero();
    assertThat(streams.count(id, "messages")).isZero();

    for (int n = 0; n < 3; n++) {
      assertThat(streams.take(id).n()).isEqualTo(n);
      Streams.expectSent(Streams.result(senders.get(n)));
      assertThat(senders.subList(n + 1, 3)).noneMatch(CompletableFuture::isDone);
    }
    streams.expectNothing(id);
  }

  @Test
  void rendezvous_withAReceiverWaiting_isAnsweredAtOnce() {
    String id = Streams.unique();
    CompletableFuture<Answer> receiver = streams.receiveLater(id, 20);
    streams.awaitWaitingReceivers(1);

    Timed sent =
        Streams.result(
            Streams.timed(() -> streams.sendLater(Outgoing.to(id, 1).size(0).blocking(10))));

    Streams.expectSent(sent.answer());
    assertThat(sent.took()).isLessThan(Duration.ofSeconds(2));
    assertThat(Streams.message(Streams.result(receiver)).n()).isEqualTo(1);
    streams.expectNothing(id);
  }

  @Test
  void rendezvous_timedOut_leavesNothing() {
    String id = Streams.unique();
    Outgoing message = Outgoing.to(id, 1).size(0).blocking(1);
    Streams.expectTimeout(streams.send(message));
    streams.expectNothing(id);

    // Its uuid is forgotten too: the next one with it is delivered.
    CompletableFuture<Answer> again = streams.sendLater(message.blocking(10));
    assertThat(Streams.message(streams.receive(id, "timeoutSeconds=10")).n()).isEqualTo(1);
    Streams.expectSent(Streams.result(again));
  }

  @Test
  void rendezvous_severalAtOnce_inOrder() {
    String id = Streams.unique();
    var senders = blocked(id, 0, 4, 20);

    var all = new ArrayList<Integer>();
    while (all.size() < 4) {
      all.addAll(
          Streams.numbers(Streams.messages(streams.receive(id, "timeoutSeconds=5&maxMessages=3"))));
    }

    assertThat(all).containsExactly(0, 1, 2, 3);
    senders.forEach(sender -> Streams.expectSent(Streams.result(sender)));
  }

  // Size 0 without a timeout

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",\"blockingSendTimeoutSeconds\":0",
        ",\"blockingSendTimeoutSeconds\":-1",
        ",\"writeToDB\":false"
      })
  void size0_withoutTimeout_is400_andMakesNothing(String further) {
    String id = Streams.unique();
    String body = Outgoing.to(id, 1).size(0).json();

    Streams.error(
        streams.caller().post(Streams.SEND, body.substring(0, body.length() - 1) + further + "}"),
        400);

    assertThat(streams.listed(id)).isEmpty();
  }

  @Test
  void size0_withoutTimeout_is400_onAStreamThatHasRoomToo() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 1).size(3));
    Streams.error(streams.send(Outgoing.to(id, 2).size(0)), 400);

    assertThat(streams.drain(id)).containsExactly(1);
  }

  @Test
  void circularSend_toAStreamOfCapacity0_is400() {
    String id = Streams.unique();
    var senders = blocked(id, 0, 1, 20);
    Streams.error(streams.send(Outgoing.to(id, 1)), 400);
    Streams.error(streams.send(Outgoing.to(id, 1).size(5)), 400);

    assertThat(streams.take(id).n()).isZero();
    Streams.expectSent(Streams.result(senders.getFirst()));
    streams.expectNothing(id);
  }

  @Test
  void badUuid_is400_andMakesNoStream() {
    String id = Streams.unique();
    Streams.expectError(
        streams.send(Outgoing.to(id, 1).as("msg-123")), 400, "invalid request schema");

    assertThat(streams.listed(id)).isEmpty();
    streams.put(Outgoing.to(id, 1).size(7));
    assertThat(streams.count(id, "inMemoryStreamSize")).isEqualTo(7);
  }

  // Mixed

  /// The oldest buffered one makes room for a circular send; who is blocked stays blocked.
  @Test
  void circularSend_whileSendersAreBlocked_dropsTheOldest() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(2));
    streams.put(Outgoing.to(id, 1));
    var senders = blocked(id, 10, 12, 20);

    streams.put(Outgoing.to(id, 2));

    assertThat(senders).noneMatch(CompletableFuture::isDone);
    assertThat(streams.count(id, "blockedSenders")).isEqualTo(2);
    assertThat(streams.count(id, "messages")).isEqualTo(2);
    assertThat(streams.take(id).n()).isEqualTo(1);
    Streams.expectSent(Streams.result(senders.get(0)));
    assertThat(streams.take(id).n()).isEqualTo(2);
    Streams.expectSent(Streams.result(senders.get(1)));
    assertThat(streams.drain(id)).containsExactly(10, 11);
  }

  /// On a stream of another capacity, size 0 with a timeout is a blocking send.
  @Test
  void size0_withTimeout_onAStreamWithRoom_isBuffered() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(2));
    streams.put(Outgoing.to(id, 1).size(0).blocking(1));

    assertThat(streams.drain(id)).containsExactly(0, 1);
  }

  /// On a stream of capacity 0, a blocking send of any size waits for a receiver.
  @Test
  void blockingSend_onAStreamOfCapacity0_isARendezvous() {
    String id = Streams.unique();
    var first = blocked(id, 0, 1, 20);
    CompletableFuture<Answer> second = streams.sendLater(Outgoing.to(id, 1).size(10).blocking(20));
    streams.awaitBlocked(id, 2);
    assertThat(second).isNotDone();

    assertThat(streams.take(id).n()).isZero();
    assertThat(streams.take(id).n()).isEqualTo(1);
    Streams.expectSent(Streams.result(first.getFirst()));
    Streams.expectSent(Streams.result(second));
  }
}
