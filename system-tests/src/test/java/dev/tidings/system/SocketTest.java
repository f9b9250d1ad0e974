// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.net.URI;
import java.time.Instant;
import java.util.HashSet;
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

/// The conversation on a WebSocket.
@SystemTest
final class SocketTest {

  private final TidingsProcess secured;
  private final RelayClient admin;

  SocketTest(@On(Setup.SECURED) TidingsProcess secured) {
    this.secured = secured;
    this.admin = secured.admin();
  }

  private static Map<String, Object> subscribe(Object... keysAndValues) {
    var frame = Json.object(keysAndValues);
    frame.put("type", "subscribe");
    return frame;
  }

  @Test
  void subscribe_answersSubscribed() {
    List<String> topics = List.of(RelayClient.unique("one"), RelayClient.unique("two"));
    try (RelaySocket socket = admin.open()) {
      socket.send(subscribe("topics", topics, "client_id", "me", "offset", "last"));

      JsonNode frame = socket.expect("subscribed");

      assertThat(Json.names(frame))
          .containsExactlyInAnyOrder("type", "topics", "session_id", "timestamp");
      assertThat(Json.texts(frame.get("topics"))).isEqualTo(topics);
      assertThat(frame.get("session_id").asString()).matches(Shape.SESSION_ID);
      assertThat(frame.get("timestamp").asString()).matches(Shape.TIMESTAMP);
    }
  }

