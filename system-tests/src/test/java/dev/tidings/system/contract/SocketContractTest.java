// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Section 6 of the contract: the WebSocket. The names begin with the row.
@SystemTest
final class SocketContractTest {
  private static final String CLIENT = "\"client_id\":\"contract\"";

  private final TidingsProcess server;
  private final Caller user;

  SocketContractTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.user = Caller.user(server, "read", "write");
  }

  private static String topic() {
    return Caller.unique("socket");
  }

  private static void expectSubscriptionError(Socket socket) {
    socket.expect(
        """
        {"type":"error","code":"SUBSCRIPTION_ERROR","message":"<text>","details":null}
        """);
    assertThat(socket.closeCode()).isEqualTo(1000);
  }

  /// The text is Tidings' own (compatibility.md).
  private static void expectProcessingError(Socket socket) {
    socket.expect(
        """
        {"type":"error","code":"PROCESSING_ERROR","message":"<text>","details":null}
        """);
    socket.expectNothingButPong();
  }

  private static String quotedTopics(int count) {
    return IntStream.range(0, count).mapToObj(i -> "\"many-" + i + "\"").collect(joining(","));
  }

  // Opening

  private void expect403(String query) {
    HttpResponse<?> answer = Socket.refused(URI.create(server.webSocketUrl() + query));

    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.headers().firstValue("content-length").orElse("0")).isEqualTo("0");
  }

  @Test
  void open_missingToken_is403Empty() {
    expect403("");
  }

  @Test
  void open_invalidToken_is403Empty() {
    expect403("?token=rubbish");
  }

  @Test
  void open_inactiveUser_is403Empty() {
    Caller inactive = Caller.user(server, "read");
    Caller.admin(server).patch("/auth/users/" + inactive.id(), "{\"is_active\":false}").expect(200);

    expect403("?token=" + inactive.token());
  }

  @Test
  void open_unknownUser_is403Empty() {
    Caller gone = Caller.user(server, "read");
    Caller.admin(server).delete("/auth/users/" + gone.id()).expect(204);

    expect403("?token=" + gone.token());
  }

  @Test
  void open_withoutRead_is403Empty() {
    expect403("?token=" + Caller.user(server, "write").token());
  }

  // First frame

  @Test
  void subscribe_isAnsweredWithSubscribed() {
    String first = topic();
    String second = topic();
    try (Socket socket = Socket.open(user)) {
      socket.send(Socket.subscribe(CLIENT + ",\"offset\":\"last\"", first, second));

      socket.expect(
          """
          {"type":"subscribed","topics":["%s","%s"],"session_id":"<session-id>",
           "timestamp":"<time>"}
          """
              .formatted(first, second));
    }
  }

  @Test
  void subscribe_withoutClientId_isAcceptedAsInTheReadme() {
    String topic = topic();
    try (Socket socket = Socket.open(user)) {
      socket.send(Socket.subscribe("", topic));

      socket.expect(
          """
          {"type":"subscribed","topics":["%s"],"session_id":"<session-id>","timestamp":"<time>"}
          """
              .formatted(topic));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 255})
  void subscribe_clientIdOf1And255_isAccepted(int length) {
    try (Socket socket = Socket.open(user)) {
      socket.send(Socket.subscribe("\"client_id\":\"" + "c".repeat(length) + "\"", topic()));

      assertThat(socket.next().get("type").asString()).isEqualTo("subscribed");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 256})
  void subscribe_clientIdOf0And256_isAnErrorAndClose1000(int length) {
    try (Socket socket = Socket.open(user)) {
      socket.send(Socket.subscribe("\"client_id\":\"" + "c".repeat(length) + "\"", topic()));

      expectSubscriptionError(socket);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 50})
  void subscribe_topicsOf1And50_isAccepted(int count) {
    try (Socket socket = Socket.open(user)) {
      socket.send(
          "{\"type\":\"subscribe\",\"topics\":[%s],%s}".formatted(quotedTopics(count), CLIENT));

      assertThat(socket.next().get("type").asString()).isEqualTo("subscribed");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 51})
  void subscribe_topicsOf0And51_isAnErrorAndClose1000(int count) {
    try (Socket socket = Socket.open(user)) {
      socket.send(
          "{\"type\":\"subscribe\",\"topics\":[%s],%s}".formatted(quotedTopics(count), CLIENT));

      expectSubscriptionError(socket);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "{}",
        "[]",
        "{\"type\":\"ping\"}",
        "{\"type\":\"subscribe\",\"client_id\":\"c\"}",
        "{\"type\":\"subscribe\",\"topics\":\"x\",\"client_id\":\"c\"}"
      })
  void firstFrame_other_isAnErrorAndClose1000(String frame) {
    try (Socket socket = Socket.open(user)) {
      socket.send(frame);

      expectSubscriptionError(socket);
    }
  }

  @Test
  void subscribe_denied_isAnErrorWithTheTopicsAndClose1000() {
    String first = topic();
    String second = topic();
    user.createTopic(first, false).expect(201);
    user.createTopic(second, false).expect(201);
    try (Socket socket = Socket.open(Caller.user(server, "read"))) {
      socket.send(Socket.subscribe(CLIENT, first, topic(), second));

      socket.expectError(
          "SUBSCRIPTION_ERROR", "Access denied to topics: ['%s', '%s']".formatted(first, second));
      assertThat(socket.closeCode()).isEqualTo(1000);
    }
  }

  /// The read rule of section 2: admin, missing, owner, granted, public.
  @Test
  void subscribe_adminMissingOwnerGrantedPublic_isAccepted() {
    String closed = topic();
    String open = topic();
    user.createTopic(closed, false).expect(201);
    user.createTopic(open, true).expect(201);
    Caller reader = Caller.user(server, "read");
    user.grant(closed, reader).expect(201);

    Socket.subscribed(Caller.admin(server), closed).close();
    Socket.subscribed(user, closed).close();
    Socket.subscribed(reader, closed, open, topic()).close();
  }

  @Test
  void subscribe_toMissingTopic_doesNotCreateIt() {
    String topic = topic();
    try (Socket _ = Socket.subscribed(user, topic)) {
      user.get("/api/v1/topics/" + topic).expect(404);
    }
  }

  // Later frames

  @Test
  void ping_isAnsweredWithPong() {
    try (Socket socket = Socket.subscribed(user, topic())) {
      socket.send("{\"type\":\"ping\"}");

      socket.expect("{\"type\":\"pong\",\"timestamp\":\"<time>\"}");
    }
  }

  @Test
  void ack_isNotAnswered() {
    String topic = topic();
    try (Socket socket = Socket.subscribed(user, topic)) {
      String id = user.publish(topic, "{}").expect(201).text("message_id");
      socket.next();
      socket.send("{\"type\":\"ack\",\"message_id\":\"%s\"}".formatted(id));

      socket.expectNothingButPong();
    }
  }

  @Test
  void ackOfUnknownMessage_isNotAnswered() {
    try (Socket socket = Socket.subscribed(user, topic())) {
      socket.send("{\"type\":\"ack\",\"message_id\":\"msg_0123456789ab\"}");

      socket.expectNothingButPong();
    }
  }

  /// The relay answered nothing and its documents show this frame (compatibility.md).
  @Test
  void unsubscribe_isConfirmed() {
    String topic = topic();
    try (Socket socket = Socket.subscribed(user, topic, topic())) {
      socket.send("{\"type\":\"unsubscribe\",\"topics\":[\"%s\"]}".formatted(topic));

      socket.expect(
          "{\"type\":\"unsubscribed\",\"topics\":[\"%s\"],\"timestamp\":\"<time>\"}"
              .formatted(topic));
      socket.expectNothingButPong();
    }
  }

  @Test
  void unsubscribe_endsTheDeliveryOfThatTopicOnly() {
    String ended = topic();
    String kept = topic();
    try (Socket socket = Socket.subscribed(user, ended, kept)) {
      socket.send("{\"type\":\"unsubscribe\",\"topics\":[\"%s\"]}".formatted(ended));
      socket.send("{\"type\":\"ping\"}");
      while (!socket.next().get("type").asString().equals("pong")) {
        // A confirmation may come first.
      }
      user.publish(ended, "{}").expect(201);
      user.publish(kept, "{}").expect(201);

      assertThat(socket.next().get("topic").asString()).isEqualTo(kept);
      socket.expectNothingButPong();
    }
  }

  @Test
  void otherType_isUnknownMessageType() {
    try (Socket socket = Socket.subscribed(user, topic())) {
      socket.send("{\"type\":\"dance\"}");

      socket.expectError("UNKNOWN_MESSAGE_TYPE", "Unknown message type: dance");
      socket.expectNothingButPong();
    }
  }

  @Test
  void secondSubscribe_isUnknownMessageType() {
    try (Socket socket = Socket.subscribed(user, topic())) {
      socket.send(Socket.subscribe(CLIENT, topic()));

      socket.expectError("UNKNOWN_MESSAGE_TYPE", "Unknown message type: subscribe");
      socket.expectNothingButPong();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "[]",
        "{\"type\":\"ack\"}",
        "{\"type\":\"ack\",\"message_id\":5}",
        "{\"type\":\"unsubscribe\"}",
        "{\"type\":\"unsubscribe\",\"topics\":[]}",
        "{\"type\":\"unsubscribe\",\"topics\":[5]}"
      })
  void invalidJsonOrFields_isAProcessingErrorAndStaysOpen(String frame) {
    try (Socket socket = Socket.subscribed(user, topic())) {
      socket.send(frame);

      expectProcessingError(socket);
    }
  }

  // Delivery

  @Test
  void delivery_isAMessageFrame() {
    String topic = topic();
    try (Socket socket = Socket.subscribed(user, topic)) {
      Answer published =
          user.publish(topic, "{\"user_id\":123,\"message\":\"Hello, World!\"}").expect(201);

      socket.expect(
          """
          {"type":"message","message_id":"%s","topic":"%s",
           "payload":{"user_id":123,"message":"Hello, World!"},
           "timestamp":"%s","metadata":null}
          """
              .formatted(published.text("message_id"), topic, published.text("timestamp")));
    }
  }

  @Test
  void delivery_hasTheMetadata() {
    String topic = topic();
    try (Socket socket = Socket.subscribed(user, topic)) {
      user.post(
              "/api/v1/messages",
              "{\"topic\":\"%s\",\"payload\":{},\"metadata\":{\"k\":\"v\"}}".formatted(topic))
          .expect(201);

      socket.expect(
          """
          {"type":"message","message_id":"<message-id>","topic":"%s","payload":{},
           "timestamp":"<time>","metadata":{"k":"v"}}
          """
              .formatted(topic));
    }
  }

  @Test
  void delivery_everySubscriberGetsEachMessage_inOrder() {
    String topic = topic();
    user.createTopic(topic, true).expect(201);
    try (Socket first = Socket.subscribed(user, topic);
        Socket second = Socket.subscribed(user, topic);
        Socket third = Socket.subscribed(Caller.user(server, "read"), topic)) {
      for (int number = 0; number < 20; number++) {
        user.publish(topic, "{\"n\":" + number + "}").expect(201);
      }

      for (Socket socket : new Socket[] {first, second, third}) {
        for (int number = 0; number < 20; number++) {
          assertThat(socket.next().get("payload").get("n").asInt()).isEqualTo(number);
        }
        socket.expectNothingButPong();
      }
    }
  }

  @Test
  void delivery_isOfTheSubscribedTopicsOnly_andOfBulkToo() {
    String first = topic();
    String second = topic();
    try (Socket socket = Socket.subscribed(user, first, second)) {
      user.post(
              "/api/v1/messages/bulk",
              """
              {"messages":[{"topic":"%s","payload":{"n":1}},{"topic":"%s","payload":{"n":2}},
                           {"topic":"%s","payload":{"n":3}}]}
              """
                  .formatted(first, topic(), first))
          .expect(207);
      user.publish(second, "{\"n\":4}").expect(201);

      assertThat(socket.next().get("payload").get("n").asInt()).isEqualTo(1);
      assertThat(socket.next().get("payload").get("n").asInt()).isEqualTo(3);
      assertThat(socket.next().get("payload").get("n").asInt()).isEqualTo(4);
      socket.expectNothingButPong();
    }
  }

  @Test
  void offsetLast_deliversNothingFromBefore() {
    String topic = topic();
    user.publish(topic, "{}").expect(201);
    try (Socket socket = Socket.subscribed(user, topic)) {
      socket.expectNothingButPong();
    }
  }

  /// The relay ignored `offset`; here it is what its documents say (compatibility.md).
  @Test
  void offsetEarliestAndId_deliverFromThere() {
    String topic = topic();
    String first = user.publish(topic, "{\"n\":1}").expect(201).text("message_id");
    user.publish(topic, "{\"n\":2}").expect(201);
    try (Socket earliest = Socket.open(user);
        Socket after = Socket.open(user)) {
      earliest.send(Socket.subscribe(CLIENT + ",\"offset\":\"earliest\"", topic));
      after.send(Socket.subscribe(CLIENT + ",\"offset\":\"" + first + "\"", topic));

      assertThat(earliest.next().get("type").asString()).isEqualTo("subscribed");
      assertThat(earliest.next().get("payload").get("n").asInt()).isEqualTo(1);
      assertThat(earliest.next().get("payload").get("n").asInt()).isEqualTo(2);
      assertThat(after.next().get("type").asString()).isEqualTo("subscribed");
      assertThat(after.next().get("payload").get("n").asInt()).isEqualTo(2);
    }
  }
}
