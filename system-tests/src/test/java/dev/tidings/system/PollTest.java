// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Long polling: catching up, waiting, and never missing anything in between.
@SystemTest
final class PollTest {

  private final RelayClient admin;

  PollTest(@On(Setup.DEV) TidingsProcess server) {
    this.admin = server.admin();
  }

  @Test
  void catchUp_answersStoredMessagesInTheirShape() {
    String topic = RelayClient.unique("catchup");
    Reply published = admin.publish(topic, Map.of("n", 1)).expect(201);

    JsonNode json =
        admin.poll("topics", List.of(topic), "since", Map.of(topic, "x")).expect(200).json();

    assertThat(Json.names(json)).containsExactlyInAnyOrder("messages", "has_more", "cursors");
    assertThat(json.get("has_more").isBoolean()).isTrue();
    assertThat(json.get("messages")).hasSize(1);
    JsonNode message = json.get("messages").get(0);
    assertThat(Json.names(message))
        .containsExactlyInAnyOrder(
            "topic", "message_id", "payload", "timestamp", "metadata", "stream_id");
    assertThat(message.get("topic").asString()).isEqualTo(topic);
    assertThat(message.get("message_id").asString()).isEqualTo(published.messageId());
    assertThat(message.get("metadata")).isEqualTo(Json.parse("{}"));
    assertThat(message.get("timestamp").asString()).matches(Shape.CATCH_UP_TIMESTAMP);
    assertThat(OffsetDateTime.parse(message.get("timestamp").asString()).toInstant())
        .isEqualTo(Instant.parse(published.json().get("timestamp").asString()));
  }

  @Test
  void live_answersMessagesInTheShapeOfASocketFrame() {
    String topic = RelayClient.unique("live");

    Reply reply = pollWhilePublishing(topic);

    Poll poll = Poll.of(reply);
    assertThat(poll.messages()).isNotEmpty();
    assertThat(poll.hasMore()).isFalse();
    JsonNode message = poll.messages().getFirst();
    assertThat(Json.names(message))
        .containsExactlyInAnyOrder(
            "type", "message_id", "topic", "payload", "timestamp", "metadata");
    assertThat(message.get("type").asString()).isEqualTo("message");
    assertThat(message.get("message_id").asString()).matches(Shape.MESSAGE_ID);
    assertThat(message.get("topic").asString()).isEqualTo(topic);
    assertThat(message.get("timestamp").asString()).matches(Shape.TIMESTAMP);
    assertThat(message.get("metadata").isNull()).isTrue();
    assertThat(poll.cursors())
        .containsEntry(topic, poll.messages().getLast().get("message_id").asString());
  }

  /// Publishes until the poll, which only sees what comes while it waits, has been answered.
  private Reply pollWhilePublishing(String topic) {
    CompletableFuture<Reply> poll = admin.pollAsync("topics", List.of(topic), "timeout", 20);
    Await.until(
        "the poll is answered",
        () -> {
          admin.publishNumber(topic, 1);
          return poll.isDone();
        });
    return Await.result(poll);
  }

