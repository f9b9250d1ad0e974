// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The query of a receive (section 1): what is refused takes nothing. And `maxMessages`.
@SystemTest
final class StreamsReceiveTest {
  private final Streams streams;

  StreamsReceiveTest(@On(Setup.DEV) TidingsProcess server) {
    this.streams = Streams.on(server);
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @ParameterizedTest
  @CsvSource({
    "timeoutSeconds=abc, invalid timeoutSeconds",
    "timeoutSeconds=1.5, invalid timeoutSeconds",
    "timeoutSeconds=1s, invalid timeoutSeconds",
    "timeoutSeconds=0x1, invalid timeoutSeconds",
    "timeoutSeconds=1e1, invalid timeoutSeconds",
    "timeoutSeconds=%201, invalid timeoutSeconds",
    "timeoutSeconds=%D9%A1, invalid timeoutSeconds",
    "timeoutSeconds=null, invalid timeoutSeconds",
    "timeoutSeconds=301, invalid timeoutSeconds",
    "timeoutSeconds=2147483648, invalid timeoutSeconds",
    "timeoutSeconds=4294967296, invalid timeoutSeconds",
    "timeoutSeconds=99999999999999999999, invalid timeoutSeconds",
    "timeoutSeconds=0&readFromDB=yes, invalid readFromDB",
    "timeoutSeconds=0&readFromDB=1, invalid readFromDB",
    "timeoutSeconds=0&readFromDB=0, invalid readFromDB",
    "timeoutSeconds=0&readFromDB=True, invalid readFromDB",
    "timeoutSeconds=0&readFromDB=null, invalid readFromDB",
    "timeoutSeconds=0&readFromDB=true%20, invalid readFromDB",
    "timeoutSeconds=0&dbResumeToken=x, invalid dbResumeToken",
    "timeoutSeconds=0&readFromDB=false&dbResumeToken=x, invalid dbResumeToken",
    "timeoutSeconds=0&readFromDB=&dbResumeToken=x, invalid dbResumeToken",
    "timeoutSeconds=0&maxMessages=0, invalid maxMessages",
    "timeoutSeconds=0&maxMessages=-1, invalid maxMessages",
    "timeoutSeconds=0&maxMessages=1001, invalid maxMessages",
    "timeoutSeconds=0&maxMessages=abc, invalid maxMessages",
    "timeoutSeconds=0&maxMessages=1.5, invalid maxMessages",
    "timeoutSeconds=0&maxMessages=99999999999999999999, invalid maxMessages",
    "timeoutSeconds=0&readFromDB=true&maxMessages=1001, invalid maxMessages"
  })
  void badQuery_is400_andTakesNothing(String query, String error) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1).durable());

    Streams.expectError(streams.receive(stream, query), 400, error);

    assertThat(streams.drain(stream)).containsExactly(1);
  }

  /// A token that would be good for a replay, without asking for one: a consuming read would do
  /// harm.
  @Test
  void tokenWithoutReadFromDb_is400_andTakesNothing() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1).durable());
    String token = Streams.step(streams.replay(stream, "", "")).token();

    Streams.expectError(
        streams.receive(stream, Streams.NOW + Streams.resume(token)), 400, "invalid dbResumeToken");

    assertThat(streams.drain(stream)).containsExactly(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "timeoutSeconds=0&readFromDB=false",
        "timeoutSeconds=0&readFromDB=",
        "timeoutSeconds=0&dbResumeToken=",
        "timeoutSeconds=0&readFromDB=false&dbResumeToken=",
        "timeoutSeconds=-1",
        "timeoutSeconds=-2147483648",
        "timeoutSeconds=300",
        ""
      })
  void goodQuery_takesTheMessage(String query) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1));

    assertThat(Streams.message(streams.receive(stream, query)).n()).isEqualTo(1);
    streams.expectNothing(stream);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "-300"})
  void noTimeLeft_isAnsweredAtOnce(String seconds) {
    long start = System.nanoTime();
    Streams.expectTimeout(streams.receive(Streams.unique(), "timeoutSeconds=" + seconds));

    assertThat(System.nanoTime() - start).isLessThan(900_000_000L);
  }

  @Test
  void streamId_missingEmptyOrTooLong_is400() {
    Caller caller = streams.caller();
    String path = Streams.ROOT + "/receive";
    Streams.expectError(caller.get(path), 400, "streamId is required");
    Streams.expectError(caller.get(path + "?streamId="), 400, "streamId is required");
    Streams.expectError(
        caller.get(path + "?streamId=&timeoutSeconds=abc"), 400, "streamId is required");
    Streams.error(streams.receive("x".repeat(1025), Streams.NOW), 400);
    Streams.expectTimeout(streams.receive("x".repeat(1024), Streams.NOW));
  }

  // maxMessages

  @Test
  void maxMessages_evenOne_givesAList() {
    String stream = Streams.unique();
    Outgoing message = Outgoing.to(stream, 1);
    streams.put(message);

    Answer answer = streams.receive(stream, Streams.NOW + "&maxMessages=1");

    answer.expect(
        200,
        """
        {"messages":[{"message":{"n":1},"messageUuid":"%s","timestamp":"<text>"}]}
        """
            .formatted(message.uuid()));
    JsonNode only = answer.json().get("messages").get(0);
    assertThat(only.propertyNames()).containsExactly("message", "messageUuid", "timestamp");
  }

  @Test
  void maxMessages_takesNoMoreThanThat_inOrder() {
    String stream = Streams.unique();
    streams.putNumbers(stream, 0, 20);

    assertThat(Streams.numbers(Streams.messages(streams.receive(stream, "maxMessages=7"))))
        .isEqualTo(range(0, 7));
    assertThat(streams.take(stream).n()).isEqualTo(7);
    assertThat(Streams.numbers(Streams.messages(streams.receive(stream, "maxMessages=1000"))))
        .isEqualTo(range(8, 20));
    Streams.expectTimeout(streams.receive(stream, Streams.NOW + "&maxMessages=1000"));
  }

  @Test
  void maxMessages_waitsForTheFirstOnly() {
    String stream = Streams.unique();
    var receiver =
        streams.caller().getLater(Streams.receivePath(stream, "timeoutSeconds=10&maxMessages=10"));
    streams.awaitWaitingReceivers(1);
    streams.put(Outgoing.to(stream, 1));

    assertThat(Streams.numbers(Streams.messages(Streams.result(receiver)))).containsExactly(1);
  }

  @Test
  void maxMessages_withNothing_is424InTime() {
    Streams.expectTimeout(streams.receive(Streams.unique(), "timeoutSeconds=1&maxMessages=10"));
  }

  /// More than fits into one answer comes in several, and nothing is lost between them.
  @Test
  void maxMessages_ofLargeMessages_comeAllInOrder() {
    String stream = Streams.unique();
    String filler = "x".repeat(200_000);
    for (int n = 0; n < 40; n++) {
      streams.put(Outgoing.to(stream, "{\"n\":%d,\"filler\":\"%s\"}".formatted(n, filler)));
    }

    assertThat(streams.drain(stream)).isEqualTo(range(0, 40));
  }
}
