// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Creating topics, granting access, and who may publish and read what.
@SystemTest
final class TopicTest {

  private final RelayClient admin;

  TopicTest(@On(Setup.SECURED) TidingsProcess server) {
    this.admin = server.admin();
  }

  private static final List<String> FIELDS =
      List.of(
          "topic_id",
          "topic_name",
          "owner_id",
          "is_public",
          "created_at",
          "description",
          "allowed_user_ids",
          "retention");

  private User owner() {
    return admin.newUser("read", "write");
  }

  @Test
  void create_answersTheTopicOwnedByTheCaller() {
    User owner = owner();
    String name = RelayClient.unique("notifications");

    JsonNode topic =
        owner
            .client()
            .createTopic(
                "topic_name", name, "is_public", false, "description", "User notification messages")
            .expect(201)
            .json();

    assertThat(Json.names(topic)).containsExactlyInAnyOrderElementsOf(FIELDS);
    assertThat(topic.get("topic_id").asString()).isNotBlank();
    assertThat(topic.get("topic_name").asString()).isEqualTo(name);
    assertThat(topic.get("owner_id").asString()).isEqualTo(owner.id());
    assertThat(topic.get("is_public").asBoolean()).isFalse();
    assertThat(topic.get("created_at").asString()).startsWith("20");
    assertThat(topic.get("description").asString()).isEqualTo("User notification messages");
    assertThat(topic.get("allowed_user_ids").isArray()).isTrue();
    assertThat(topic.get("allowed_user_ids")).isEmpty();
  }

  @Test
  void create_withTheNameAlone_isPrivateAndHasNoDescription() {
    JsonNode topic =
        owner().client().createTopic("topic_name", RelayClient.unique("plain")).expect(201).json();

    assertThat(topic.get("is_public").asBoolean()).isFalse();
    assertThat(topic.get("description").isNull()).isTrue();
  }

  @Test
  void create_ofATakenName_is400EvenForAnotherUser() {
    String name = RelayClient.unique("taken");
    owner().client().createTopic("topic_name", name).expect(201);

    owner()
        .client()
        .createTopic("topic_name", name)
        .expectDetail(400, "Topic '" + name + "' already exists");
  }

  @Test
  void create_withoutWrite_is403() {
    admin
        .newUser("read")
        .client()
        .createTopic("topic_name", RelayClient.unique("refused"))
        .expectDetail(403, "Permission 'write' required");
  }

