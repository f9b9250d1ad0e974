// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Pubsub.Delivered;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Section 10 of the contract: the relay and the pubsub API on one port have the same topics and
/// messages.
@SystemTest
final class PubsubBridgeTest {
  private final Caller admin;
  private final Pubsub pubsub;

  PubsubBridgeTest(@On(Setup.SECURED) TidingsProcess server) {
    this.admin = Caller.admin(server);
    this.pubsub = new Pubsub(admin);
  }

  private static String relayId(String uuid) {
    return "msg_" + uuid.replace("-", "");
  }

  @Test
  void publishedHere_arrivesOnARelaySocket() {
    Pubsub.Pair pair = pubsub.pair("");
    try (Socket socket = Socket.subscribed(admin, pair.topic())) {
      pubsub.publish(pair.topic(), "{\"n\":1}", "{\"n\":2}");

      List<Delivered> leased = pubsub.await(pair.subscription(), 2);
      for (Delivered message : leased) {
        socket.expect(
            """
            {"type":"message","message_id":"%s","topic":"%s","payload":%s,"timestamp":"<time>",
             "metadata":null}
            """
                .formatted(relayId(message.id()), pair.topic(), message.payload()));
      }
    }
  }

  @Test
  void publishedToTheRelay_isLeasedHere() {
    Pubsub.Pair pair = pubsub.pair("\"filter\":{\"country\":[\"BR\"]}");
    String br = admin.publish(pair.topic(), "{\"country\":\"BR\"}").expect(201).text("message_id");
    admin.publish(pair.topic(), "{\"country\":\"JP\"}").expect(201);
    admin
        .post(
            "/api/v1/messages/bulk",
            "{\"messages\":[{\"topic\":\"%1$s\",\"payload\":{\"country\":\"BR\",\"n\":2}},{\"topic\":\"%1$s\",\"payload\":{}}]}"
                .formatted(pair.topic()))
        .expect(207);

    List<Delivered> leased = pubsub.await(pair.subscription(), 2);

    assertThat(relayId(leased.getFirst().id())).isEqualTo(br);
    assertThat(leased.getLast().n()).isEqualTo(2);
  }

  /// Payloads of the relay are objects too; one without a key of the filter does not match.
  @Test
  void publishedBySocket_isLeasedHere() {
    Pubsub.Pair pair = pubsub.pair("");
    try (Socket socket = Socket.open(admin)) {
      socket.send(
          "{\"type\":\"publish\",\"topic\":\"%s\",\"payload\":{\"n\":7}}".formatted(pair.topic()));

      assertThat(pubsub.awaitOne(pair.subscription()).n()).isEqualTo(7);
    }
  }

  @Test
  void topicMadeHere_isSeenByTheRelay() {
    String topic = pubsub.topic();

    JsonNode seen = admin.get("/api/v1/topics/" + topic).expect(200).json();

    assertThat(seen.get("topic_name").asString()).isEqualTo(topic);
    assertThat(seen.get("owner_id").asString()).isEqualTo(admin.id());
    assertThat(seen.get("is_public").asBoolean()).isFalse();
    admin.createTopic(topic, false).expectDetail(400, "Topic '" + topic + "' already exists");
  }

  @Test
  void topicMadeByTheRelay_isSeenHere() {
    String topic = Caller.unique("relayed");
    admin.createTopic(topic, false).expect(201);

    admin
        .get("/topics/" + topic)
        .expect(200, "{\"id\":\"%s\",\"created_at\":\"<microseconds>\"}".formatted(topic));
    admin
        .post("/topics", "{\"id\":\"%s\"}".formatted(topic))
        .expectDetail(409, "This topic already exists");
    String subscription = pubsub.subscription(topic, "");
    pubsub.publish(topic, "{\"n\":1}");
    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(1);
  }

  @Test
  void topicMadeByARelayPublish_isSeenHere() {
    String topic = Caller.unique("relayed");
    admin.publish(topic, "{}").expect(201);

    admin.get("/topics/" + topic).expect(200);
  }

  @Test
  void publishingHere_createsNoTopic() {
    admin.post("/topics/not-yet/messages", "[{}]").expectDetail(404, "Topic not found");
    admin.get("/api/v1/topics/not-yet").expect(404);
  }

