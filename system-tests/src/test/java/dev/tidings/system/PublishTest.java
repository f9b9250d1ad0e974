// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
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

/// A message that is accepted comes back as it was sent.
@SystemTest
final class PublishTest {

  private final TidingsProcess server;
  private final RelayClient admin;

  PublishTest(@On(Setup.DEV) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
  }

  @Test
  void publish_answersIdTopicAndTimestamp() {
    String topic = RelayClient.unique("notifications");

    JsonNode json =
        admin
            .publish(topic, Map.of("user_id", 123, "message", "Hello, World!"), "ttl", 3600)
            .expect(201)
            .json();

    assertThat(Json.names(json)).containsExactlyInAnyOrder("message_id", "topic", "timestamp");
    assertThat(json.get("message_id").asString()).matches(Shape.MESSAGE_ID);
    assertThat(json.get("topic").asString()).isEqualTo(topic);
    assertThat(json.get("timestamp").asString()).matches(Shape.TIMESTAMP);
    assertThat(Duration.between(Instant.parse(json.get("timestamp").asString()), Instant.now()))
        .isBetween(Duration.ofSeconds(-5), Duration.ofSeconds(30));
  }

  @Test
  void publishTwice_makesTwoMessages() {
    String topic = RelayClient.unique("twice");

    String first = admin.publishNumber(topic, 1);
    String second = admin.publishNumber(topic, 1);

    assertThat(first).isNotEqualTo(second);
    assertThat(admin.readAll(topic).ids()).containsExactly(first, second);
  }

  @Test
  void timestamps_neverGoBack() {
    String topic = RelayClient.unique("time");
    admin.publishNumbers(topic, 0, 50);

    List<Instant> times =
        admin.readAll(topic).messages().stream()
            .map(message -> OffsetDateTime.parse(message.get("timestamp").asString()).toInstant())
            .toList();

    assertThat(times).hasSize(50).isSorted();
  }

  static Stream<Arguments> payloads() {
    return Stream.of(
        argumentSet("empty", "{}"),
        argumentSet("integers beyond 2^53", "{\"a\":9007199254740993,\"b\":-9007199254740993}"),
        argumentSet(
            "integers beyond 64 bits",
            "{\"a\":18446744073709551617,\"b\":123456789012345678901234567890123456789}"),
        argumentSet("number as large as 1e400", "{\"a\":1e400,\"b\":-1E+400,\"c\":1e-400}"),
        argumentSet("spelling of numbers", "{\"a\":1.0,\"b\":1.10,\"c\":-0,\"d\":0.1e1,\"e\":1E5}"),
        argumentSet("many digits", "{\"pi\":3." + "14159265358979323846".repeat(20) + "}"),
        argumentSet("unicode", "{\"grüße\":\"日本語 — ünï 😀 \u0085\u2028\"}"),
        argumentSet(
            "escapes", "{\"a\\u0062\":\"\\u00e9\\ud83d\\ude00\\n\\t\\\"\\\\\\/\\b\\f\\r\\u0000\"}"),
        argumentSet("half of a surrogate pair, escaped", "{\"a\":\"\\ud83d\"}"),
        argumentSet("a key twice", "{\"a\":1,\"a\":2}"),
        argumentSet("an empty key", "{\"\":{\"\":[]}}"),
        argumentSet("order of keys", "{\"z\":1,\"a\":2,\"m\":3}"),
        argumentSet("literals", "{\"a\":null,\"b\":true,\"c\":false,\"d\":[],\"e\":{}}"),
        argumentSet("names of the envelope", "{\"topic\":\"x\",\"payload\":{\"ttl\":0}}"),
        argumentSet("html", "{\"a\":\"<script>alert('&amp;')</script>\"}"),
        argumentSet("arrays 500 deep", "{\"a\":" + "[".repeat(500) + "]".repeat(500) + "}"),
        argumentSet("objects 500 deep", "{\"a\":".repeat(500) + "1" + "}".repeat(500)),
        argumentSet("a string of 200 kB", "{\"a\":\"" + "x".repeat(200_000) + "\"}"));
  }

