// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// How far the clients of a topic have got, by their acks.
///
/// Acks are handed in about once a second, so what they come to has to be waited for. That an ack
/// changes nothing is seen after two others of the same topic have been noted one after the other:
/// in between, every socket has handed in what it had.
@SystemTest
final class ConsumersTest {
  private static final String MARKER = "marker";

  private final RelayClient admin;
  // Sweeps ten times a second.
  private TidingsProcess sweeping;

  ConsumersTest(@On(Setup.SECURED) TidingsProcess secured) {
    this.admin = secured.admin();
  }

  @BeforeAll
  void startSweeping() {
    sweeping = TidingsProcess.startSecured(Map.of("TIDINGS_RETENTION_SWEEP_INTERVAL", "100ms"));
  }

  @AfterAll
  void stopSweeping() {
    sweeping.close();
  }

  private static String newTopic(RelayClient owner, boolean isPublic) {
    String topic = RelayClient.unique("consumed");
    owner.createTopic("topic_name", topic, "is_public", isPublic).expect(201);
    return topic;
  }

  private static RelaySocket subscribe(RelayClient client, Optional<String> id, String... topics) {
    RelaySocket socket = client.open();
    Map<String, Object> frame =
        Json.object("type", "subscribe", "topics", List.of(topics), "offset", "earliest");
    id.ifPresent(it -> frame.put("client_id", it));
    socket.send(frame);
    socket.expect("subscribed");
    return socket;
  }

  private static RelaySocket subscribe(RelayClient client, String id, String... topics) {
    return subscribe(client, Optional.of(id), topics);
  }

  /// Acks, and returns when the server has taken the ack.
  private static void ack(RelaySocket socket, String messageId) {
    socket.send(Json.object("type", "ack", "message_id", messageId, "id", 7));
    assertThat(answer(socket).get("type").asString()).isEqualTo("acked");
  }

  /// The next frame that is not a message.
  private static JsonNode answer(RelaySocket socket) {
    JsonNode frame = socket.next();
    while (frame.get("type").asString().equals("message")) {
      frame = socket.next();
    }
    return frame;
  }

  private static String path(String topic) {
    return "/api/v1/topics/" + topic + "/consumers";
  }

  private static JsonNode consumers(RelayClient client, String topic) {
    return client.get(path(topic)).expect(200).json();
  }

  private static Optional<JsonNode> consumer(RelayClient client, String topic, String id) {
    return consumers(client, topic)
        .valueStream()
        .filter(it -> it.get("client_id").asString().equals(id))
        .findFirst();
  }

  /// Waits until `id` is known to have got to `messageId`.
  private static JsonNode awaitAt(RelayClient client, String topic, String id, String messageId) {
    var found = new ArrayList<JsonNode>();
    Await.until(
        id + " is at " + messageId,
        () -> {
          consumer(client, topic, id).ifPresent(found::add);
          return !found.isEmpty()
              && found.getLast().get("last_acked_id").asString().equals(messageId);
        });
    return found.getLast();
  }

  /// Returns when every ack that any socket has sent before has been handed in.
  private static void awaitAllHandedIn(RelayClient owner, String topic) {
    List<String> ids = List.of(owner.publishNumber(topic, -1), owner.publishNumber(topic, -2));
    try (RelaySocket marker = subscribe(owner, MARKER, topic)) {
      for (String id : ids) {
        ack(marker, id);
        awaitAt(owner, topic, MARKER, id);
      }
    }
  }

  private static int lag(RelayClient client, String topic, String id) {
    return consumer(client, topic, id).orElseThrow().get("lag").asInt();
  }

  @Test
  void ack_tellsThePlaceAndWhatLiesBeforeIt() {
    User owner = admin.newUser("read", "write");
    User reader = admin.newUser("read");
    String topic = newTopic(owner.client(), true);
    List<String> ids = owner.client().publishNumbers(topic, 0, 5);
    assertThat(consumers(owner.client(), topic)).isEmpty();

    try (RelaySocket socket = subscribe(reader.client(), "worker-1", topic)) {
      assertThat(socket.numbers(5)).containsExactly(0, 1, 2, 3, 4);
      ack(socket, ids.get(0));
      ack(socket, ids.get(2));

      JsonNode consumer = awaitAt(owner.client(), topic, "worker-1", ids.get(2));

      assertThat(Json.names(consumer))
          .containsExactly("client_id", "user_id", "last_acked_id", "acked_at", "lag");
      assertThat(consumer.get("user_id").asString()).isEqualTo(reader.id());
      assertThat(consumer.get("acked_at").asString()).matches(Shape.TIMESTAMP);
      assertThat(consumer.get("lag").asInt()).isEqualTo(2);
      List<String> more = owner.client().publishNumbers(topic, 5, 8);
      assertThat(lag(owner.client(), topic, "worker-1")).isEqualTo(5);
      ack(socket, Shape.asUuid(more.getLast()));
      assertThat(awaitAt(admin, topic, "worker-1", more.getLast()).get("lag").asInt()).isZero();
      assertThat(consumers(admin, topic)).hasSize(1);
    }
  }