  @Test
  void live_wakesUpAtOnce() {
    String topic = RelayClient.unique("latency");
    String seed = admin.publishNumber(topic, 0);
    // From a cursor, it does not matter whether the poll waits already when the message comes.
    CompletableFuture<Reply> poll =
        admin.pollAsync("topics", List.of(topic), "since", Map.of(topic, seed), "timeout", 20);
    long start = System.nanoTime();
    admin.publishNumber(topic, 1);

    assertThat(Poll.of(Await.result(poll)).numbers()).containsExactly(1);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"since\":null", ",\"since\":{}"})
  void withoutSince_storedMessagesDoNotCount(String since) {
    String topic = RelayClient.unique("nosince");
    admin.publishNumber(topic, 0);
    long start = System.nanoTime();

    Reply reply =
        admin.postRaw(
            "/messages/poll", "{\"topics\":[\"" + topic + "\"],\"timeout\":1" + since + "}");

    Poll poll = Poll.of(reply);
    assertThat(poll.messages()).isEmpty();
    assertThat(poll.hasMore()).isFalse();
    assertThat(poll.cursors()).containsOnlyKeys(topic);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(900), Duration.ofSeconds(4));
  }

  @Test
  void cursorOfATimeout_continuesWhereItEnded() {
    String topic = RelayClient.unique("timeout");
    admin.publishNumber(topic, 0);
    Poll nothing = Poll.of(admin.poll("topics", List.of(topic), "timeout", 1));
    // Nobody waits now: a client without cursors would lose this one.
    admin.publishNumber(topic, 1);

    Poll next =
        Poll.of(admin.poll("topics", List.of(topic), "since", nothing.cursors(), "timeout", 10));

    assertThat(nothing.messages()).isEmpty();
    assertThat(next.numbers()).containsExactly(1);
  }

  @Test
  void since_answersWhatComesAfterThatMessage() {
    String topic = RelayClient.unique("since");
    List<String> ids = admin.publishNumbers(topic, 0, 5);

    assertThat(admin.readFrom(topic, ids.get(1)).numbers()).containsExactly(2, 3, 4);
    assertThat(admin.readFrom(topic, Shape.asUuid(ids.get(3))).numbers()).containsExactly(4);
    assertThat(admin.readFrom(topic, ids.get(4)).numbers()).isEmpty();
  }

  @Test
  void since_ofAnUnknownMessage_meansFromTheStart() {
    String topic = RelayClient.unique("unknown");
    String elsewhere = admin.publishNumber(RelayClient.unique("elsewhere"), 9);
    admin.publishNumbers(topic, 0, 3);

    for (String since :
        List.of(
            "msg_000000000000",
            "msg_00000000000000000000000000000000",
            "msg_ffffffffffffffffffffffffffffffff",
            "msg_" + "g".repeat(32),
            "1712345678901-0",
            "0",
            "",
            "💥",
            "x".repeat(10_000),
            elsewhere)) {
      assertThat(admin.readFrom(topic, since).numbers())
          .as("since %s", Json.abbreviate(since))
          .containsExactly(0, 1, 2);
    }
  }

  @Test
  void topicAbsentFromSince_isReadFromTheStart() {
    String one = RelayClient.unique("one");
    String two = RelayClient.unique("two");
    List<String> ids = admin.publishNumbers(one, 0, 3);
    admin.publishNumbers(two, 10, 12);

    Poll poll = Poll.of(admin.poll("topics", List.of(one, two), "since", Map.of(one, ids.get(1))));

    assertThat(poll.numbers()).containsExactly(2, 10, 11);
    assertThat(poll.cursors()).containsOnlyKeys(one, two).containsEntry(one, ids.get(2));
  }

  @Test
  void sinceOfATopicNotAskedFor_isIgnored() {
    String topic = RelayClient.unique("asked");
    String other = RelayClient.unique("other");
    admin.publishNumber(topic, 1);
    String id = admin.publishNumber(other, 2);

    Poll poll = Poll.of(admin.poll("topics", List.of(topic), "since", Map.of(other, id)));

    assertThat(poll.numbers()).containsExactly(1);
  }

  @Test
  void moreThanHundredMessages_comeInPagesWithHasMore() {
    String topic = RelayClient.unique("pages");
    admin.publishNumbers(topic, 0, 250);

    Poll first = admin.readFrom(topic, "start");
    Poll second = admin.readFrom(topic, first.cursors().get(topic));
    Poll third = admin.readFrom(topic, second.ids().getLast());

    assertThat(first.numbers()).isEqualTo(IntStream.range(0, 100).boxed().toList());
    assertThat(first.hasMore()).isTrue();
    assertThat(first.cursors()).containsEntry(topic, first.ids().getLast());
    assertThat(second.numbers()).isEqualTo(IntStream.range(100, 200).boxed().toList());
    assertThat(second.hasMore()).isTrue();
    assertThat(third.numbers()).isEqualTo(IntStream.range(200, 250).boxed().toList());
    assertThat(third.hasMore()).isFalse();
  }

  @Test
  void hasMore_isTrueFromHundredMessagesInTotal() {
    String one = RelayClient.unique("one");
    String two = RelayClient.unique("two");
    admin.publishNumbers(one, 0, 60);
    admin.publishNumbers(two, 0, 40);

    Poll poll = Poll.of(admin.poll("topics", List.of(one, two), "since", Map.of(one, "start")));

    assertThat(poll.messages()).hasSize(100);
    assertThat(poll.hasMore()).isTrue();
  }

  @Test
  void missingTopic_succeedsAndIsNotCreated() {
    String topic = RelayClient.unique("missing");

    Poll poll = Poll.of(admin.poll("topics", List.of(topic), "timeout", 1));

    assertThat(poll.messages()).isEmpty();
    admin.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void missingTopic_thatAppearsWhileWaiting_isDelivered() {
    assertThat(Poll.of(pollWhilePublishing(RelayClient.unique("appears"))).numbers()).isNotEmpty();
  }

  @Test
  void manyWaiters_areAllWoken() {
    String topic = RelayClient.unique("waiters");
    String seed = admin.publishNumber(topic, 0);
    var polls =
        IntStream.range(0, 20)
            .mapToObj(_ ->
                admin.pollAsync(
                    "topics", List.of(topic), "since", Map.of(topic, seed), "timeout", 20))
            .toList();
    admin.publishNumber(topic, 1);

    assertThat(polls)
        .allSatisfy(poll -> assertThat(Poll.of(Await.result(poll)).numbers()).containsExactly(1));
  }

  @Test
  void waiterThatGoesAway_leavesTheServerWell() {
    String topic = RelayClient.unique("gone");
    String body = Json.write(Json.object("topics", List.of(topic), "timeout", 60));
    for (int i = 0; i < 20; i++) {
      try (var connection = RawConnection.open(admin.server())) {
        connection.writeHead(
            "POST /messages/poll HTTP/1.1",
            "Authorization: Bearer " + admin.token(),
            "Content-Type: application/json",
            "Content-Length: " + body.length());
        connection.write(body);
      }
    }

    assertThat(Poll.of(pollWhilePublishing(topic)).messages()).isNotEmpty();
  }

  @Test
  void pollingWithCursors_whileOthersPublish_missesNothingAndRepeatsNothing() {
    List<String> topics = List.of(RelayClient.unique("gapless"), RelayClient.unique("gapless"));
    topics.forEach(topic -> admin.publishNumber(topic, -1));
    int count = 300;
    var seen = new HashMap<String, List<Integer>>();
    topics.forEach(topic -> seen.put(topic, new ArrayList<>()));
    Poll poll = Poll.of(admin.poll("topics", topics, "timeout", 1));

    try (var publishers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String topic : topics) {
        publishers.execute(() -> {
          for (int n = 0; n < count; n++) {
            admin.publishNumber(topic, n);
          }
        });
      }
      long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (seen.values().stream().anyMatch(numbers -> numbers.size() < count)
          && System.nanoTime() < deadline) {
        poll = Poll.of(admin.poll("topics", topics, "since", poll.cursors(), "timeout", 2));
        for (JsonNode message : poll.messages()) {
          seen.get(message.get("topic").asString()).add(message.get("payload").get("n").asInt());
        }
      }
    }

    assertThat(seen.values())
        .allSatisfy(
            numbers -> assertThat(numbers).isEqualTo(IntStream.range(0, count).boxed().toList()));
  }

  private static String error(String type, String loc, String msg, String rest) {
    return "{\"type\":\"%s\",\"loc\":[\"body\",%s],\"msg\":\"%s\",%s}"
        .formatted(type, loc, msg, rest);
  }

  static Stream<Arguments> invalid() {
    String aTopic = "\"topics\":[\"a\"],";
    return Stream.of(
        argumentSet(
            "nothing", "{}", error("missing", "\"topics\"", "Field required", "\"input\":{}")),
        argumentSet(
            "no topics",
            "{\"topics\":[]}",
            error(
                "too_short",
                "\"topics\"",
                "List should have at least 1 item after validation, not 0",
                "\"input\":[],\"ctx\":{\"field_type\":\"List\",\"min_length\":1,\"actual_length\":0}")),
        argumentSet(
            "topics a string",
            "{\"topics\":\"a\"}",
            error("list_type", "\"topics\"", "Input should be a valid list", "\"input\":\"a\"")),
        argumentSet(
            "a topic that is no string",
            "{\"topics\":[\"a\",1]}",
            error("string_type", "\"topics\",1", "Input should be a valid string", "\"input\":1")),
        argumentSet(
            "timeout 0",
            "{" + aTopic + "\"timeout\":0}",
            error(
                "greater_than_equal",
                "\"timeout\"",
                "Input should be greater than or equal to 1",
                "\"input\":0,\"ctx\":{\"ge\":1}")),
        argumentSet(
            "timeout 61",
            "{" + aTopic + "\"timeout\":61}",
            error(
                "less_than_equal",
                "\"timeout\"",
                "Input should be less than or equal to 60",
                "\"input\":61,\"ctx\":{\"le\":60}")),
        argumentSet(
            "timeout with a fraction",
            "{" + aTopic + "\"timeout\":1.5}",
            error(
                "int_from_float",
                "\"timeout\"",
                "Input should be a valid integer, got a number with a fractional part",
                "\"input\":1.5")),
        argumentSet(
            "timeout text",
            "{" + aTopic + "\"timeout\":\"x\"}",
            error(
                "int_parsing",
                "\"timeout\"",
                "Input should be a valid integer, unable to parse string as an integer",
                "\"input\":\"x\"")),
        argumentSet(
            "timeout null",
            "{" + aTopic + "\"timeout\":null}",
            error("int_type", "\"timeout\"", "Input should be a valid integer", "\"input\":null")),
        argumentSet(
            "since a list",
            "{" + aTopic + "\"since\":[1]}",
            error("dict_type", "\"since\"", "Input should be a valid dictionary", "\"input\":[1]")),
        argumentSet(
            "since of a number",
            "{" + aTopic + "\"since\":{\"a\":1}}",
            error(
                "string_type", "\"since\",\"a\"", "Input should be a valid string", "\"input\":1")),
        argumentSet(
            "since of null",
            "{" + aTopic + "\"since\":{\"a\":null}}",
            error(
                "string_type",
                "\"since\",\"a\"",
                "Input should be a valid string",
                "\"input\":null")));
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void invalidFields_are422(String body, String error) {
    admin.postRaw("/messages/poll", body).expectInvalid(error);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"1\"", "1.0"})
  void timeout_thatMeansAnInteger_isAccepted(String timeout) {
    String topic = RelayClient.unique("coerced");
    admin.publishNumber(topic, 1);

    admin
        .postRaw(
            "/messages/poll",
            "{\"topics\":[\"%s\"],\"since\":{\"x\":\"y\"},\"extra\":1,\"timeout\":%s}"
                .formatted(topic, timeout))
        .expect(200);
  }
}
