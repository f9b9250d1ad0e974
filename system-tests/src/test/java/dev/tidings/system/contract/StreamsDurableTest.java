// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Streams.Message;
import dev.tidings.system.contract.Streams.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Section 4 of the contract, as decided: what `writeToDB` stores, and its replay by tokens.
@SystemTest
final class StreamsDurableTest {
  private static final String BAD_TOKEN = "invalid dbResumeToken";
  private static final String EXPIRED = "dbResumeToken has expired";

  private final Streams streams;

  StreamsDurableTest(@On(Setup.DEV) TidingsProcess server) {
    this.streams = Streams.on(server);
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private Step next(String stream, String token) {
    return Streams.step(streams.replay(stream, token, ""));
  }

  private void expectEnd(String stream, String token) {
    Streams.expectTimeout(streams.replay(stream, token, ""));
  }

  /// Asserts a 410 and answers its fresh token.
  private static String expectExpired(Answer answer) {
    Streams.expectError(answer, 410, EXPIRED);
    assertThat(answer.json().propertyNames()).containsExactly("error", "detail", "dbResumeToken");
    return answer.text("dbResumeToken");
  }

  // What is stored

  @Test
  void durableSend_isInMemoryAndStored() {
    String stream = Streams.unique();
    Outgoing message = Outgoing.to(stream, "{\"a\":1.0,\"b\":null}").durable();
    streams.put(message);

    Message replayed = next(stream, "").messages().getFirst();
    Message received = streams.take(stream);

    assertThat(replayed).isEqualTo(received);
    assertThat(received.uuid()).isEqualTo(message.uuid());
    streams.expectNothing(stream);
    // The replay takes nothing, and what was taken from memory stays stored.
    assertThat(streams.replayAll(stream, "")).containsExactly(replayed);
  }

  @Test
  void durableSend_ofSize0_isOnlyStored() {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 3);

    streams.expectNothing(stream);
    assertThat(streams.stored(stream)).containsExactly(0, 1, 2);
    assertThat(streams.listed(stream))
        .hasValueSatisfying(row -> {
          assertThat(row.get("durable").asBoolean()).isTrue();
          assertThat(row.get("messages").asInt()).isZero();
        });
  }