  @Test
  void ackOfAnOlderMessage_doesNotGoBack_alsoOverAReconnect() {
    String topic = newTopic(admin, false);
    List<String> ids = admin.publishNumbers(topic, 0, 5);
    try (RelaySocket socket = subscribe(admin, "forward", topic)) {
      ack(socket, ids.get(3));
      awaitAt(admin, topic, "forward", ids.get(3));
      ack(socket, ids.get(1));
      awaitAllHandedIn(admin, topic);
      assertThat(consumer(admin, topic, "forward").orElseThrow().get("last_acked_id").asString())
          .isEqualTo(ids.get(3));
    }
    try (RelaySocket again = subscribe(admin, "forward", topic)) {
      ack(again, ids.get(2));
    }
    awaitAllHandedIn(admin, topic);
    assertThat(consumer(admin, topic, "forward").orElseThrow().get("last_acked_id").asString())
        .isEqualTo(ids.get(3));
  }

  @Test
  void consumersOfOneTopic_areToldApart_byClientAndByUser() {
    User first = admin.newUser("read");
    User second = admin.newUser("read");
    String topic = newTopic(admin, true);
    List<String> ids = admin.publishNumbers(topic, 0, 3);
    try (RelaySocket one = subscribe(first.client(), "same", topic);
        RelaySocket another = subscribe(first.client(), "other", topic);
        RelaySocket ofSecond = subscribe(second.client(), "same", topic)) {
      ack(one, ids.get(0));
      ack(another, ids.get(1));
      ack(ofSecond, ids.get(2));
      Await.until("all are known", () -> consumers(admin, topic).size() == 3);
    }
    assertThat(consumers(admin, topic).valueStream())
        .extracting(it ->
            List.of(
                it.get("client_id").asString(),
                it.get("user_id").asString(),
                it.get("last_acked_id").asString(),
                it.get("lag").asInt()))
        .containsExactlyInAnyOrder(
            List.of("same", first.id(), ids.get(0), 2),
            List.of("other", first.id(), ids.get(1), 1),
            List.of("same", second.id(), ids.get(2), 0));
  }

  @Test
  void socketThatEndsRightAfterItsAck_isNoted() {
    String topic = newTopic(admin, false);
    String other = newTopic(admin, false);
    String id = admin.publishNumber(topic, 1);
    String otherId = admin.publishNumber(other, 1);
    try (RelaySocket socket = subscribe(admin, "hasty", topic, other)) {
      ack(socket, id);
      ack(socket, otherId);
    }
    awaitAt(admin, topic, "hasty", id);
    awaitAt(admin, other, "hasty", otherId);
  }

  @Test
  void topicThatIsLeftRightAfterTheAck_isNoted() {
    String topic = newTopic(admin, false);
    String id = admin.publishNumber(topic, 1);
    try (RelaySocket socket = subscribe(admin, "leaving", topic)) {
      ack(socket, id);
      socket.send(Json.object("type", "unsubscribe", "topics", List.of(topic)));
      assertThat(answer(socket).get("type").asString()).isEqualTo("unsubscribed");
      awaitAt(admin, topic, "leaving", id);
    }
  }

  @Test
  void ackWithoutAClientId_isAnswered_andNotedForNobody() {
    String topic = newTopic(admin, false);
    String id = admin.publishNumber(topic, 1);
    try (RelaySocket nameless = subscribe(admin, Optional.empty(), topic)) {
      ack(nameless, id);
      awaitAllHandedIn(admin, topic);
    }
    assertThat(consumers(admin, topic).valueStream())
        .extracting(it -> it.get("client_id").asString())
        .containsExactly(MARKER);
  }