  @Test
  void subscribe_asTheReadmeShowsIt_withoutClientIdAndOffset_succeeds() {
    String topic = RelayClient.unique("readme");
    try (RelaySocket socket = admin.open()) {
      socket.send(subscribe("topics", List.of(topic)));
      socket.expect("subscribed");

      admin.publishNumber(topic, 1);

      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void message_hasItsShape() {
    String topic = RelayClient.unique("shape");
    try (RelaySocket socket = admin.subscribe(topic)) {
      Reply published = admin.publish(topic, Map.of("a", List.of(1, "two"))).expect(201);

      JsonNode message = socket.expect("message");

      assertThat(Json.names(message))
          .containsExactlyInAnyOrder(
              "type", "message_id", "topic", "payload", "timestamp", "metadata");
      assertThat(message.get("message_id").asString()).isEqualTo(published.messageId());
      assertThat(message.get("topic").asString()).isEqualTo(topic);
      assertThat(message.get("payload")).isEqualTo(Json.parse("{\"a\":[1,\"two\"]}"));
      assertThat(message.get("timestamp").asString()).matches(Shape.TIMESTAMP);
      assertThat(Instant.parse(message.get("timestamp").asString()))
          .isEqualTo(Instant.parse(published.json().get("timestamp").asString()));
      assertThat(message.get("metadata").isNull()).isTrue();
    }
  }

  @Test
  void sessions_haveIdsOfTheirOwn() {
    var ids = new HashSet<String>();
    for (int i = 0; i < 5; i++) {
      try (RelaySocket socket = admin.open()) {
        socket.send(subscribe("topics", List.of("a"), "client_id", "same"));
        ids.add(socket.expect("subscribed").get("session_id").asString());
      }
    }
    assertThat(ids).hasSize(5);
  }

  @Test
  void ping_answersPong() {
    try (RelaySocket socket = admin.subscribe(RelayClient.unique("ping"))) {
      socket.send(Json.object("type", "ping"));

      JsonNode pong = socket.expect("pong");

      assertThat(Json.names(pong)).containsExactlyInAnyOrder("type", "timestamp");
      assertThat(pong.get("timestamp").asString()).matches(Shape.TIMESTAMP);
    }
  }

  @Test
  void ack_isNotAnswered() {
    String topic = RelayClient.unique("ack");
    try (RelaySocket socket = admin.subscribe(topic)) {
      String id = admin.publishNumber(topic, 1);
      socket.expect("message");
      for (String acked : List.of(id, Shape.asUuid(id), "msg_000000000000", "unknown")) {
        socket.send(Json.object("type", "ack", "message_id", acked));
      }

      socket.expectNothingBeforePong();
    }
  }

  @Test
  void ack_withAnId_isAnswered() {
    String topic = RelayClient.unique("numbered");
    try (RelaySocket socket = admin.subscribe(topic)) {
      String id = admin.publishNumber(topic, 1);
      socket.expect("message");
      for (String acked : List.of(id, Shape.asUuid(id))) {
        socket.send(Json.object("type", "ack", "message_id", acked, "id", 7));

        assertThat(socket.expect("acked"))
            .isEqualTo(
                Json.parse(Json.write(Json.object("type", "acked", "id", 7, "message_id", id))));
      }
    }
  }

  @Test
  void ack_withAnId_ofNoMessageOfASubscribedTopic_isToldSo() {
    String topic = RelayClient.unique("subscribed");
    String other = RelayClient.unique("other");
    try (RelaySocket socket = admin.subscribe(topic)) {
      String foreign = admin.publishNumber(other, 1);
      String own = admin.publishNumber(topic, 1);
      socket.expect("message");
      // The sequence is in the upper bits of the id's last 62: one that was never given.
      String future = own.substring(0, 21) + "f" + own.substring(22);
      socket.send(Json.object("type", "unsubscribe", "topics", List.of("other")));
      socket.expect("unsubscribed");
      for (String unknown : List.of(foreign, future, "msg_000000000000", "unknown")) {
        socket.send(Json.object("type", "ack", "message_id", unknown, "id", "a"));

        JsonNode frame = socket.expect("error");
        assertThat(frame.get("code").asString()).as(unknown).isEqualTo("UNKNOWN_MESSAGE");
        assertThat(frame.get("id").asString()).isEqualTo("a");
      }
      socket.send(Json.object("type", "unsubscribe", "topics", List.of(topic)));
      socket.expect("unsubscribed");
      socket.send(Json.object("type", "ack", "message_id", own, "id", "b"));
      assertThat(socket.expect("error").get("id").asString()).isEqualTo("b");
    }
  }

  @Test
  void unsubscribe_isAnsweredAndStopsDelivery() {
    String kept = RelayClient.unique("kept");
    String left = RelayClient.unique("left");
    try (RelaySocket socket = admin.subscribe(kept, left)) {
      socket.send(Json.object("type", "unsubscribe", "topics", List.of(left, "never-subscribed")));
      JsonNode frame = socket.expect("unsubscribed");
      assertThat(Json.names(frame)).containsExactlyInAnyOrder("type", "topics", "timestamp");
      assertThat(Json.texts(frame.get("topics"))).containsExactly(left);
      assertThat(frame.get("timestamp").asString()).matches(Shape.TIMESTAMP);

      admin.publishNumber(left, 1);
      admin.publishNumber(kept, 2);

      assertThat(socket.numbers(1)).containsExactly(2);
      socket.expectNothingBeforePong();
    }
  }

  @Test
  void unsubscribe_fromAll_leavesTheSocketOpen() {
    String topic = RelayClient.unique("all");
    try (RelaySocket socket = admin.subscribe(topic)) {
      socket.send(Json.object("type", "unsubscribe", "topics", List.of(topic)));
      socket.expect("unsubscribed");
      admin.publishNumber(topic, 1);
      socket.expectNothingBeforePong();
    }
  }

  private static void expectError(JsonNode frame, String code) {
    assertThat(frame.path("type").asString()).as("frame %s", frame).isEqualTo("error");
    assertThat(Json.names(frame)).containsExactlyInAnyOrder("type", "code", "message", "details");
    assertThat(frame.get("code").asString()).isEqualTo(code);
    assertThat(frame.get("message").asString()).isNotBlank();
  }

  @ParameterizedTest
  @ValueSource(strings = {"zzz", "subscribed", "message", "PING", ""})
  void unknownType_isAnsweredWithAnErrorAndTheSocketStaysOpen(String type) {
    try (RelaySocket socket = admin.subscribe(RelayClient.unique("unknown"))) {
      socket.send(Json.object("type", type));

      JsonNode frame = socket.next();

      expectError(frame, "UNKNOWN_MESSAGE_TYPE");
      assertThat(frame.get("message").asString()).isEqualTo("Unknown message type: " + type);
      assertThat(frame.get("details").isNull()).isTrue();
      socket.expectNothingBeforePong();
    }
  }

  @Test
  void secondSubscribe_isAnUnknownTypeAndChangesNothing() {
    String first = RelayClient.unique("first");
    String second = RelayClient.unique("second");
    try (RelaySocket socket = admin.subscribe(first)) {
      socket.send(subscribe("topics", List.of(second), "client_id", "c"));
      JsonNode frame = socket.next();
      expectError(frame, "UNKNOWN_MESSAGE_TYPE");
      assertThat(frame.get("message").asString()).isEqualTo("Unknown message type: subscribe");

      admin.publishNumber(second, 2);
      admin.publishNumber(first, 1);

      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "",
        "not json",
        "{\"type\":\"ping\"} x",
        "[1]",
        "5",
        "null",
        "\"ping\"",
        "{\"type\":\"ack\"}",
        "{\"type\":\"ack\",\"message_id\":5}",
        "{\"type\":\"unsubscribe\"}",
        "{\"type\":\"unsubscribe\",\"topics\":[]}",
        "{\"type\":\"unsubscribe\",\"topics\":\"a\"}",
        "{\"type\":\"unsubscribe\",\"topics\":[1]}"
      })
  void invalidFrame_isAnsweredWithAnErrorAndTheSocketStaysOpen(String text) {
    String topic = RelayClient.unique("invalid");
    try (RelaySocket socket = admin.subscribe(topic)) {
      socket.sendText(text);

      expectError(socket.next(), "PROCESSING_ERROR");
      admin.publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  static Stream<Arguments> badFirstFrames() {
    var many = IntStream.range(0, 51).mapToObj(i -> "topic" + i).toList();
    return Stream.of(
        argumentSet("not JSON", "{"),
        argumentSet("empty", ""),
        argumentSet("a list", "[]"),
        argumentSet("another type", "{\"type\":\"ping\"}"),
        argumentSet("no type, no topics", "{}"),
        argumentSet("a number as type", "{\"type\":5,\"topics\":[\"a\"],\"client_id\":\"c\"}"),
        argumentSet("no topics", "{\"type\":\"subscribe\",\"client_id\":\"c\"}"),
        argumentSet("empty topics", Json.write(subscribe("topics", List.of(), "client_id", "c"))),
        argumentSet("51 topics", Json.write(subscribe("topics", many, "client_id", "c"))),
        argumentSet("a topic of type number", Json.write(subscribe("topics", List.of(1)))),
        argumentSet("topics a string", Json.write(subscribe("topics", "a", "client_id", "c"))),
        argumentSet(
            "empty client_id", Json.write(subscribe("topics", List.of("a"), "client_id", ""))),
        argumentSet(
            "client_id of 256",
            Json.write(subscribe("topics", List.of("a"), "client_id", "c".repeat(256)))),
        argumentSet(
            "client_id a number", Json.write(subscribe("topics", List.of("a"), "client_id", 5))),
        argumentSet(
            "offset a number",
            Json.write(subscribe("topics", List.of("a"), "client_id", "c", "offset", 5))));
  }

  @ParameterizedTest
  @MethodSource("badFirstFrames")
  void firstFrame_thatDoesNotSubscribe_isAnErrorAndTheSocketIsClosed(String text) {
    try (RelaySocket socket = admin.open()) {
      socket.sendText(text);

      expectSubscriptionError(socket);
    }
  }

  private static JsonNode expectSubscriptionError(RelaySocket socket) {
    JsonNode frame = socket.next();
    expectError(frame, "SUBSCRIPTION_ERROR");
    assertThat(frame.get("details").isNull()).isTrue();
    assertThat(socket.expectClosed().code()).isEqualTo(1000);
    return frame;
  }

  @Test
  void fiftyTopics_areAccepted() {
    var topics = IntStream.range(0, 50).mapToObj(_ -> RelayClient.unique("fifty")).toList();
    try (RelaySocket socket = admin.subscribe(topics.toArray(String[]::new))) {
      topics.forEach(topic -> admin.publishNumber(topic, 1));

      for (String topic : topics) {
        assertThat(socket.expect("message").get("topic").asString()).isEqualTo(topic);
      }
    }
  }

  @Test
  void sameTopicTwice_isDeliveredOnce() {
    String topic = RelayClient.unique("double");
    try (RelaySocket socket = admin.subscribe(topic, topic)) {
      admin.publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
      socket.expectNothingBeforePong();
    }
  }

  @Test
  void deniedTopics_areNamedAndTheSocketIsClosed() {
    User owner = admin.newUser("read", "write");
    User reader = admin.newUser("read");
    String denied = RelayClient.unique("denied");
    owner.client().publishNumber(denied, 1);
    try (RelaySocket socket = reader.client().open()) {
      socket.send(
          subscribe("topics", List.of(RelayClient.unique("missing"), denied), "client_id", "c"));

      assertThat(expectSubscriptionError(socket).get("message").asString())
          .isEqualTo("Access denied to topics: ['" + denied + "']");
    }
  }

  @Test
  void badToken_isRefusedWith403AndAnEmptyBody() {
    for (String query : List.of("", "?token=", "?token=garbage", "?token=a.b.c")) {
      try (var connection = RawConnection.open(secured)) {
        Reply reply = RawWebSocket.upgrade(connection, "/ws" + query);

        assertThat(reply.status()).as("status for /ws%s", query).isEqualTo(403);
        assertThat(reply.body()).isEmpty();
      }
    }
  }

  @Test
  void userWithoutRead_isRefusedWith403() {
    String token = admin.newUser("write").client().token();

    assertThat(RelaySocket.refusedStatus(URI.create(secured.webSocketUrl() + "?token=" + token)))
        .isEqualTo(403);
  }

  @Test
  void bearerSubprotocol_authenticatesAndIsEchoedWithoutTheToken() {
    String topic = RelayClient.unique("subprotocol");
    try (RelaySocket socket =
        RelaySocket.open(secured.webSocketUrl(), List.of("bearer", "bearer." + admin.token()))) {
      assertThat(socket.subprotocol()).isEqualTo("bearer");
      socket.send(subscribe("topics", List.of(topic)));
      socket.expect("subscribed");
      admin.publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void bearerSubprotocol_withABadToken_is403() {
    assertThat(
            RelaySocket.refusedStatus(secured.webSocketUrl(), List.of("bearer", "bearer.garbage")))
        .isEqualTo(403);
  }

  @Test
  void withoutToken_inDevelopmentMode_subscribes(@On(Setup.DEV) TidingsProcess dev) {
    String topic = RelayClient.unique("anonymous");
    try (RelaySocket socket = dev.anonymous().subscribe(topic)) {
      dev.anonymous().publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void badToken_inDevelopmentMode_is403(@On(Setup.DEV) TidingsProcess dev) {
    assertThat(RelaySocket.refusedStatus(URI.create(dev.webSocketUrl() + "?token=garbage")))
        .isEqualTo(403);
  }
}