  @Test
  void deletedThroughTheRelay_takesSubscriptionsAlong() {
    Pubsub.Pair pair = pubsub.pair("");

    admin.delete("/api/v1/topics/" + pair.topic()).expectNoContent();

    admin.get(Pubsub.path(pair.subscription(), "")).expectDetail(404, "Subscription not found");
    admin.get("/topics/" + pair.topic()).expectDetail(404, "Topic not found");
  }

  @Test
  void deletedHere_endsTheRelaysSubscriptions() {
    String topic = pubsub.topic();
    try (Socket socket = Socket.subscribed(admin, topic)) {
      admin.delete("/topics/" + topic).expectNoContent();

      // A frame says so, as when the relay deletes it.
      assertThat(socket.next().get("type").asString()).isNotEqualTo("message");
    }
    admin.get("/api/v1/topics/" + topic).expect(404);
  }

  private List<String> listedByTheRelay() {
    var names = new ArrayList<String>();
    admin
        .get("/api/v1/topics")
        .expect(200)
        .json()
        .forEach(topic -> names.add(topic.get("topic_name").asString()));
    return names;
  }

  private List<String> listedHere() {
    var ids = new ArrayList<String>();
    while (true) {
      JsonNode page =
          admin.get("/topics?limit=100&offset=" + ids.size()).expect(200).json().get("data");
      if (page.isEmpty()) {
        return ids;
      }
      page.forEach(topic -> ids.add(topic.get("id").asString()));
    }
  }

  @Test
  void dottedName_isNotListedByTheRelay() {
    String dotted = Caller.unique("with.dots");
    admin.post("/topics", "{\"id\":\"%s\"}".formatted(dotted)).expect(201);

    assertThat(listedHere()).contains(dotted);
    assertThat(listedByTheRelay()).doesNotContain(dotted);
    String subscription = pubsub.subscription(dotted, "");
    pubsub.publish(dotted, "{\"n\":1}");
    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(1);
  }

  @Test
  void nameOfAnotherScript_andALongOne_areNotListedHere() {
    String foreign = Caller.unique("日本");
    String longer = Caller.unique("long").concat("x".repeat(200)).substring(0, 129);
    admin.createTopic(foreign, false).expect(201);
    admin.createTopic(longer, false).expect(201);

    assertThat(listedByTheRelay()).contains(foreign, longer);
    assertThat(listedHere()).doesNotContain(foreign, longer);
  }

  @Test
  void idsAreOneForm_andAReadByIdGoesOn() {
    Pubsub.Pair pair = pubsub.pair("");
    pubsub.publish(pair.topic(), "{\"n\":1}", "{\"n\":2}");
    String first = pubsub.await(pair.subscription(), 2).getFirst().id();

    JsonNode messages =
        admin
            .poll(
                "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"%2$s\"},\"timeout\":1}"
                    .formatted(pair.topic(), first))
            .expect(200)
            .json()
            .get("messages");

    assertThat(messages)
        .singleElement()
        .satisfies(message -> assertThat(message.get("payload").get("n").asInt()).isEqualTo(2));
  }

  /// Acked or not, what a subscription does with a message is no business of the relay's readers.
  @Test
  void ackedMessages_areStillReadByTheRelay() {
    Pubsub.Pair pair = pubsub.pair("");
    pubsub.publish(pair.topic(), "{\"n\":1}");
    pubsub.ack(pair.subscription(), pubsub.awaitOne(pair.subscription()));

    assertThat(
            admin
                .poll(
                    "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"start\"},\"timeout\":1}"
                        .formatted(pair.topic()))
                .expect(200)
                .json()
                .get("messages"))
        .hasSize(1);
  }

  /// A missing token is told in the words of the API that was called.
  @Test
  void missingToken_isToldByEachInItsOwnWords() {
    Caller nobody = Caller.nobody(admin.server());
    Answer here = nobody.get("/topics");
    here.expectDetail(401, "Invalid jwt token");
    assertThat(here.headers().firstValue("www-authenticate")).isEmpty();
    nobody.get("/api/v1/topics").expectUnauthorized("Not authenticated");
  }

  @Test
  void probesOfBoth_areThere() {
    Caller nobody = Caller.nobody(admin.server());
    nobody.get("/liveness").expect(200, "{\"status\":\"alive\"}");
    nobody.get("/readiness").expect(200, "{\"status\":\"ready\"}");
    nobody.get("/health").expect(200);
    nobody.get("/ready").expect(200);
  }
}