  @Test
  void ackOfWhatWasNotDelivered_changesNothing() {
    String topic = newTopic(admin, false);
    String other = newTopic(admin, false);
    String id = admin.publishNumber(topic, 1);
    String otherId = admin.publishNumber(other, 1);
    // The last digits are the number of the log, the ones before it those of the message.
    String later = id.substring(0, 28) + "f" + id.substring(29);
    try (RelaySocket socket = subscribe(admin, "confused", topic)) {
      for (String wrong : List.of(otherId, later, "garbage", "msg_1", "msg_" + "0".repeat(32))) {
        socket.send(Json.object("type", "ack", "message_id", wrong, "id", 1));
        JsonNode answer = answer(socket);
        assertThat(answer.get("type").asString()).as(wrong).isEqualTo("error");
        assertThat(answer.get("code").asString()).as(wrong).isEqualTo("UNKNOWN_MESSAGE");
        socket.send(Json.object("type", "ack", "message_id", wrong));
      }
      awaitAllHandedIn(admin, topic);
    }
    assertThat(consumer(admin, topic, "confused")).isEmpty();
    assertThat(consumers(admin, other)).isEmpty();
  }

  @Test
  void onlyOwnerAndAdmin_mayListThem() {
    User owner = admin.newUser("read", "write");
    User granted = admin.newUser("read", "write");
    User stranger = admin.newUser("read", "write");
    String topic = newTopic(owner.client(), true);
    owner.client().grant(topic, "username", granted.name()).expect(201);
    String denied = "Only the topic owner can list consumers";

    assertThat(consumers(owner.client(), topic)).isEmpty();
    assertThat(consumers(admin, topic)).isEmpty();
    granted.client().get(path(topic)).expectDetail(403, denied);
    stranger.client().get(path(topic)).expectDetail(403, denied);
    admin.server().anonymous().get(path(topic)).expect(401);
    String missing = RelayClient.unique("missing");
    admin.get(path(missing)).expectDetail(404, "Topic '" + missing + "' not found");
  }

  @Test
  void consumers_goWithTheTopic() {
    String topic = newTopic(admin, false);
    String id = admin.publishNumber(topic, 1);
    try (RelaySocket socket = subscribe(admin, "reader", topic)) {
      ack(socket, id);
      awaitAt(admin, topic, "reader", id);
      admin.request("DELETE", "/api/v1/topics/" + topic).expect(204);
    }
    admin.get(path(topic)).expect(404);
    admin.createTopic("topic_name", topic).expect(201);
    assertThat(consumers(admin, topic)).isEmpty();
  }

  @Test
  void lag_countsWhatIsRetained() {
    RelayClient client = sweeping.admin();
    String topic = newTopic(client, false);
    List<String> ids = client.publishNumbers(topic, 0, 10);
    try (RelaySocket socket = subscribe(client, "slow", topic)) {
      ack(socket, ids.getFirst());
      assertThat(awaitAt(client, topic, "slow", ids.getFirst()).get("lag").asInt()).isEqualTo(9);

      client
          .send(
              "PUT",
              "/api/v1/topics/" + topic,
              BodyPublishers.ofString("{\"retention\":{\"max_messages\":3}}"))
          .expect(200);
      Await.until("trimmed", () -> lag(client, topic, "slow") == 3);

      ack(socket, ids.get(8));
      assertThat(awaitAt(client, topic, "slow", ids.get(8)).get("lag").asInt()).isEqualTo(1);
      ack(socket, ids.get(9));
      assertThat(awaitAt(client, topic, "slow", ids.get(9)).get("lag").asInt()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void consumers_outliveTheServer(boolean killed) {
    try (TidingsProcess server = TidingsProcess.startSecured(Map.of())) {
      RelayClient client = server.admin();
      String topic = newTopic(client, false);
      List<String> ids = client.publishNumbers(topic, 0, 5);
      JsonNode before;
      try (RelaySocket socket = subscribe(client, "steady", topic)) {
        ack(socket, ids.get(1));
        before = awaitAt(client, topic, "steady", ids.get(1));
        if (killed) {
          server.kill9();
        } else {
          // What has not been handed in yet is when the server stops.
          ack(socket, ids.get(2));
          assertThat(server.terminate()).isZero();
        }
      }
      server.restart();

      if (killed) {
        assertThat(consumers(client, topic).valueStream()).containsExactly(before);
      } else {
        JsonNode after = consumer(client, topic, "steady").orElseThrow();
        assertThat(after.get("last_acked_id").asString()).isEqualTo(ids.get(2));
        assertThat(after.get("lag").asInt()).isEqualTo(2);
      }
      try (RelaySocket again = subscribe(client, "steady", topic)) {
        ack(again, ids.get(4));
        assertThat(awaitAt(client, topic, "steady", ids.get(4)).get("lag").asInt()).isZero();
      }
      assertThat(consumers(client, topic)).hasSize(1);
    }
  }
}