  static Stream<Arguments> invalid() {
    return Stream.of(
        argumentSet(
            "nothing",
            "{}",
            """
            {"type":"missing","loc":["body","topic_name"],"msg":"Field required","input":{}}\
            """),
        argumentSet(
            "empty name",
            "{\"topic_name\":\"\"}",
            """
            {"type":"string_too_short","loc":["body","topic_name"],
             "msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}\
            """),
        argumentSet(
            "name of 256",
            "{\"topic_name\":\"" + "x".repeat(256) + "\"}",
            "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"topic_name\"],"
                + "\"msg\":\"String should have at most 255 characters\",\"input\":\""
                + "x".repeat(256)
                + "\",\"ctx\":{\"max_length\":255}}"),
        argumentSet(
            "name a number",
            "{\"topic_name\":5}",
            """
            {"type":"string_type","loc":["body","topic_name"],
             "msg":"Input should be a valid string","input":5}\
            """),
        argumentSet(
            "description of 501",
            "{\"topic_name\":\"described\",\"description\":\"" + "d".repeat(501) + "\"}",
            "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"description\"],"
                + "\"msg\":\"String should have at most 500 characters\",\"input\":\""
                + "d".repeat(501)
                + "\",\"ctx\":{\"max_length\":500}}"),
        argumentSet(
            "is_public a word",
            "{\"topic_name\":\"public\",\"is_public\":\"maybe\"}",
            """
            {"type":"bool_parsing","loc":["body","is_public"],
             "msg":"Input should be a valid boolean, unable to interpret input",
             "input":"maybe"}\
            """),
        argumentSet(
            "is_public null",
            "{\"topic_name\":\"public\",\"is_public\":null}",
            """
            {"type":"bool_type","loc":["body","is_public"],
             "msg":"Input should be a valid boolean","input":null}\
            """));
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void create_withInvalidFields_is422(String body, String error) {
    admin.postRaw("/api/v1/topics", body).expectInvalid(error);
  }

  @ParameterizedTest
  @ValueSource(strings = {"username", "user_id"})
  void grant_letsAReaderIn(String by) {
    User owner = owner();
    User reader = admin.newUser("read");
    String topic = RelayClient.unique("granted");
    owner.client().createTopic("topic_name", topic).expect(201);
    String id = owner.client().publishNumber(topic, 1);
    reader
        .client()
        .poll("topics", List.of(topic), "since", Map.of(topic, "x"))
        .expectDetail(403, "Access denied to topics: ['" + topic + "']");

    JsonNode grant =
        owner
            .client()
            .grant(topic, by, by.equals("username") ? reader.name() : reader.id())
            .expect(201)
            .json();

    assertThat(Json.names(grant))
        .containsExactlyInAnyOrder("topic_name", "user_id", "username", "granted_at");
    assertThat(grant.get("topic_name").asString()).isEqualTo(topic);
    assertThat(grant.get("user_id").asString()).isEqualTo(reader.id());
    assertThat(grant.get("username").asString()).isEqualTo(reader.name());
    assertThat(grant.get("granted_at").asString()).startsWith("20");
    assertThat(reader.client().readAll(topic).ids()).containsExactly(id);
    try (RelaySocket socket = reader.client().subscribe(topic)) {
      owner.client().publishNumber(topic, 2);
      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void grantTwice_is400() {
    User owner = owner();
    User reader = admin.newUser("read");
    String topic = RelayClient.unique("twice");
    owner.client().createTopic("topic_name", topic).expect(201);
    owner.client().grant(topic, "username", reader.name()).expect(201);

    owner
        .client()
        .grant(topic, "user_id", reader.id())
        .expectDetail(400, "User " + reader.id() + " already has access to topic " + topic);
  }

  @Test
  void grant_refusals_sayWhy() {
    User owner = owner();
    User other = owner();
    String topic = RelayClient.unique("refusals");
    String missing = RelayClient.unique("missing");
    owner.client().createTopic("topic_name", topic).expect(201);

    owner.client().grant(topic).expectDetail(400, "Either user_id or username must be provided");
    owner.client().grant(topic, "username", "nobody-here").expectDetail(404, "User not found");
    owner.client().grant(topic, "user_id", "no-such-id").expectDetail(404, "User not found");
    other
        .client()
        .grant(topic, "username", other.name())
        .expectDetail(403, "Only the topic owner can grant access");
    owner
        .client()
        .grant(missing, "username", other.name())
        .expectDetail(404, "Topic '" + missing + "' not found");
    owner
        .client()
        .grant(topic, "username", 5)
        .expectInvalid(
            """
            {"type":"string_type","loc":["body","username"],
             "msg":"Input should be a valid string","input":5}\
            """);
    admin
        .server()
        .anonymous()
        .grant(topic, "username", other.name())
        .expectUnauthorized("Not authenticated");
  }

  @Test
  void grant_byAnAdmin_succeedsOnATopicOfAnotherUser() {
    User owner = owner();
    User reader = admin.newUser("read");
    String topic = RelayClient.unique("byadmin");
    String id = owner.client().publishNumber(topic, 1);

    admin.grant(topic, "username", reader.name()).expect(201);

    assertThat(reader.client().readAll(topic).ids()).containsExactly(id);
  }

  @Test
  void publicTopic_isReadByEveryReader() {
    User owner = owner();
    User reader = admin.newUser("read");
    String topic = RelayClient.unique("public");
    owner.client().createTopic("topic_name", topic, "is_public", true).expect(201);
    try (RelaySocket socket = reader.client().subscribe(topic)) {
      String id = owner.client().publishNumber(topic, 1);

      assertThat(socket.numbers(1)).containsExactly(1);
      assertThat(reader.client().readAll(topic).ids()).containsExactly(id);
    }
  }

  @Test
  void admin_readsAndPublishesEverywhere() {
    User owner = owner();
    String topic = RelayClient.unique("private");
    owner.client().publishNumber(topic, 1);

    admin.publishNumber(topic, 2);

    assertThat(admin.readAll(topic).numbers()).containsExactly(1, 2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void publish_toATopicOfAnotherUser_is403AndStoresNothing(boolean isPublic) {
    User owner = owner();
    User other = owner();
    String topic = RelayClient.unique("notmine");
    owner.client().createTopic("topic_name", topic, "is_public", isPublic).expect(201);

    Reply refused = other.client().publish(topic, Map.of("n", 1)).expect(403);

    assertThat(refused.json().get("detail").asString()).contains(topic);
    owner.client().publishNumber(topic, 2);
    assertThat(owner.client().readAll(topic).numbers()).containsExactly(2);
  }

  @Test
  void bulk_withATopicOfAnotherUser_is403AndStoresNothing() {
    User owner = owner();
    User other = owner();
    String denied = RelayClient.unique("denied");
    String mine = RelayClient.unique("mine");
    owner.client().publishNumber(denied, 1);

    other
        .client()
        .bulk(
            List.of(
                Json.object("topic", mine, "payload", Map.of("n", 2)),
                Json.object("topic", denied, "payload", Map.of("n", 3))))
        .expectDetail(403, "Access denied to topics: ['" + denied + "']");

    assertThat(owner.client().readAll(denied).numbers()).containsExactly(1);
    other.client().publishNumber(mine, 4);
    assertThat(other.client().readAll(mine).numbers()).containsExactly(4);
  }

  @Test
  void publish_withWriteAndAGrant_succeeds() {
    User owner = owner();
    User writer = admin.newUser("write");
    String topic = RelayClient.unique("shared");
    owner.client().createTopic("topic_name", topic).expect(201);
    owner.client().grant(topic, "username", writer.name()).expect(201);

    writer.client().publishNumber(topic, 1);

    assertThat(owner.client().readAll(topic).numbers()).containsExactly(1);
  }

  @Test
  void publish_withAGrantButWithoutWrite_is403() {
    User owner = owner();
    User reader = admin.newUser("read");
    String topic = RelayClient.unique("readonly");
    owner.client().createTopic("topic_name", topic).expect(201);
    owner.client().grant(topic, "username", reader.name()).expect(201);

    reader.client().publish(topic, Map.of()).expectDetail(403, "Permission 'write' required");
    reader
        .client()
        .bulk(List.of(Json.object("topic", topic, "payload", Map.of())))
        .expectDetail(403, "Permission 'write' required");
  }

  @Test
  void poll_ofSeveralDeniedTopics_namesThemInTheOrderAskedFor() {
    User owner = owner();
    User reader = owner();
    String unique = RelayClient.unique("");
    List<String> denied = List.of("zzz" + unique, "aaa" + unique);
    denied.forEach(topic -> owner.client().publishNumber(topic, 1));
    String mine = RelayClient.unique("mine");
    reader.client().publishNumber(mine, 1);

    reader
        .client()
        .poll("topics", List.of(denied.get(0), mine, denied.get(1)), "since", Map.of("x", "y"))
        .expectDetail(
            403, "Access denied to topics: ['" + denied.get(0) + "', '" + denied.get(1) + "']");
  }

  @Test
  void poll_withWriteOnly_is403EvenForTheOwner() {
    User writer = admin.newUser("write");
    String topic = RelayClient.unique("own");
    writer.client().publishNumber(topic, 1);

    writer
        .client()
        .poll("topics", List.of(topic), "timeout", 1)
        .expectDetail(403, "Permission 'read' required");
  }

  @Test
  void topicThatAppearsWhileAStrangerPolls_isNotShownToThem() {
    User owner = owner();
    User stranger = admin.newUser("read");
    String topic = RelayClient.unique("appears");
    CompletableFuture<Reply> poll =
        stranger.client().pollAsync("topics", List.of(topic), "timeout", 2);
    Await.until(
        "the stranger's poll is answered",
        () -> {
          owner.client().publish(topic, Map.of("secret", "for the owner only")).expect(201);
          return poll.isDone();
        });

    assertThat(Await.result(poll).body()).doesNotContain("for the owner only");
  }
}
