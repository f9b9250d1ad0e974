// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Reading a topic's retained messages page by page.
@SystemTest
final class MessagePagesTest {

  private final TidingsProcess server;
  private final RelayClient admin;

  MessagePagesTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
  }

  private static String path(String topic, String query) {
    return "/api/v1/topics/" + topic + "/messages" + query;
  }

  private JsonNode page(String topic, String query) {
    return admin.get(path(topic, query)).expect(200).json();
  }

  private static List<Integer> numbers(JsonNode page) {
    List<Integer> numbers = new ArrayList<>();
    page.get("messages").forEach(it -> numbers.add(it.get("payload").get("n").asInt()));
    return numbers;
  }

  /// The numbers of every page, going on until there is no next one.
  private List<List<Integer>> pages(String topic, String query) {
    List<List<Integer>> pages = new ArrayList<>();
    JsonNode page = page(topic, query);
    while (!page.get("next_cursor").isNull()) {
      pages.add(numbers(page));
      page = page(topic, query + "&cursor=" + page.get("next_cursor").asString());
    }
    assertThat(page.get("messages")).isEmpty();
    return pages;
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private String newTopic(int messages) {
    String topic = RelayClient.unique("pages");
    admin.publishNumbers(topic, 0, messages);
    return topic;
  }

  // ---- shapes ----

  @Test
  void emptyTopic_hasAnEmptyPage() {
    String topic = RelayClient.unique("empty");
    admin.createTopic("topic_name", topic).expect(201);

    assertThat(page(topic, ""))
        .isEqualTo(
            Json.parse(
                """
                {"messages":[],"total":0,"limit":10,"order":"desc","cursor":null,
                 "next_cursor":null}\
                """));
  }

  @Test
  void page_holdsTheNewestTenMessagesInTheirShape() {
    String topic = newTopic(11);
    String id =
        admin.publish(topic, Map.of("n", 11), "metadata", Map.of("k", "v")).expect(201).messageId();

    JsonNode page = page(topic, "");

    assertThat(Json.names(page))
        .containsExactlyInAnyOrder("messages", "total", "limit", "order", "cursor", "next_cursor");
    assertThat(numbers(page)).isEqualTo(range(2, 12).reversed());
    assertThat(page.get("total").asInt()).isEqualTo(12);
    assertThat(page.get("limit").asInt()).isEqualTo(10);
    assertThat(page.get("order").asString()).isEqualTo("desc");
    assertThat(page.get("cursor").isNull()).isTrue();
    assertThat(page.get("next_cursor")).isEqualTo(page.get("messages").get(9).get("message_id"));
    JsonNode newest = page.get("messages").get(0);
    assertThat(Json.names(newest))
        .containsExactlyInAnyOrder("topic", "message_id", "payload", "timestamp", "metadata");
    assertThat(newest.get("topic").asString()).isEqualTo(topic);
    assertThat(newest.get("message_id").asString()).isEqualTo(id);
    assertThat(newest.get("timestamp").asString()).matches(Shape.CATCH_UP_TIMESTAMP);
    assertThat(newest.get("metadata")).isEqualTo(Json.parse("{\"k\":\"v\"}"));
    assertThat(page.get("messages").get(1).get("metadata")).isEqualTo(Json.parse("{}"));
  }

  @Test
  void payload_comesByteForByte() {
    String topic = RelayClient.unique("raw");
    String payload = "{\"z\":1.10,  \"a\":[1e400,\"\\u00fc\"], \"z\":12345678901234567890}";
    admin
        .postRaw("/api/v1/messages", "{\"topic\":\"" + topic + "\",\"payload\":" + payload + "}")
        .expect(201);

    assertThat(admin.get(path(topic, "")).expect(200).body()).contains(payload);
  }

  @Test
  void topicInAnyScript_isRead() {
    String topic = RelayClient.unique("größe");
    admin.publishNumber(topic, 1);

    assertThat(numbers(page(topic.replace("ö", "%C3%B6").replace("ß", "%C3%9F"), "")))
        .containsExactly(1);
  }

  // ---- going on ----

  @Test
  void pages_goOnToEitherEnd() {
    String topic = newTopic(25);

    assertThat(pages(topic, "?limit=10"))
        .containsExactly(range(15, 25).reversed(), range(5, 15).reversed(), range(0, 5).reversed());
    assertThat(pages(topic, "?limit=10&order=asc"))
        .containsExactly(range(0, 10), range(10, 20), range(20, 25));
  }

  @Test
  void cursor_isExclusiveEchoedAndOfEitherSpelling() {
    String topic = RelayClient.unique("cursor");
    List<String> ids = admin.publishNumbers(topic, 0, 9);

    JsonNode older = page(topic, "?cursor=" + ids.get(4));
    assertThat(numbers(older)).containsExactly(3, 2, 1, 0);
    assertThat(older.get("cursor").asString()).isEqualTo(ids.get(4));
    String uuid = Shape.asUuid(ids.get(4));
    JsonNode newer = page(topic, "?order=asc&cursor=" + uuid);
    assertThat(numbers(newer)).containsExactly(5, 6, 7, 8);
    assertThat(newer.get("cursor").asString()).isEqualTo(uuid);
    // As the original reads it.
    assertThat(numbers(page(topic, "?limit=2&cursor="))).containsExactly(8, 7);
  }

  @Test
  void endOfTheTopic_isAPlaceToWaitAt() {
    String topic = newTopic(3);
    String end = page(topic, "?order=asc").get("next_cursor").asString();
    assertThat(page(topic, "?order=asc&cursor=" + end).get("next_cursor").isNull()).isTrue();
    admin.publishNumber(topic, 3);

    assertThat(numbers(page(topic, "?order=asc&cursor=" + end))).containsExactly(3);
  }

  @Test
  void cursorsOfPolls_areCursorsHere() {
    String topic = RelayClient.unique("polled");
    String before =
        Poll.of(admin.poll("topics", List.of(topic), "timeout", 1)).cursors().get(topic);
    admin.publishNumbers(topic, 0, 3);
    String end = admin.readFrom(topic, "start").cursors().get(topic);

    assertThat(numbers(page(topic, "?order=asc&cursor=" + before))).containsExactly(0, 1, 2);
    assertThat(numbers(page(topic, "?cursor=" + before))).isEmpty();
    assertThat(numbers(page(topic, "?order=asc&cursor=" + end))).isEmpty();
    assertThat(numbers(page(topic, "?cursor=" + end))).containsExactly(1, 0);
  }

  @Test
  void ofTwoParameters_theLastCounts() {
    assertThat(numbers(page(newTopic(5), "?limit=4&order=asc&limit=2&order=desc&other=x")))
        .containsExactly(4, 3);
  }

  // ---- bounds ----

  @ParameterizedTest
  @CsvSource({"1,1", "99,99", "100,100", "101,100", "100000000000000000000,100"})
  void limit_isCappedAtAHundred(String limit, int messages) {
    JsonNode page = page(newTopic(120), "?limit=" + limit);

    assertThat(page.get("messages")).hasSize(messages);
    assertThat(page.get("limit").asInt()).isEqualTo(messages);
    assertThat(page.get("total").asInt()).isEqualTo(120);
  }

  private static Arguments wrong(
      String name, String query, String type, String msg, String input, String context) {
    return argumentSet(
        name + "=" + query,
        "?" + name + "=" + query,
        """
        {"type":"%s","loc":["query","%s"],"msg":"%s","input":"%s"%s}\
        """
            .formatted(type, name, msg, input, context.isEmpty() ? "" : ",\"ctx\":" + context));
  }

  static Stream<Arguments> wrongQueries() {
    String below = "Input should be greater than or equal to 1";
    String noNumber = "Input should be a valid integer, unable to parse string as an integer";
    String noWord = "Input should be 'asc' or 'desc'";
    String words = "{\"expected\":\"'asc' or 'desc'\"}";
    String noId =
        "Value error, Cursor is not a message id (expected: next_cursor of the page before)";
    return Stream.of(
        wrong("limit", "0", "greater_than_equal", below, "0", "{\"ge\":1}"),
        wrong("limit", "-1", "greater_than_equal", below, "-1", "{\"ge\":1}"),
        wrong("limit", "ten", "int_parsing", noNumber, "ten", ""),
        wrong("limit", "", "int_parsing", noNumber, "", ""),
        wrong("limit", "1.5", "int_parsing", noNumber, "1.5", ""),
        wrong("order", "newest", "literal_error", noWord, "newest", words),
        wrong("order", "", "literal_error", noWord, "", words),
        wrong("order", "ASC", "literal_error", noWord, "ASC", words),
        wrong("cursor", "x", "value_error", noId, "x", "{\"error\":{}}"),
        wrong(
            "cursor", "1700000000000-0", "value_error", noId, "1700000000000-0", "{\"error\":{}}"),
        wrong("cursor", "%F0%9F%98%80%22", "value_error", noId, "😀\\\"", "{\"error\":{}}"));
  }

  @ParameterizedTest
  @MethodSource("wrongQueries")
  void wrongQuery_is422(String query, String error) {
    admin.get(path(newTopic(1), query)).expectInvalid(error);
    // Before the topic is looked for.
    admin.get(path(RelayClient.unique("missing"), query)).expectInvalid(error);
  }

  @Test
  void cursorOfAnotherTopic_is422() {
    String other = admin.publishNumber(RelayClient.unique("other"), 1);

    admin
        .get(path(newTopic(1), "?cursor=" + other))
        .expectInvalid(
            """
            {"type":"value_error","loc":["query","cursor"],
             "msg":"Value error, Cursor is the id of a message of another topic, or of an earlier \
            one of this name (expected: none, to begin anew)",
             "input":"%s","ctx":{"error":{}}}\
            """
                .formatted(other));
  }

  @ParameterizedTest
  @ValueSource(strings = {"?limit=%zz", "?%", "?cursor=a%2"})
  void malformedQuery_is400(String query) {
    try (RawConnection connection = RawConnection.open(server)) {
      connection.writeHead(
          "GET " + path(newTopic(1), query) + " HTTP/1.1",
          "Authorization: Bearer " + admin.token());

      connection.readReply().expectDetail(400, "The request is not valid HTTP");
    }
  }

  @Test
  void largeMessages_comeInShortPagesAndAllTheSame() {
    String topic = RelayClient.unique("large");
    for (int i = 0; i < 6; i++) {
      admin.publishNumbers(topic, i, i + 1, "x".repeat(1_500_000));
    }

    assertThat(pages(topic, "?limit=100&order=asc"))
        .containsExactly(List.of(0, 1, 2), List.of(3, 4, 5));
    assertThat(pages(topic, "?limit=100").stream().flatMap(List::stream))
        .containsExactly(5, 4, 3, 2, 1, 0);
  }

  // ---- who ----

  @Test
  void whoMayNotRead_isRefusedInOrder() {
    String topic = newTopic(1);
    RelayClient writer = admin.newUser("write").client();
    RelayClient reader = admin.newUser("read").client();

    server.anonymous().get(path(topic, "?limit=0")).expectUnauthorized("Not authenticated");
    writer.get(path(topic, "?limit=0")).expectDetail(403, "Permission 'read' required");
    reader.get(path(topic, "")).expectDetail(403, "Access denied to topic '" + topic + "'");
    String missing = RelayClient.unique("missing");
    reader.get(path(missing, "")).expectDetail(404, "Topic '" + missing + "' not found");
  }

  @Test
  void revokedGrant_endsReadingAtOnce() {
    String topic = newTopic(1);
    User reader = admin.newUser("read");
    admin.grant(topic, "user_id", reader.id()).expect(201);
    assertThat(numbers(reader.client().get(path(topic, "")).expect(200).json())).containsExactly(0);

    admin.request("DELETE", "/api/v1/topics/" + topic + "/permissions/" + reader.id()).expect(204);

    reader
        .client()
        .get(path(topic, ""))
        .expectDetail(403, "Access denied to topic '" + topic + "'");
  }

  @Test
  void deletedTopic_leavesNothingToTheNextOfItsName() {
    String topic = newTopic(3);
    String cursor = page(topic, "?limit=1").get("next_cursor").asString();
    admin.request("DELETE", "/api/v1/topics/" + topic).expect(204);
    admin.get(path(topic, "")).expectDetail(404, "Topic '" + topic + "' not found");

    admin.publishNumber(topic, 9);

    assertThat(numbers(page(topic, ""))).containsExactly(9);
    assertThat(page(topic, "").get("total").asInt()).isEqualTo(1);
    admin.get(path(topic, "?cursor=" + cursor)).expect(422);
  }

  // ---- what is gone ----

  @Test
  void expiredMessages_areLeftOut() {
    String topic = newTopic(2);
    admin.publish(topic, Map.of("n", 2), "ttl", 1).expect(201);
    admin.publishNumber(topic, 3);

    Await.until(
        "the message of one second is gone",
        () -> numbers(page(topic, "?order=asc")).equals(List.of(0, 1, 3)));
    assertThat(numbers(page(topic, "?limit=2"))).containsExactly(3, 1);
    assertThat(Json.names(page(topic, ""))).doesNotContain("gaps");
  }

  @Test
  void trimmedMessages_areAGap_andWhatIsLeftOutlivesARestart() {
    try (TidingsProcess own =
        TidingsProcess.startDev(
            Map.of(
                "TIDINGS_RETENTION_MAX_MESSAGES", "7",
                "TIDINGS_RETENTION_SWEEP_INTERVAL", "1s"))) {
      RelayClient client = own.admin();
      String topic = RelayClient.unique("trimmed");
      List<String> ids = client.publishNumbers(topic, 0, 20);
      Await.until(
          "all but seven are trimmed",
          () -> client.get(path(topic, "")).expect(200).json().get("total").asInt() == 7);
      checkTrimmed(client, topic, ids);

      assertThat(own.terminate()).isZero();
      own.restart();

      checkTrimmed(client, topic, ids);
    }
  }

  private static void checkTrimmed(RelayClient client, String topic, List<String> ids) {
    JsonNode page = client.get(path(topic, "?order=asc&cursor=" + ids.get(2))).expect(200).json();
    assertThat(numbers(page)).isEqualTo(range(13, 20));
    assertThat(page.get("gaps"))
        .isEqualTo(
            Json.parse(
                Json.write(
                    List.of(Map.of("topic", topic, "from", ids.get(2), "to", ids.get(13))))));
    JsonNode newest = client.get(path(topic, "?limit=100")).expect(200).json();
    assertThat(numbers(newest)).isEqualTo(range(13, 20).reversed());
    assertThat(newest.get("total").asInt()).isEqualTo(7);
    assertThat(Json.names(newest)).doesNotContain("gaps");
  }
}
