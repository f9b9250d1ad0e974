// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Publishing over a WebSocket.
@SystemTest
final class SocketPublishTest {
  /// The default of `websocket.max-frame-size`.
  private static final int MAX_FRAME = 64 * 1024;

  private final RelayClient admin;

  SocketPublishTest(@On(Setup.SECURED) TidingsProcess secured) {
    this.admin = secured.admin();
  }

  private static Map<String, Object> publish(
      String topic, Object payload, Object... moreKeysAndValues) {
    Map<String, Object> frame = Json.object("type", "publish", "topic", topic, "payload", payload);
    frame.putAll(Json.object(moreKeysAndValues));
    return frame;
  }

  private static JsonNode expectError(RelaySocket socket, String code) {
    JsonNode frame = socket.expect("error");
    assertThat(Json.names(frame)).containsExactly("type", "code", "message", "details", "id");
    assertThat(frame.get("code").asString()).as("%s", frame).isEqualTo(code);
    assertThat(frame.get("details").isNull()).isTrue();
    return frame;
  }

  @Test
  void publish_isAnsweredWithIdTopicAndTime_andIsStored() {
    String topic = RelayClient.unique("published");
    try (RelaySocket socket = admin.open()) {
      socket.send(publish(topic, Map.of("n", 5), "id", "first", "metadata", Map.of("k", "v")));

      JsonNode answer = socket.expect("published");

      assertThat(Json.names(answer))
          .containsExactly("type", "id", "message_id", "topic", "timestamp");
      assertThat(answer.get("id").asString()).isEqualTo("first");
      assertThat(answer.get("topic").asString()).isEqualTo(topic);
      assertThat(answer.get("timestamp").asString()).matches(Shape.TIMESTAMP);
      JsonNode stored = admin.readAll(topic).messages().getFirst();
      assertThat(stored.get("message_id")).isEqualTo(answer.get("message_id"));
      assertThat(stored.get("payload")).isEqualTo(Json.parse("{\"n\":5}"));
      assertThat(stored.get("metadata")).isEqualTo(Json.parse("{\"k\":\"v\"}"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"\"\"", "\"ü\\n\"", "0", "-1.50", "12345678901234567890123", "1e3", "null"})
  void id_isGivenBackAsItCame(String id) {
    try (RelaySocket socket = admin.open()) {
      socket.sendText("{\"type\":\"publish\",\"topic\":\"ids\",\"payload\":{},\"id\":" + id + "}");
      assertThat(socket.expect("published").get("id")).isEqualTo(Json.parse(id));
    }
  }

  @Test
  void idOfUpTo255Bytes_isTaken() {
    try (RelaySocket socket = admin.open()) {
      String longest = "x".repeat(253); // And two quotes.
      socket.send(publish("ids", Map.of(), "id", longest));
      assertThat(socket.expect("published").get("id").asString()).isEqualTo(longest);
      socket.send(publish("ids", Map.of(), "id", longest + "x"));
      JsonNode error = expectError(socket, "VALIDATION_ERROR");
      assertThat(error.get("id").isNull()).isTrue();
      assertThat(error.get("message").asString())
          .isEqualTo("id: Value error, id must be a string or a number of at most 255 bytes");
    }
  }

  @Test
  void withoutId_theAnswerHasNull() {
    try (RelaySocket socket = admin.open()) {
      socket.send(publish("ids", Map.of()));
      assertThat(socket.expect("published").get("id").isNull()).isTrue();
    }
  }

  @Test
  void payload_staysByteForByte() {
    String topic = RelayClient.unique("raw");
    String payload = "{ \"n\": 1.50e0,\"z\":\"\\u0041ü\",\"z\":[ ]}";
    try (RelaySocket socket = admin.open()) {
      socket.sendText(
          "{\"type\":\"publish\",\"topic\":\"" + topic + "\",\"payload\":" + payload + "}");
      socket.expect("published");
    }
    Reply poll =
        admin.poll("topics", List.of(topic), "since", Map.of(topic, "start"), "timeout", 1);
    assertThat(poll.body()).contains("\"payload\":" + payload + ",");
  }

  @Test
  void many_areAnsweredOnceEach_andKeepTheirOrder() {
    String topic = RelayClient.unique("pipelined");
    int count = 1_500; // Several times what may be on its way at once.
    try (RelaySocket socket = admin.open()) {
      for (int i = 0; i < count; i++) {
        socket.send(publish(topic, Map.of("n", i), "id", i));
      }
      var answers = new HashMap<Integer, String>();
      for (int i = 0; i < count; i++) {
        JsonNode answer = socket.expect("published");
        answers.put(answer.get("id").asInt(), answer.get("message_id").asString());
      }
      assertThat(answers).hasSize(count);
      Poll stored = admin.readAll(topic);
      assertThat(stored.numbers()).isEqualTo(IntStream.range(0, count).boxed().toList());
      assertThat(stored.messages().get(700).get("message_id").asString())
          .isEqualTo(answers.get(700));
      socket.expectNothingBeforePong();
    }
  }

  @Test
  void oneAtATime_allAreAnsweredInTheirOrder() {
    try (TidingsProcess server =
        TidingsProcess.startDev(Map.of("TIDINGS_WEBSOCKET_MAX_PUBLISHING", "1"))) {
      try (RelaySocket socket = server.admin().open()) {
        for (int i = 0; i < 100; i++) {
          socket.send(publish("topic-" + i % 3, Map.of("n", i), "id", i));
        }
        socket.send(Json.object("type", "ping"));
        for (int i = 0; i < 100; i++) {
          assertThat(socket.expect("published").get("id").asInt()).isEqualTo(i);
        }
        socket.expect("pong");
      }
    }
  }

  @Test
  void afterAPublish_itMaySubscribe_once() {
    String topic = RelayClient.unique("both");
    try (RelaySocket socket = admin.open()) {
      socket.send(publish(topic, Map.of("n", 0)));
      socket.expect("published");
      socket.send(Json.object("type", "ping"));
      socket.expect("pong");
      socket.send(Json.object("type", "nonsense"));
      assertThat(socket.expect("error").get("code").asString()).isEqualTo("UNKNOWN_MESSAGE_TYPE");
      socket.sendText("{");
      assertThat(socket.expect("error").get("code").asString()).isEqualTo("PROCESSING_ERROR");
      socket.send(Json.object("type", "subscribe", "topics", List.of(topic), "offset", "earliest"));
      socket.expect("subscribed");
      assertThat(socket.numbers(1)).containsExactly(0);

      socket.send(publish(topic, Map.of("n", 1)));

      // Its own message comes to it like anybody's, before or after the answer.
      var types = List.of(socket.next(), socket.next());
      assertThat(types.stream().map(frame -> frame.get("type").asString()))
          .containsExactlyInAnyOrder("published", "message");
      socket.send(Json.object("type", "subscribe", "topics", List.of(topic)));
      assertThat(socket.expect("error").get("code").asString()).isEqualTo("UNKNOWN_MESSAGE_TYPE");
    }
  }

  @Test
  void whoPublishes_needNotSubscribeInTime() {
    try (TidingsProcess server =
            TidingsProcess.startDev(
                Map.of(
                    "TIDINGS_WEBSOCKET_FIRST_FRAME_TIMEOUT", "1s",
                    "TIDINGS_WEBSOCKET_PING_INTERVAL", "1s"));
        RelaySocket publisher = server.admin().open();
        RelaySocket mute = server.admin().open()) {
      publisher.send(publish("topic", Map.of()));
      publisher.expect("published");
      mute.expectClosed();
      publisher.expectNothingBeforePong();
    }
  }

  static Stream<Arguments> invalid() {
    return Stream.of(
        argumentSet("no topic", "\"payload\":{}", "topic: Field required"),
        argumentSet(
            "a topic of another charset",
            "\"topic\":\"a b\",\"payload\":{}",
            "topic: Value error, Topic must contain only alphanumeric characters, hyphens, and"
                + " underscores"),
        argumentSet(
            "a reserved topic",
            "\"topic\":\"stats\",\"payload\":{}",
            "topic: Value error, Topic name 'stats' is reserved"),
        argumentSet("no payload", "\"topic\":\"a\"", "payload: Field required"),
        argumentSet(
            "a payload that is no object",
            "\"topic\":\"a\",\"payload\":[]",
            "payload: Input should be a valid dictionary"),
        argumentSet(
            "a ttl of 0",
            "\"topic\":\"a\",\"payload\":{},\"ttl\":0",
            "ttl: Input should be greater than 0"),
        argumentSet(
            "metadata of numbers",
            "\"topic\":\"a\",\"payload\":{},\"metadata\":{\"k\":1}",
            "metadata.k: Input should be a valid string"),
        argumentSet(
            "two faults",
            "\"payload\":5",
            "topic: Field required; payload: Input should be a valid dictionary"));
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void invalidFields_areToldByTheirNumber_andTheSocketStaysOpen(String fields, String message) {
    try (RelaySocket socket = admin.open()) {
      socket.sendText("{\"type\":\"publish\",\"id\":9," + fields + "}");

      JsonNode error = expectError(socket, "VALIDATION_ERROR");

      assertThat(error.get("message").asString()).isEqualTo(message);
      assertThat(error.get("id").asInt()).isEqualTo(9);
      socket.expectNothingBeforePong();
    }
  }

  @Test
  void withoutWrite_orToSomebodyElsesTopic_itIsDenied_andTheSocketStaysOpen() {
    String topic = RelayClient.unique("owned");
    admin.publishNumber(topic, 1);
    try (RelaySocket socket = admin.newUser("read").client().open()) {
      socket.send(publish(topic, Map.of(), "id", 1));
      JsonNode error = expectError(socket, "ACCESS_DENIED");
      assertThat(error.get("message").asString()).isEqualTo("Permission 'write' required");
      assertThat(error.get("id").asInt()).isEqualTo(1);
    }
    User both = admin.newUser("read", "write");
    try (RelaySocket socket = both.client().open()) {
      socket.send(publish(topic, Map.of()));
      assertThat(expectError(socket, "ACCESS_DENIED").get("message").asString())
          .isEqualTo("Access denied to topics: ['" + topic + "']");
      admin.grant(topic, "user_id", both.id()).expect(201);
      // Rights are looked at for each message.
      socket.send(publish(topic, Map.of()));
      socket.expect("published");
    }
    assertThat(admin.readAll(topic).messages()).hasSize(2);
  }

  @Test
  void frameOfTheLargestSize_isPublished_andALargerOneEndsTheSocket() {
    String topic = RelayClient.unique("large");
    String empty = Json.write(publish(topic, Map.of("f", "")));
    String largest =
        Json.write(publish(topic, Map.of("f", "x".repeat(MAX_FRAME - empty.length()))));
    assertThat(largest).hasSize(MAX_FRAME);
    try (RelaySocket socket = admin.open()) {
      socket.sendText(largest);
      socket.expect("published");
      socket.sendText(largest + " ");
      assertThat(socket.expectClosed().code()).isEqualTo(1009);
    }
    assertThat(admin.readAll(topic).messages()).hasSize(1);
  }

  @Test
  void ttl_isEnforced() {
    String topic = RelayClient.unique("ttl");
    try (RelaySocket socket = admin.open()) {
      socket.send(publish(topic, Map.of("n", 1), "ttl", 1));
      socket.send(publish(topic, Map.of("n", 2), "ttl", 3_600));
      socket.expect("published");
      socket.expect("published");
      Await.until("the first has expired", () -> admin.readAll(topic).numbers().equals(List.of(2)));
    }
  }

  @Test
  void published_isCounted() {
    String topic = RelayClient.unique("counted");
    try (RelaySocket socket = admin.open()) {
      socket.send(publish(topic, Map.of()));
      socket.expect("published");
    }
    assertThat(admin.get("/metrics").expect(200).body())
        .contains("relay_messages_received_total{topic=\"" + topic + "\"} 1.0");
  }
}
