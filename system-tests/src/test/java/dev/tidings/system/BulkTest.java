// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

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

/// Many messages in one request.
@SystemTest
final class BulkTest {

  private static final String BULK = "/api/v1/messages/bulk";

  private final RelayClient admin;

  BulkTest(@On(Setup.DEV) TidingsProcess server) {
    this.admin = server.admin();
  }

  private static Map<String, Object> message(String topic, int number) {
    return Json.object("topic", topic, "payload", Map.of("n", number));
  }

  @Test
  void bulkOfThree_answers207WithAResultEach() {
    String one = RelayClient.unique("one");
    String two = RelayClient.unique("two");

    JsonNode json =
        admin.bulk(List.of(message(one, 1), message(two, 2), message(one, 3))).expect(207).json();

    assertThat(Json.names(json)).containsExactlyInAnyOrder("results", "summary");
    assertThat(json.get("summary"))
        .isEqualTo(Json.parse("{\"total\":3,\"accepted\":3,\"rejected\":0}"));
    assertThat(json.get("results"))
        .hasSize(3)
        .allSatisfy(result -> {
          assertThat(Json.names(result))
              .containsExactlyInAnyOrder("message_id", "topic", "status", "error");
          assertThat(result.get("message_id").asString()).matches(Shape.MESSAGE_ID);
          assertThat(result.get("status").asString()).isEqualTo("accepted");
          assertThat(result.get("error").isNull()).isTrue();
        });
    assertThat(json.get("results").valueStream().map(r -> r.get("topic").asString()))
        .containsExactly(one, two, one);
    assertThat(admin.readAll(one).numbers()).containsExactly(1, 3);
    assertThat(admin.readAll(two).numbers()).containsExactly(2);
  }

  @Test
  void bulkOfHundred_keepsTheOrderAndAnswersTheIdsInIt() {
    String topic = RelayClient.unique("hundred");

    List<String> ids = admin.publishNumbers(topic, 0, 100);

    Poll stored = admin.readAll(topic);
    assertThat(stored.ids()).isEqualTo(ids);
    assertThat(stored.numbers()).isEqualTo(IntStream.range(0, 100).boxed().toList());
  }

  @Test
  void bulk_isDeliveredToSocketsInOrder() {
    String topic = RelayClient.unique("socket");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publishNumbers(topic, 0, 100);

      assertThat(socket.numbers(100)).isEqualTo(IntStream.range(0, 100).boxed().toList());
    }
  }

  @Test
  void bulk_carriesMetadata() {
    String topic = RelayClient.unique("metadata");
    admin
        .bulk(
            List.of(Json.object("topic", topic, "payload", Map.of(), "metadata", Map.of("k", "v"))))
        .expect(207);

    assertThat(admin.readAll(topic).messages().getFirst().get("metadata").get("k").asString())
        .isEqualTo("v");
  }

  @Test
  void noMessages_is422() {
    admin
        .postRaw(BULK, "{\"messages\":[]}")
        .expectInvalid(
            """
            {"type":"too_short","loc":["body","messages"],
             "msg":"List should have at least 1 item after validation, not 0","input":[],
             "ctx":{"field_type":"List","min_length":1,"actual_length":0}}\
            """);
  }

  @ParameterizedTest
  @ValueSource(ints = {101, 150})
  void moreThanHundredMessages_is422AndStoresNothing(int count) {
    String topic = RelayClient.unique("toomany");
    String messages =
        Json.write(IntStream.range(0, count).mapToObj(n -> message(topic, n)).toList());

    admin
        .postRaw(BULK, "{\"messages\":" + messages + "}")
        .expectInvalid(
            "{\"type\":\"too_long\",\"loc\":[\"body\",\"messages\"],\"msg\":\"List should have at"
                + " most 100 items after validation, not %d\",\"input\":%s,"
                    .formatted(count, messages)
                + "\"ctx\":{\"field_type\":\"List\",\"max_length\":100,\"actual_length\":%d}}"
                    .formatted(count));

    admin.createTopic("topic_name", topic).expect(201);
  }

  static Stream<Arguments> wrongBodies() {
    return Stream.of(
        argumentSet(
            "missing",
            "{}",
            """
            {"type":"missing","loc":["body","messages"],"msg":"Field required","input":{}}\
            """),
        argumentSet(
            "object",
            "{\"messages\":{\"a\":1}}",
            """
            {"type":"list_type","loc":["body","messages"],
             "msg":"Input should be a valid list","input":{"a":1}}\
            """),
        argumentSet(
            "null",
            "{\"messages\":null}",
            """
            {"type":"list_type","loc":["body","messages"],
             "msg":"Input should be a valid list","input":null}\
            """),
        argumentSet(
            "bare list",
            "[]",
            """
            {"type":"model_attributes_type","loc":["body"],
             "msg":"Input should be a valid dictionary or object to extract fields from",
             "input":[]}\
            """));
  }

  @ParameterizedTest
  @MethodSource("wrongBodies")
  void bodyWithoutAListOfMessages_is422(String body, String error) {
    admin.postRaw(BULK, body).expectInvalid(error);
  }

  static Stream<Arguments> wrongItems() {
    return Stream.of(
        argumentSet(
            "topic out of charset",
            "{\"topic\":\"x!\",\"payload\":{}}",
            List.of(
                """
                {"type":"value_error","loc":["body","messages",1,"topic"],
                 "msg":"Value error, Topic must contain only alphanumeric characters, hyphens, and underscores",
                 "input":"x!","ctx":{"error":{}}}\
                """)),
        argumentSet(
            "empty",
            "{}",
            List.of(
                """
                {"type":"missing","loc":["body","messages",1,"topic"],
                 "msg":"Field required","input":{}}\
                """,
                """
                {"type":"missing","loc":["body","messages",1,"payload"],
                 "msg":"Field required","input":{}}\
                """)),
        argumentSet(
            "wrong ttl",
            "{\"topic\":\"x\",\"payload\":{},\"ttl\":0}",
            List.of(
                """
                {"type":"greater_than","loc":["body","messages",1,"ttl"],
                 "msg":"Input should be greater than 0","input":0,"ctx":{"gt":0}}\
                """)),
        argumentSet(
            "wrong metadata",
            "{\"topic\":\"x\",\"payload\":{},\"metadata\":{\"k\":1}}",
            List.of(
                """
                {"type":"string_type","loc":["body","messages",1,"metadata","k"],
                 "msg":"Input should be a valid string","input":1}\
                """)),
        argumentSet(
            "number",
            "5",
            List.of(
                """
                {"type":"model_attributes_type","loc":["body","messages",1],
                 "msg":"Input should be a valid dictionary or object to extract fields from",
                 "input":5}\
                """)));
  }

  @ParameterizedTest
  @MethodSource("wrongItems")
  void oneInvalidMessage_failsAllAndStoresNothing(String item, List<String> errors) {
    String topic = RelayClient.unique("onebad");
    String good = Json.write(message(topic, 1));

    admin
        .postRaw(BULK, "{\"messages\":[%s,%s,%s]}".formatted(good, item, good))
        .expectInvalid(errors.toArray(String[]::new));

    admin.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void malformedJson_is422() {
    admin.postRaw(BULK, "{\"messages\":[").expectNotJson();
  }
}