  @ParameterizedTest
  @MethodSource("payloads")
  void payload_comesBackAsItWasSent(String payload) {
    String topic = RelayClient.unique("payload");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin
          .postRaw("/api/v1/messages", "{\"topic\":\"" + topic + "\",\"payload\":" + payload + "}")
          .expect(201);

      // Compared as a whole first: a failure must not print a payload 500 deep.
      boolean same = socket.expect("message").get("payload").equals(Json.parse(payload));
      assertThat(same).isTrue();
      Reply polled = admin.poll("topics", List.of(topic), "since", Map.of(topic, "start"));
      // Not only the same value: the same characters.
      assertThat(polled.expect(200).body()).contains(payload);
    }
  }

  @Test
  void payload_withWhitespace_keepsItsValue() {
    String topic = RelayClient.unique("whitespace");
    String payload = "{ \"a\" :\n [ 1 ,\t2 ] ,\r\n \"b\" : { } }";
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin
          .postRaw(
              "/api/v1/messages",
              " {\n \"payload\" : " + payload + " , \"topic\" : \"" + topic + "\" } \n")
          .expect(201);

      // Compared as a whole first: a failure must not print a payload 500 deep.
      boolean same = socket.expect("message").get("payload").equals(Json.parse(payload));
      assertThat(same).isTrue();
      assertThat(admin.readAll(topic).messages().getFirst().get("payload"))
          .isEqualTo(Json.parse(payload));
    }
  }

  @Test
  void metadata_comesBackAsItWasSent() {
    String topic = RelayClient.unique("metadata");
    Map<String, String> metadata =
        Map.of("priority", "high", "größe", "😀 \"quoted\"", "", "empty key");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publish(topic, Map.of("n", 1), "metadata", metadata).expect(201);

      JsonNode expected = Json.parse(Json.write(metadata));
      assertThat(socket.expect("message").get("metadata")).isEqualTo(expected);
      assertThat(admin.readAll(topic).messages().getFirst().get("metadata")).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "7",
        "Under_score",
        "hy-phen",
        "-a",
        "_1_",
        "ünïcödé",
        "日本語",
        "тема",
        "موضوع",
        "٣٤"
      })
  void topicName_ofUnicodeLettersAndDigits_isAccepted(String name) {
    String topic = name + RelayClient.unique("");

    assertThat(admin.publish(topic, Map.of()).expect(201).json().get("topic").asString())
        .isEqualTo(topic);
    assertThat(admin.readAll(topic).messages()).hasSize(1);
  }

  @Test
  void topicName_of255Characters_isAccepted() {
    String unique = RelayClient.unique("long");
    admin.publish(unique + "x".repeat(255 - unique.length()), Map.of()).expect(201);
  }

  @Test
  void topicName_of255CharactersBeyondTheBasicPlane_isAccepted() {
    // 𝐀 is one character but two chars in Java and four bytes in UTF-8.
    String unique = RelayClient.unique("plane");
    String topic = unique + "𝐀".repeat(255 - unique.length());

    admin.publish(topic, Map.of("n", 1)).expect(201);

    assertThat(admin.readAll(topic).numbers()).containsExactly(1);
  }

  @Test
  void topicNames_thatLookAlike_areDifferentTopics() {
    String unique = RelayClient.unique("case");
    admin.publishNumber(unique + "A", 1);
    admin.publishNumber(unique + "a", 2);
    admin.publishNumber(unique + "Ａ", 3);

    assertThat(admin.readAll(unique + "A").numbers()).containsExactly(1);
    assertThat(admin.readAll(unique + "a").numbers()).containsExactly(2);
    assertThat(admin.readAll(unique + "Ａ").numbers()).containsExactly(3);
  }

  @Test
  void extraKeys_areIgnored() {
    admin
        .publish(
            RelayClient.unique("extra"),
            Map.of(),
            "message_id",
            "mine",
            "timestamp",
            Map.of("x", List.of(1)),
            "extra",
            1)
        .expect(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "5", "\"5\"", "\" 5 \"", "3.0", "\"3.0\"", "1e2", "true"})
  void ttl_thatMeansAPositiveInteger_isAccepted(String ttl) {
    admin.postRaw("/api/v1/messages", body(RelayClient.unique("ttl"), "ttl", ttl)).expect(201);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"9223372036854775807", "9223372036854775808", "1000000000000000000000000000000"})
  void ttl_beyondAllTime_isAcceptedAndNeverExpires(String ttl) {
    String topic = RelayClient.unique("forever");
    admin.postRaw("/api/v1/messages", body(topic, "ttl", ttl)).expect(201);

    assertThat(admin.readAll(topic).messages()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "{}", "{\"a\":\"b\"}"})
  void metadata_nullOrStrings_isAccepted(String metadata) {
    admin
        .postRaw("/api/v1/messages", body(RelayClient.unique("metadata"), "metadata", metadata))
        .expect(201);
  }

  private static String body(String topic, String field, String value) {
    return "{\"topic\":\"%s\",\"payload\":{},\"%s\":%s}".formatted(topic, field, value);
  }

  @Test
  void missingTopic_isCreatedPrivateToItsPublisher() {
    User owner = admin.newUser("read", "write");
    User other = admin.newUser("read");
    String topic = RelayClient.unique("auto");

    String id = owner.client().publishNumber(topic, 1);

    assertThat(owner.client().readAll(topic).ids()).containsExactly(id);
    assertThat(Json.texts(owner.client().me().json().get("owned_topics"))).containsExactly(topic);
    other
        .client()
        .poll("topics", List.of(topic), "timeout", 1)
        .expectDetail(403, "Access denied to topics: ['" + topic + "']");
    owner
        .client()
        .createTopic("topic_name", topic)
        .expectDetail(400, "Topic '" + topic + "' already exists");
  }

  @Test
  void missingTopic_publishedByManyAtOnce_isCreatedOnceAndLosesNothing() {
    String topic = RelayClient.unique("race");
    String body = Json.write(Json.object("topic", topic, "payload", Map.of()));
    List<String> ids =
        IntStream.range(0, 32)
            .mapToObj(_ ->
                admin.sendAsync(
                    "POST",
                    "/api/v1/messages",
                    BodyPublishers.ofString(body),
                    "Content-Type",
                    "application/json"))
            .toList()
            .stream()
            .map(reply -> Await.result(reply).expect(201).messageId())
            .toList();

    assertThat(ids).doesNotHaveDuplicates();
    assertThat(admin.readAll(topic).ids()).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Test
  void withoutToken_inDevelopmentMode_actsAsAdmin() {
    String topic = RelayClient.unique("anonymous");

    String id = server.anonymous().publishNumber(topic, 1);

    assertThat(server.anonymous().readAll(topic).ids()).containsExactly(id);
    assertThat(Json.texts(server.anonymous().me().expect(200).json().get("permissions")))
        .contains("admin");
  }

  @Test
  void badToken_inDevelopmentMode_isRefusedAllTheSame() {
    server
        .anonymous()
        .withToken("garbage")
        .publish(RelayClient.unique("never"), Map.of())
        .expectUnauthorized("Invalid or expired token");
  }
}
