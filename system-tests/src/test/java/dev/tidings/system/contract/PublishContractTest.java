// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.net.URLEncoder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 4 of the contract: publishing. The names begin with the row.
@SystemTest
final class PublishContractTest {
  private static final String MESSAGES = "/api/v1/messages";
  private static final String BULK = "/api/v1/messages/bulk";

  private final TidingsProcess server;
  private final Caller nobody;
  private final Caller writer;
  private final Caller other;

  PublishContractTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.nobody = Caller.nobody(server);
    this.writer = Caller.user(server, "read", "write");
    this.other = Caller.user(server, "read", "write");
  }

  private static String topic() {
    return Caller.unique("publish");
  }

  private static String body(String topic, String further) {
    return "{\"topic\":%s,\"payload\":{\"n\":1}%s}".formatted(Template.quoted(topic), further);
  }

  private static String accepted(String topic) {
    return "{\"message_id\":\"<message-id>\",\"topic\":%s,\"timestamp\":\"<time>\"}"
        .formatted(Template.quoted(topic));
  }

  private JsonNode stored(String topic) {
    return writer
        .poll(
            "{\"topics\":[%1$s],\"since\":{%1$s:\"none\"},\"timeout\":1}"
                .formatted(Template.quoted(topic)))
        .expect(200)
        .json()
        .get("messages");
  }

  // POST /api/v1/messages

  /// Ids are `msg_` and 32 digits, 12 in the relay (compatibility.md).
  @Test
  void publish_is201WithIdTopicAndTimestamp() {
    String topic = topic();

    writer.post(MESSAGES, body(topic, "")).expect(201, accepted(topic));
  }

  @Test
  void publish_withTtlAndMetadata_is201() {
    String topic = topic();

    writer
        .post(MESSAGES, body(topic, ",\"ttl\":3600,\"metadata\":{\"priority\":\"high\"}"))
        .expect(201, accepted(topic));

    JsonNode message = stored(topic).get(0);
    assertThat(message.get("payload")).isEqualTo(Template.parse("{\"n\":1}"));
    assertThat(message.get("metadata")).isEqualTo(Template.parse("{\"priority\":\"high\"}"));
  }

  @Test
  void publish_extraKeys_areIgnored() {
    String topic = topic();

    writer.post(MESSAGES, body(topic, ",\"extra\":[1,{}]")).expect(201, accepted(topic));
  }

  @Test
  void publish_nullTtlAndMetadata_areAbsent() {
    writer.post(MESSAGES, body(topic(), ",\"ttl\":null,\"metadata\":null")).expect(201);
  }

  @Test
  void publish_withoutToken_is401() {
    nobody.post(MESSAGES, body(topic(), "")).expectUnauthorized("Not authenticated");
  }

  @Test
  void publish_withoutWrite_is403() {
    Caller.user(server, "read")
        .post(MESSAGES, body(topic(), ""))
        .expectDetail(403, "Permission 'write' required");
  }

  // topic

  @Test
  void topicOf255_is201() {
    String topic = topic().concat("x".repeat(255)).substring(0, 255);

    writer.post(MESSAGES, body(topic, "")).expect(201, accepted(topic));
  }

  @Test
  void topicOf256_is422() {
    String topic = "x".repeat(256);

    writer
        .post(MESSAGES, body(topic, ""))
        .expectInvalid(
            """
            {"type":"string_too_long","loc":["body","topic"],
             "msg":"String should have at most 255 characters","input":"%s",
             "ctx":{"max_length":255}}
            """
                .formatted(topic));
  }

  @Test
  void topicOf0_is422() {
    writer
        .post(MESSAGES, body("", ""))
        .expectInvalid(
            """
            {"type":"string_too_short","loc":["body","topic"],
             "msg":"String should have at least 1 character","input":"",
             "ctx":{"min_length":1}}
            """);
  }

  @ParameterizedTest
  @ValueSource(strings = {"тема", "主题", "ümlaut", "١٢٣", "-a_", "_9-"})
  void topicOfUnicodeLettersDigitsHyphensUnderscores_is201(String prefix) {
    String topic = prefix + topic();

    writer.post(MESSAGES, body(topic, "")).expect(201, accepted(topic));
    writer.get("/api/v1/topics/" + URLEncoder.encode(topic, UTF_8)).expect(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"invalid@topic!", "a b", "a.b", "a/b", "a:b", "a#", "-", "_", "-_-", " "})
  void topicOfOtherCharactersOrWithoutAlphanumeric_is422(String topic) {
    writer
        .post(MESSAGES, body(topic, ""))
        .expectInvalid(
            """
            {"type":"value_error","loc":["body","topic"],
             "msg":"Value error, Topic must contain only alphanumeric characters, hyphens, and underscores",
             "input":%s,"ctx":{"error":{}}}
            """
                .formatted(Template.quoted(topic)));
  }

  @Test
  void topicNotText_is422() {
    writer
        .post(MESSAGES, "{\"topic\":5,\"payload\":{}}")
        .expectInvalid(
            """
            {"type":"string_type","loc":["body","topic"],
             "msg":"Input should be a valid string","input":5}
            """);
  }

  @Test
  void topicAndPayloadMissing_is422WithBoth() {
    writer
        .post(MESSAGES, "{\"x\":1}")
        .expect(
            422,
            """
            {"detail":[
              {"type":"missing","loc":["body","topic"],"msg":"Field required","input":{"x":1}},
              {"type":"missing","loc":["body","payload"],"msg":"Field required","input":{"x":1}}]}
            """);
  }

  // payload, ttl, metadata

  @Test
  void payloadOfNothing_is201() {
    writer.publish(topic(), "{}").expect(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "[]", "\"text\"", "1", "true"})
  void payloadOtherThanObject_is422(String payload) {
    writer
        .publish(topic(), payload)
        .expectInvalid(
            """
            {"type":"dict_type","loc":["body","payload"],
             "msg":"Input should be a valid dictionary","input":%s}
            """
                .formatted(payload));
  }

  @Test
  void ttl1_is201() {
    writer.post(MESSAGES, body(topic(), ",\"ttl\":1")).expect(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1"})
  void ttl0AndBelow_is422(String ttl) {
    writer
        .post(MESSAGES, body(topic(), ",\"ttl\":" + ttl))
        .expectInvalid(
            """
            {"type":"greater_than","loc":["body","ttl"],
             "msg":"Input should be greater than 0","input":%s,"ctx":{"gt":0}}
            """
                .formatted(ttl));
  }

  @Test
  void ttlText5_isCoerced() {
    writer.post(MESSAGES, body(topic(), ",\"ttl\":\"5\"")).expect(201);
  }

  @Test
  void ttlOtherText_is422() {
    writer
        .post(MESSAGES, body(topic(), ",\"ttl\":\"soon\""))
        .expectInvalid(
            """
            {"type":"int_parsing","loc":["body","ttl"],
             "msg":"Input should be a valid integer, unable to parse string as an integer",
             "input":"soon"}
            """);
  }

  @Test
  void metadataValueNotText_is422() {
    writer
        .post(MESSAGES, body(topic(), ",\"metadata\":{\"k\":1}"))
        .expectInvalid(
            """
            {"type":"string_type","loc":["body","metadata","k"],
             "msg":"Input should be a valid string","input":1}
            """);
  }

  @Test
  void metadataNotObject_is422() {
    writer
        .post(MESSAGES, body(topic(), ",\"metadata\":[]"))
        .expectInvalid(
            """
            {"type":"dict_type","loc":["body","metadata"],
             "msg":"Input should be a valid dictionary","input":[]}
            """);
  }

  // the topic

  @Test
  void missingTopic_isCreatedPrivateWithTheCallerAsOwner() {
    String topic = topic();
    writer.publish(topic, "{}").expect(201);

    writer
        .get("/api/v1/topics/" + topic)
        .expect(
            200,
            """
               {"topic_id":"<text>","topic_name":"%s","owner_id":"%s","is_public":false,
                "created_at":"<time>","description":"Auto-created topic by %s",
                "allowed_user_ids":[],
            "retention":{"max_age_seconds":null,"max_messages":null,"max_bytes":null}}
            """
                .formatted(topic, writer.id(), writer.name()));
  }

  /// In the relay anyone with `write` might publish to anyone's topic; its documents and Tidings
  /// require owner, granted or admin (compatibility.md).
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void topicOfSomebodyElse_is403(boolean isPublic) {
    String topic = topic();
    writer.createTopic(topic, isPublic).expect(201);

    other.publish(topic, "{}").expectDetail(403, "Access denied to topics: ['" + topic + "']");
    assertThat(stored(topic)).isEmpty();
  }

  @Test
  void topicOwnedOrGrantedOrByAdmin_is201() {
    String topic = topic();
    writer.createTopic(topic, false).expect(201);
    writer.grant(topic, other).expect(201);

    writer.publish(topic, "{}").expect(201);
    other.publish(topic, "{}").expect(201);
    Caller.admin(server).publish(topic, "{}").expect(201);
    assertThat(stored(topic)).hasSize(3);
  }

  // order of the errors (section 7)

  private static final String MALFORMED = "{\"topic\":";

  private static void expectMalformed(Answer answer) {
    answer.expect(422);
    JsonNode detail = answer.json().get("detail");
    assertThat(detail).hasSize(1);
    assertThat(detail.get(0).get("loc").get(1).isIntegralNumber()).as("an offset").isTrue();
    Template.assertMatches(
        answer.body().replaceFirst("\"body\",\\s*\\d+", "\"body\",0"),
        """
        {"detail":[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error",
          "input":{},"ctx":{"error":"<text>"}}]}
        """);
  }

  @Test
  void malformedJson_is422() {
    expectMalformed(writer.post(MESSAGES, MALFORMED));
  }

  @Test
  void malformedJson_withoutToken_is422() {
    expectMalformed(nobody.post(MESSAGES, MALFORMED));
  }

  @Test
  void invalidFields_withoutToken_is401() {
    nobody.post(MESSAGES, "{}").expectUnauthorized("Not authenticated");
  }

  @Test
  void invalidFields_withoutWrite_is403() {
    Caller.user(server).post(MESSAGES, "{}").expectDetail(403, "Permission 'write' required");
  }

  // POST /api/v1/messages/bulk

  private static String bulk(String topic, int count) {
    return IntStream.range(0, count)
        .mapToObj("{\"topic\":\"%s\",\"payload\":{\"n\":%%d}}".formatted(topic)::formatted)
        .collect(joining(",", "{\"messages\":[", "]}"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 100})
  void bulkOf1To100_is207WithAResultForEach(int count) {
    String topic = topic();
    String result =
        "{\"message_id\":\"<message-id>\",\"topic\":\"%s\",\"status\":\"accepted\",\"error\":null}"
            .formatted(topic);

    Answer answer = writer.post(BULK, bulk(topic, count));

    answer.expect(
        207,
        "{\"results\":[%s],\"summary\":{\"total\":%d,\"accepted\":%d,\"rejected\":0}}"
            .formatted(
                IntStream.range(0, count).mapToObj(_ -> result).collect(joining(",")),
                count,
                count));
    JsonNode messages = stored(topic);
    assertThat(messages).hasSize(count);
    for (int i = 0; i < count; i++) {
      assertThat(messages.get(i).get("payload").get("n").asInt()).isEqualTo(i);
      assertThat(messages.get(i).get("message_id"))
          .isEqualTo(answer.json().get("results").get(i).get("message_id"));
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "101"})
  void bulkOf0And101_is422(int count) {
    boolean few = count == 0;
    Answer answer = writer.post(BULK, bulk(topic(), count)).expect(422);
    JsonNode error = answer.json().get("detail").get(0);

    assertThat(answer.json().get("detail")).hasSize(1);
    assertThat(error.get("type").asString()).isEqualTo(few ? "too_short" : "too_long");
    assertThat(error.get("loc")).isEqualTo(Template.parse("[\"body\",\"messages\"]"));
    assertThat(error.get("msg").asString())
        .isEqualTo(
            few
                ? "List should have at least 1 item after validation, not 0"
                : "List should have at most 100 items after validation, not 101");
    assertThat(error.get("ctx"))
        .isEqualTo(
            Template.parse(
                few
                    ? "{\"field_type\":\"List\",\"min_length\":1,\"actual_length\":0}"
                    : "{\"field_type\":\"List\",\"max_length\":100,\"actual_length\":101}"));
    assertThat(error.get("input")).hasSize(count);
  }

  @Test
  void bulkWithOneInvalidItem_is422AndStoresNothing() {
    String topic = topic();

    writer
        .post(
            BULK,
            """
            {"messages":[{"topic":"%s","payload":{}},{"topic":"invalid@topic!","payload":{}}]}
            """
                .formatted(topic))
        .expectInvalid(
            """
            {"type":"value_error","loc":["body","messages",1,"topic"],
             "msg":"Value error, Topic must contain only alphanumeric characters, hyphens, and underscores",
             "input":"invalid@topic!","ctx":{"error":{}}}
            """);
    writer.get("/api/v1/topics/" + topic).expect(404);
  }

  @Test
  void bulkWithoutMessages_is422() {
    writer
        .post(BULK, "{}")
        .expectInvalid(
            """
            {"type":"missing","loc":["body","messages"],"msg":"Field required","input":{}}
            """);
  }

  /// Nothing of the call is stored (compatibility.md).
  @Test
  void bulkWithDeniedTopics_is403() {
    String first = topic();
    String second = topic();
    String mine = topic();
    writer.createTopic(first, false).expect(201);
    writer.createTopic(second, true).expect(201);

    other
        .post(
            BULK,
            """
            {"messages":[{"topic":"%s","payload":{}},{"topic":"%s","payload":{}},
                         {"topic":"%s","payload":{}}]}
            """
                .formatted(first, mine, second))
        .expectDetail(403, "Access denied to topics: ['%s', '%s']".formatted(first, second));
    assertThat(stored(first)).isEmpty();
    other.get("/api/v1/topics/" + mine).expect(404);
  }

  @Test
  void bulkOfManyTopics_createsThem() {
    String first = topic();
    String second = topic();

    writer
        .post(
            BULK,
            """
            {"messages":[{"topic":"%s","payload":{}},{"topic":"%s","payload":{}}]}
            """
                .formatted(first, second))
        .expect(207);
    writer.get("/api/v1/topics/" + first).expect(200);
    writer.get("/api/v1/topics/" + second).expect(200);
  }

  @Test
  void bulkWithoutToken_is401() {
    nobody.post(BULK, bulk(topic(), 1)).expectUnauthorized("Not authenticated");
  }

  @Test
  void bulkWithoutWrite_is403() {
    Caller.user(server, "read")
        .post(BULK, bulk(topic(), 1))
        .expectDetail(403, "Permission 'write' required");
  }
}
