// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.net.URLEncoder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Sections 2 and 3 of the contract: topics and who may do what with them. The names begin with the
/// row.
@SystemTest
final class TopicsContractTest {
  private static final String TOPICS = "/api/v1/topics";
  private static final String UNKNOWN_ID = "00000000-0000-4000-8000-000000000000";

  private final TidingsProcess server;
  private final Caller nobody;
  private final Caller admin;
  private final Caller owner;
  private final Caller other;

  TopicsContractTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.nobody = Caller.nobody(server);
    this.admin = Caller.admin(server);
    this.owner = Caller.user(server, "read", "write");
    this.other = Caller.user(server, "read", "write");
  }

  private String topic(boolean isPublic) {
    String topic = Caller.unique("topic");
    owner.createTopic(topic, isPublic).expect(201);
    return topic;
  }

  private static String path(String topic) {
    return TOPICS + "/" + topic;
  }

  private static String permissions(String topic) {
    return path(topic) + "/permissions";
  }

  private String json(String topic, boolean isPublic, String description, String allowed) {
    return """
    {"topic_id":"<text>","topic_name":%s,"owner_id":"%s","is_public":%s,
     "created_at":"<time>","description":%s,"allowed_user_ids":%s,
         "retention":{"max_age_seconds":null,"max_messages":null,"max_bytes":null}}
    """
        .formatted(Template.quoted(topic), owner.id(), isPublic, description, allowed);
  }

  // POST

  @Test
  void create_is201Topic_privateByDefault() {
    String topic = Caller.unique("created");

    owner
        .post(TOPICS, "{\"topic_name\":\"%s\"}".formatted(topic))
        .expect(201, json(topic, false, "null", "[]"));
  }

  @Test
  void create_publicWithDescription_is201() {
    String topic = Caller.unique("created");

    owner
        .post(
            TOPICS,
            "{\"topic_name\":\"%s\",\"is_public\":true,\"description\":\"d\"}".formatted(topic))
        .expect(201, json(topic, true, "\"d\"", "[]"));
  }

  @Test
  void create_existing_is400() {
    String topic = topic(false);

    other.createTopic(topic, false).expectDetail(400, "Topic '" + topic + "' already exists");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 255})
  void create_nameOf1And255_is201(int length) {
    // One character can be taken only once on a shared server: an unusual one.
    String name =
        length == 1
            ? new String(Character.toChars(0x4E00 + (int) (System.nanoTime() % 20000)))
            : Caller.unique("long").concat("x".repeat(length)).substring(0, length);

    owner.createTopic(name, false).expect(201);
    owner.get(path(URLEncoder.encode(name, UTF_8))).expect(200);
  }

  @Test
  void create_nameOf0_is422() {
    owner
        .post(TOPICS, "{\"topic_name\":\"\"}")
        .expectInvalid(
            """
            {"type":"string_too_short","loc":["body","topic_name"],
             "msg":"String should have at least 1 character","input":"",
             "ctx":{"min_length":1}}
            """);
  }

  @Test
  void create_nameOf256_is422() {
    String name = "x".repeat(256);
    owner
        .post(TOPICS, "{\"topic_name\":\"%s\"}".formatted(name))
        .expectInvalid(
            """
            {"type":"string_too_long","loc":["body","topic_name"],
             "msg":"String should have at most 255 characters","input":"%s",
             "ctx":{"max_length":255}}
            """
                .formatted(name));
  }

  /// The relay did not check the characters here; Tidings does as in publishing (compatibility.md).
  @Test
  void create_nameWithOtherCharacters_is422AsInPublishing() {
    owner
        .post(TOPICS, "{\"topic_name\":\"no spaces\"}")
        .expectInvalid(
            """
            {"type":"value_error","loc":["body","topic_name"],
             "msg":"Value error, Topic must contain only alphanumeric characters, hyphens, and underscores",
             "input":"no spaces","ctx":{"error":{}}}
            """);
  }

  /// `stats` is reserved, so that `GET /api/v1/topics/stats` can be answered (compatibility.md).
  @Test
  void create_stats_is422() {
    owner.post(TOPICS, "{\"topic_name\":\"stats\"}").expect(422);
  }

  @Test
  void create_descriptionOf500_is201And501_is422() {
    String body = "{\"topic_name\":\"%s\",\"description\":\"%s\"}";

    owner.post(TOPICS, body.formatted(Caller.unique("d"), "d".repeat(500))).expect(201);
    owner
        .post(TOPICS, body.formatted(Caller.unique("d"), "d".repeat(501)))
        .expectInvalid(
            """
            {"type":"string_too_long","loc":["body","description"],
             "msg":"String should have at most 500 characters","input":"%s",
             "ctx":{"max_length":500}}
            """
                .formatted("d".repeat(501)));
  }

  @Test
  void create_withoutName_is422Missing() {
    owner
        .post(TOPICS, "{}")
        .expectInvalid(
            """
            {"type":"missing","loc":["body","topic_name"],"msg":"Field required","input":{}}
            """);
  }

  @Test
  void create_withoutWrite_is403() {
    Caller.user(server, "read")
        .createTopic(Caller.unique("no"), false)
        .expectDetail(403, "Permission 'write' required");
  }

  @Test
  void create_withoutToken_is401() {
    nobody.createTopic(Caller.unique("no"), false).expectUnauthorized("Not authenticated");
  }

  // GET list

  private static List<String> names(JsonNode list) {
    assertThat(list.isArray()).as("a bare array").isTrue();
    return list.valueStream().map(topic -> topic.get("topic_name").asString()).toList();
  }

  @Test
  void list_isOwnedAndGranted_notOthersPublicOnes() {
    Caller user = Caller.user(server, "read", "write");
    String own = Caller.unique("own");
    user.createTopic(own, false).expect(201);
    String granted = topic(false);
    owner.grant(granted, user).expect(201);
    topic(true);

    assertThat(names(user.get(TOPICS).expect(200).json())).containsExactlyInAnyOrder(own, granted);
  }

  @Test
  void list_ofNothing_isAnEmptyArray() {
    Caller.user(server).get(TOPICS).expect(200, "[]");
  }

  @Test
  void list_ofAnAdmin_isItsOwnOnly() {
    Caller second = Caller.user(server, "admin");
    String own = Caller.unique("own");
    second.createTopic(own, false).expect(201);
    topic(true);

    assertThat(names(second.get(TOPICS).expect(200).json())).containsExactly(own);
  }

  @Test
  void list_showsAllowedUsersToTheOwnerOnly() {
    Caller lister = Caller.user(server, "write");
    Caller reader = Caller.user(server, "read");
    String topic = Caller.unique("shown");
    lister.createTopic(topic, false).expect(201);
    lister.grant(topic, reader).expect(201);
    String entry =
        """
        [{"topic_id":"<text>","topic_name":"%s","owner_id":"%s","is_public":false,
          "created_at":"<time>","description":null,"allowed_user_ids":%s,
         "retention":{"max_age_seconds":null,"max_messages":null,"max_bytes":null}}]
        """;

    lister
        .get(TOPICS)
        .expect(200, entry.formatted(topic, lister.id(), "[\"" + reader.id() + "\"]"));
    reader.get(TOPICS).expect(200, entry.formatted(topic, lister.id(), "null"));
  }

  @Test
  void list_withoutToken_is401() {
    nobody.get(TOPICS).expectUnauthorized("Not authenticated");
  }

  // GET /{n}

  @Test
  void get_byOwner_is200WithAllowedUsers() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    owner.get(path(topic)).expect(200, json(topic, false, "null", "[\"" + other.id() + "\"]"));
  }

  @Test
  void get_byGranted_is200WithoutAllowedUsers() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    other.get(path(topic)).expect(200, json(topic, false, "null", "null"));
  }

  @Test
  void get_public_is200ForAnyToken() {
    String topic = topic(true);

    Caller.user(server).get(path(topic)).expect(200, json(topic, true, "null", "null"));
  }

  /// The relay showed `allowed_user_ids` to the owner only; here to admins too (compatibility.md).
  @Test
  void get_byAdmin_is200WithAllowedUsers() {
    String topic = topic(false);

    admin.get(path(topic)).expect(200, json(topic, false, "null", "[]"));
  }

  @Test
  void get_missing_is404() {
    String topic = Caller.unique("missing");

    other.get(path(topic)).expectDetail(404, "Topic '" + topic + "' not found");
  }

  @Test
  void get_denied_is403() {
    String topic = topic(false);

    other.get(path(topic)).expectDetail(403, "Access denied to topic '" + topic + "'");
  }

  @Test
  void get_withoutToken_is401() {
    nobody.get(path(topic(true))).expectUnauthorized("Not authenticated");
  }

  // PUT /{n}

  @Test
  void put_isPublic_is200AndKeepsTheDescription() {
    String topic = Caller.unique("put");
    owner
        .post(TOPICS, "{\"topic_name\":\"%s\",\"description\":\"kept\"}".formatted(topic))
        .expect(201);

    owner.put(path(topic), "{\"is_public\":true}").expect(200, json(topic, true, "\"kept\"", "[]"));
    owner.get(path(topic)).expect(200, json(topic, true, "\"kept\"", "[]"));
  }

  @Test
  void put_description_is200AndKeepsTheVisibility() {
    String topic = topic(true);

    owner
        .put(path(topic), "{\"description\":\"new\"}")
        .expect(200, json(topic, true, "\"new\"", "[]"));
  }

  @Test
  void put_nullMeansUnchanged() {
    String topic = Caller.unique("put");
    owner
        .post(
            TOPICS,
            "{\"topic_name\":\"%s\",\"is_public\":true,\"description\":\"kept\"}".formatted(topic))
        .expect(201);

    owner
        .put(path(topic), "{\"is_public\":null,\"description\":null}")
        .expect(200, json(topic, true, "\"kept\"", "[]"));
  }

  @Test
  void put_byAdmin_is200WithAllowedUsers() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    admin
        .put(path(topic), "{\"is_public\":true}")
        .expect(200, json(topic, true, "null", "[\"" + other.id() + "\"]"));
  }

  @Test
  void put_byOther_is403() {
    String topic = topic(true);

    other
        .put(path(topic), "{\"is_public\":false}")
        .expectDetail(403, "Only the topic owner can update it");
  }

  @Test
  void put_missing_is404() {
    String topic = Caller.unique("missing");

    owner.put(path(topic), "{}").expectDetail(404, "Topic '" + topic + "' not found");
  }

  @Test
  void put_descriptionOf501_is422() {
    owner.put(path(topic(false)), "{\"description\":\"" + "d".repeat(500) + "\"}").expect(200);
    owner
        .put(path(topic(false)), "{\"description\":\"" + "d".repeat(501) + "\"}")
        .expectInvalid(
            """
            {"type":"string_too_long","loc":["body","description"],
             "msg":"String should have at most 500 characters","input":"%s",
             "ctx":{"max_length":500}}
            """
                .formatted("d".repeat(501)));
  }

  @Test
  void put_public_letsOthersReadAndPrivateStopsThem() {
    String topic = topic(false);
    other.mayPoll(topic).expectDetail(403, "Access denied to topics: ['" + topic + "']");

    owner.put(path(topic), "{\"is_public\":true}").expect(200);
    other.mayPoll(topic).expect(200);

    owner.put(path(topic), "{\"is_public\":false}").expect(200);
    other.mayPoll(topic).expectDetail(403, "Access denied to topics: ['" + topic + "']");
  }

  // DELETE /{n}

  @Test
  void delete_byOwner_is204AndTheTopicIsGone() {
    String topic = topic(false);

    owner.delete(path(topic)).expectNoContent();

    owner.get(path(topic)).expectDetail(404, "Topic '" + topic + "' not found");
    owner.delete(path(topic)).expectDetail(404, "Topic '" + topic + "' not found");
    assertThat(names(owner.get(TOPICS).expect(200).json())).doesNotContain(topic);
    assertThat(owner.get("/auth/me").expect(200).body()).doesNotContain("\"" + topic + "\"");
  }

  @Test
  void delete_byAdmin_is204() {
    admin.delete(path(topic(false))).expectNoContent();
  }

  @Test
  void delete_byOther_is403() {
    String topic = topic(true);
    owner.grant(topic, other).expect(201);

    other.delete(path(topic)).expectDetail(403, "Only the topic owner can delete it");
  }

  /// The relay's documents say so, its code did not do it.
  @Test
  void delete_removesTheMessages() {
    String topic = topic(false);
    owner.publish(topic, "{\"n\":1}").expect(201);

    owner.delete(path(topic)).expectNoContent();
    owner.createTopic(topic, false).expect(201);
    owner.publish(topic, "{\"n\":2}").expect(201);

    JsonNode messages =
        owner
            .poll(
                "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"none\"},\"timeout\":1}"
                    .formatted(topic))
            .expect(200)
            .json()
            .get("messages");
    assertThat(messages).hasSize(1);
    assertThat(messages.get(0).get("payload")).isEqualTo(Template.parse("{\"n\":2}"));
  }

  // POST /{n}/permissions

  private String granted(String topic, Caller user) {
    return """
    {"topic_name":"%s","user_id":"%s","username":"%s","granted_at":"<time>"}
    """
        .formatted(topic, user.id(), user.name());
  }

  @Test
  void grant_byUserId_is201() {
    String topic = topic(false);

    owner
        .post(permissions(topic), "{\"user_id\":\"%s\"}".formatted(other.id()))
        .expect(201, granted(topic, other));
    other.mayPoll(topic).expect(200);
  }

  @Test
  void grant_byUsername_is201() {
    String topic = topic(false);

    owner
        .post(permissions(topic), "{\"username\":\"%s\"}".formatted(other.name()))
        .expect(201, granted(topic, other));
    other.mayPoll(topic).expect(200);
  }

  @Test
  void grant_byAdmin_is201() {
    admin.grant(topic(false), other).expect(201);
  }

  @Test
  void grant_ofNobody_is400() {
    owner
        .post(permissions(topic(false)), "{}")
        .expectDetail(400, "Either user_id or username must be provided");
  }

  @Test
  void grant_twice_is400() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    owner
        .grant(topic, other)
        .expectDetail(400, "User " + other.id() + " already has access to topic " + topic);
  }

  @Test
  void grant_toUnknownUser_is404() {
    owner
        .post(permissions(topic(false)), "{\"username\":\"%s\"}".formatted(Caller.unique("x")))
        .expectDetail(404, "User not found");
    owner
        .post(permissions(topic(false)), "{\"user_id\":\"%s\"}".formatted(UNKNOWN_ID))
        .expectDetail(404, "User not found");
  }

  @Test
  void grant_onMissingTopic_is404() {
    String topic = Caller.unique("missing");

    owner.grant(topic, other).expectDetail(404, "Topic '" + topic + "' not found");
  }

  @Test
  void grant_byOther_is403() {
    String topic = topic(true);

    other.grant(topic, other).expectDetail(403, "Only the topic owner can grant access");
  }

  // GET /{n}/permissions

  @Test
  void permissions_byOwnerAndAdmin_is200Array() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    owner.get(permissions(topic)).expect(200, "[" + granted(topic, other) + "]");
    admin.get(permissions(topic)).expect(200, "[" + granted(topic, other) + "]");
  }

  @Test
  void permissions_ofNobody_isAnEmptyArray() {
    owner.get(permissions(topic(false))).expect(200, "[]");
  }

  @Test
  void permissions_byOther_is403() {
    String topic = topic(true);

    other.get(permissions(topic)).expectDetail(403, "Only the topic owner can list permissions");
  }

  @Test
  void permissions_ofMissingTopic_is404() {
    String topic = Caller.unique("missing");

    owner.get(permissions(topic)).expectDetail(404, "Topic '" + topic + "' not found");
  }

  // DELETE /{n}/permissions/{uid}

  @Test
  void revoke_is204AndAccessEnds() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);
    other.mayPoll(topic).expect(200);

    owner.delete(permissions(topic) + "/" + other.id()).expectNoContent();

    other.mayPoll(topic).expectDetail(403, "Access denied to topics: ['" + topic + "']");
    owner.get(permissions(topic)).expect(200, "[]");
    assertThat(names(other.get(TOPICS).expect(200).json())).doesNotContain(topic);
  }

  @Test
  void revoke_byAdmin_is204() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    admin.delete(permissions(topic) + "/" + other.id()).expectNoContent();
  }

  @Test
  void revoke_ofNotGranted_is404() {
    owner
        .delete(permissions(topic(false)) + "/" + other.id())
        .expectDetail(404, "User does not have access to this topic");
  }

  @Test
  void revoke_byOther_is403() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    other
        .delete(permissions(topic) + "/" + other.id())
        .expectDetail(403, "Only the topic owner can revoke access");
  }

  @Test
  void revoke_onMissingTopic_is404() {
    String topic = Caller.unique("missing");

    owner
        .delete(permissions(topic) + "/" + other.id())
        .expectDetail(404, "Topic '" + topic + "' not found");
  }

  // GET /stats

  /// Unreachable in the relay; here it is what its documents promise.
  @Test
  void stats_asAdmin_countPublicAndPrivate() {
    JsonNode before = admin.get(TOPICS + "/stats").expect(200).json();
    topic(true);
    topic(false);
    topic(false);

    admin
        .get(TOPICS + "/stats")
        .expect(
            200,
            "{\"total_topics\":%d,\"public_topics\":%d,\"private_topics\":%d}"
                .formatted(
                    before.get("total_topics").asInt() + 3,
                    before.get("public_topics").asInt() + 1,
                    before.get("private_topics").asInt() + 2));
  }

  @Test
  void stats_asOther_is403() {
    other.get(TOPICS + "/stats").expectDetail(403, "Permission 'admin' required");
  }

  // Section 2: read rules, of polls; sockets are in SocketContractTest

  @Test
  void read_missingTopic_succeedsAndDoesNotCreateIt() {
    String topic = Caller.unique("missing");

    other.mayPoll(topic).expect(200);

    other.get(path(topic)).expect(404);
  }

  @Test
  void read_needsRead() {
    Caller writer = Caller.user(server, "write");

    writer.mayPoll(Caller.unique("any")).expectDetail(403, "Permission 'read' required");
  }

  @Test
  void read_ownerGrantedPublicAndAdmin_succeeds() {
    String topic = topic(false);
    owner.grant(topic, other).expect(201);

    owner.mayPoll(topic).expect(200);
    other.mayPoll(topic).expect(200);
    admin.mayPoll(topic).expect(200);
    Caller.user(server, "read").mayPoll(topic(true)).expect(200);
  }

  /// In the relay `admin` implied nothing; here it implies read and write (compatibility.md).
  @Test
  void admin_impliesReadAndWrite() {
    Caller onlyAdmin = Caller.user(server, "admin");
    String topic = topic(false);

    onlyAdmin.createTopic(Caller.unique("admins"), false).expect(201);
    onlyAdmin.publish(topic, "{}").expect(201);
    onlyAdmin.mayPoll(topic).expect(200);
  }
}