  @Test
  void onlyDurableSends_areStored() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0));
    streams.put(Outgoing.to(stream, 1).durable());
    streams.put(Outgoing.to(stream, 2).with("writeToDB", "false"));
    streams.put(Outgoing.to(stream, 3).durable());

    assertThat(streams.stored(stream)).containsExactly(1, 3);
    assertThat(streams.drain(stream)).containsExactly(0, 1, 2, 3);
  }

  @Test
  void circularSend_dropsFromMemory_butNotFromTheStore() {
    String stream = Streams.unique();
    for (int n = 0; n < 5; n++) {
      streams.put(Outgoing.to(stream, n).size(2).durable());
    }
    assertThat(streams.stored(stream)).isEqualTo(range(0, 5));
    assertThat(streams.drain(stream)).containsExactly(3, 4);
  }

  @Test
  void blockingSend_thatTimedOut_isNotStored() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).size(1).durable());
    Outgoing message = Outgoing.to(stream, 1).blocking(1).durable();
    var rendezvous = streams.sendLater(Outgoing.to(stream + "-0", 1).size(0).blocking(1).durable());
    Streams.expectTimeout(streams.send(message));
    Streams.expectTimeout(Streams.result(rendezvous));

    assertThat(streams.stored(stream)).containsExactly(0);
    assertThat(streams.stored(stream + "-0")).isEmpty();
    assertThat(streams.drain(stream)).containsExactly(0);
    streams.put(message);
    assertThat(streams.stored(stream)).containsExactly(0, 1);
  }

  @Test
  void blockingSend_thatGotRoom_isStored() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).size(1).durable());
    var sender = streams.block(Outgoing.to(stream, 1).blocking(20).durable(), 1);
    assertThat(streams.stored(stream)).containsExactly(0);

    assertThat(streams.take(stream).n()).isZero();

    Streams.expectSent(Streams.result(sender));
    assertThat(streams.stored(stream)).containsExactly(0, 1);
    assertThat(streams.drain(stream)).containsExactly(1);
  }

  @Test
  void rendezvous_withAReceiver_isStored() {
    String stream = Streams.unique();
    var receiver = streams.receiveLater(stream, 20);
    streams.awaitWaitingReceivers(1);
    streams.put(Outgoing.to(stream, 1).size(0).blocking(20).durable());

    assertThat(Streams.message(Streams.result(receiver)).n()).isEqualTo(1);
    assertThat(streams.stored(stream)).containsExactly(1);
  }

  @Test
  void repeatedSend_isStoredOnce() {
    String stream = Streams.unique();
    Outgoing message = Outgoing.to(stream, 1).durable();
    streams.put(message);
    streams.put(message);
    streams.put(message.size(0));

    assertThat(streams.stored(stream)).containsExactly(1);
    assertThat(streams.drain(stream)).containsExactly(1);
  }

  /// Stored, in memory and repeated: all in one order, whoever sends at the same time.
  @Test
  void concurrentDurableSends_haveOneOrder() {
    String stream = Streams.unique();
    var sends = new ArrayList<CompletableFuture<Answer>>();
    for (int n = 0; n < 200; n++) {
      Outgoing message = Outgoing.to(stream, n).size(1000).durable();
      sends.add(streams.sendLater(message));
      if (n % 4 == 0) {
        sends.add(streams.sendLater(message));
      }
    }
    sends.forEach(send -> Streams.expectSent(Streams.result(send)));

    List<Message> replayed = streams.replayAll(stream, "");
    assertThat(Streams.numbers(replayed)).containsExactlyInAnyOrderElementsOf(range(0, 200));
    assertThat(replayed.stream().map(Message::timestamp).toList()).isSorted();
    assertThat(streams.drain(stream)).isEqualTo(Streams.numbers(replayed));
  }

  // Tokens

  @Test
  void replay_oneByOne_givesAllInOrder_andFromAnyTokenWhatFollows() {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 20);
    var tokens = new ArrayList<String>();
    String token = "";
    for (int n = 0; n < 20; n++) {
      Step step = next(stream, token);
      assertThat(step.messages().getFirst().n()).isEqualTo(n);
      token = step.token();
      tokens.add(token);
    }
    expectEnd(stream, token);

    for (int n = 0; n < 20; n++) {
      assertThat(Streams.numbers(streams.replayAll(stream, tokens.get(n))))
          .as("after token %d", n)
          .isEqualTo(range(n + 1, 20));
    }
    streams.storeNumbers(stream, 20, 22);
    assertThat(Streams.numbers(streams.replayAll(stream, token))).containsExactly(20, 21);
    assertThat(Streams.numbers(streams.replayAll(stream, tokens.get(17))))
        .containsExactly(18, 19, 20, 21);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 1000})
  void replay_inBatches_givesAllInOrder(int size) {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 25);
    var all = new ArrayList<Integer>();
    String token = "";
    while (all.size() < 25) {
      Step step = Streams.steps(streams.replay(stream, token, "maxMessages=" + size));
      assertThat(step.messages()).hasSizeBetween(1, size);
      all.addAll(Streams.numbers(step.messages()));
      token = step.token();
      assertThat(Streams.numbers(streams.replayAll(stream, token)))
          .isEqualTo(range(all.size(), 25));
    }
    assertThat(all).isEqualTo(range(0, 25));
    Streams.expectTimeout(streams.replay(stream, token, "maxMessages=" + size));
  }

  @Test
  void replay_ofLargeMessages_comesInSeveralAnswers() {
    String stream = Streams.unique();
    String filler = "x".repeat(500_000);
    for (int n = 0; n < 20; n++) {
      streams.put(
          Outgoing.to(stream, "{\"n\":%d,\"filler\":\"%s\"}".formatted(n, filler))
              .size(0)
              .durable());
    }
    assertThat(streams.stored(stream)).isEqualTo(range(0, 20));
  }

  @Test
  void replay_atTheEnd_waitsForWhatIsStoredNext() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).durable());
    String token = next(stream, "").token();
    var reader = streams.replayLater(stream, token, 20);
    var another = streams.replayLater(stream, token, 20);
    Streams.expectTimeout(
        streams.receive(stream, "readFromDB=true&timeoutSeconds=1" + Streams.resume(token)));
    assertThat(reader).isNotDone();
    // Not stored: nothing to a replay.
    streams.put(Outgoing.to(stream, -1));
    Streams.expectTimeout(streams.replay(stream, token, ""));
    assertThat(reader).isNotDone();

    streams.put(Outgoing.to(stream, 1).durable());

    for (var each : List.of(reader, another)) {
      Step step = Streams.step(Streams.result(each));
      assertThat(step.messages().getFirst().n()).isEqualTo(1);
      expectEnd(stream, step.token());
    }
  }

  @Test
  void replay_ofAMissingStream_waitsForIt() {
    String stream = Streams.unique();
    var reader = streams.replayLater(stream, "", 20);
    Streams.expectTimeout(streams.receive(stream, Streams.REPLAY_NOW));
    streams.put(Outgoing.to(stream, 0).durable());

    Step step = Streams.step(Streams.result(reader));
    assertThat(step.messages().getFirst().n()).isZero();
    streams.put(Outgoing.to(stream, 1).durable());
    assertThat(next(stream, step.token()).messages().getFirst().n()).isEqualTo(1);
  }

  @Test
  void token_damagedAnywhere_is400() {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 2);
    String token = next(stream, "").token();
    for (int i = 0; i < token.length(); i++) {
      for (char other : otherCharacters(token.charAt(i))) {
        String damaged = token.substring(0, i) + other + token.substring(i + 1);
        Streams.expectError(streams.replay(stream, damaged, ""), 400, BAD_TOKEN);
      }
      String shortened = token.substring(0, i) + token.substring(i + 1);
      Streams.expectError(streams.replay(stream, shortened, ""), 400, BAD_TOKEN);
    }
    assertThat(next(stream, token).messages().getFirst().n()).isEqualTo(1);
  }

  /// One that differs in the least bit and one that differs in the highest, of the characters that
  /// tokens are made of.
  private static char[] otherCharacters(char c) {
    String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int value = Math.max(0, alphabet.indexOf(c));
    return new char[] {alphabet.charAt(value ^ 1), alphabet.charAt(value ^ 32)};
  }

  @Test
  void token_ofNonsense_is400() {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 1);
    String token = next(stream, "").token();
    for (String bad :
        List.of(
            "x",
            "0",
            "null",
            " ",
            token + "A",
            token + "=",
            " " + token,
            token + token,
            "ü",
            "../../etc/passwd",
            "A".repeat(token.length()),
            "A".repeat(3_000))) {
      Streams.expectError(streams.replay(stream, bad, ""), 400, BAD_TOKEN);
    }
  }

  @Test
  void token_ofAnotherStream_is400() {
    String stream = Streams.unique();
    String other = Streams.unique();
    streams.storeNumbers(stream, 0, 2);
    streams.storeNumbers(other, 0, 2);
    String token = next(stream, "").token();

    Streams.expectError(streams.replay(other, token, ""), 400, BAD_TOKEN);
    Streams.expectError(streams.replay(Streams.unique(), token, ""), 400, BAD_TOKEN);
    Streams.expectError(streams.replay(stream + "x", token, ""), 400, BAD_TOKEN);
  }

  // The end of a message

  /// Asks again and again until the message is gone, and holds each answer against the time it was
  /// asked at and came at.
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void ttl_isExact_inAReplay(int seconds) {
    Duration ttl = Duration.ofSeconds(seconds);
    String stream = Streams.unique();
    long before = System.nanoTime();
    streams.put(Outgoing.to(stream, 1).size(0).ttl(seconds));
    long after = System.nanoTime();
    while (true) {
      Duration asked = since(after);
      Answer answer = streams.replay(stream, "", "");
      if (answer.status() == 424) {
        assertThat(since(before)).as("gone").isGreaterThanOrEqualTo(ttl);
        return;
      }
      answer.expect(200);
      assertThat(asked).as("still there").isLessThan(ttl.plusMillis(20));
    }
  }

  /// A look at memory takes the message: one stream is looked at before the end, another after it.
  @Test
  void ttl_isExact_inMemory() {
    Duration ttl = Duration.ofSeconds(1);
    String early = Streams.unique();
    String late = Streams.unique();
    long before = System.nanoTime();
    streams.put(Outgoing.to(early, 1).ttl(1));
    streams.put(Outgoing.to(late, 1).ttl(1));
    long after = System.nanoTime();

    Pubsub.eventually("shortly before the end", () -> since(before).toMillis() >= 850);
    Answer answer = streams.receive(early, Streams.NOW);
    if (since(before).compareTo(ttl) < 0) {
      answer.expect(200);
    }
    Pubsub.eventually("shortly after the end", () -> since(after).toMillis() >= 1020);
    streams.expectNothing(late);
  }

  private static Duration since(long nanoTime) {
    return Duration.ofNanos(System.nanoTime() - nanoTime);
  }

  @Test
  void expiredMessages_areLeftOut_fromReplayAndFromMemory() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).ttl(3600));
    streams.put(Outgoing.to(stream, 1).ttl(1));
    streams.put(Outgoing.to(stream, 2).ttl(3600));
    streams.put(Outgoing.to(stream, 3).ttl(1));
    streams.put(Outgoing.to(stream, 4).ttl(3600));
    String atTwo = next(stream, next(stream, "").token()).token();

    Pubsub.eventually("the end of two", () -> streams.stored(stream).size() == 3);

    assertThat(streams.stored(stream)).containsExactly(0, 2, 4);
    assertThat(Streams.numbers(streams.replayAll(stream, atTwo))).containsExactly(2, 4);
    assertThat(streams.drain(stream)).containsExactly(0, 2, 4);
  }

  @Test
  void token_ofAnExpiredMessage_is410_andTheFreshOneGoesOn() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).ttl(3600));
    streams.put(Outgoing.to(stream, 1).ttl(1));
    streams.put(Outgoing.to(stream, 2).ttl(3600));
    streams.put(Outgoing.to(stream, 3).ttl(1));
    String atOne = next(stream, "").token();
    String atTwo = next(stream, atOne).token();
    String atThree = next(stream, atTwo).token();

    Pubsub.eventually("the end of two", () -> streams.stored(stream).size() == 2);

    String fresh = expectExpired(streams.replay(stream, atOne, ""));
    assertThat(Streams.numbers(streams.replayAll(stream, fresh))).containsExactly(2);
    String freshForMany = expectExpired(streams.replay(stream, atOne, "maxMessages=10"));
    assertThat(Streams.numbers(streams.replayAll(stream, freshForMany))).containsExactly(2);
    assertThat(next(stream, atTwo).messages().getFirst().n()).isEqualTo(2);

    String atTheEnd = expectExpired(streams.replay(stream, atThree, ""));
    expectEnd(stream, atTheEnd);
    streams.put(Outgoing.to(stream, 4).ttl(3600));
    assertThat(Streams.numbers(streams.replayAll(stream, atTheEnd))).containsExactly(4);
  }

  @Test
  void token_afterPurge_is410_andTheFreshOneGoesOn() {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 3);
    String token = next(stream, "").token();
    streams.purge(stream).expect(200);

    String fresh = expectExpired(streams.replay(stream, token, ""));

    expectEnd(stream, fresh);
    streams.storeNumbers(stream, 3, 5);
    assertThat(Streams.numbers(streams.replayAll(stream, fresh))).containsExactly(3, 4);
    assertThat(streams.stored(stream)).containsExactly(3, 4);
  }

  @Test
  void token_afterDelete_is410_andTheFreshOneGoesOn() {
    String stream = Streams.unique();
    streams.storeNumbers(stream, 0, 3);
    String first = next(stream, "").token();
    String last = next(stream, next(stream, first).token()).token();
    streams.delete(stream).expectNoContent();

    String fresh = expectExpired(streams.replay(stream, first, ""));
    expectExpired(streams.replay(stream, last, ""));
    expectEnd(stream, "");
    expectEnd(stream, fresh);

    streams.storeNumbers(stream, 10, 12);
    assertThat(Streams.numbers(streams.replayAll(stream, fresh))).containsExactly(10, 11);
    expectExpired(streams.replay(stream, first, ""));
    expectExpired(streams.replay(stream, last, ""));
  }
}
