// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Pubsub.Delivered;
import dev.tidings.system.contract.Pubsub.Pair;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Section 8 of the contract: what is refused, in FastAPI's words, which clients read. The expected
/// texts are what FastAPI 0.128 and Pydantic 2.12 answer for fastpubsub's models.
@SystemTest
final class PubsubErrorsTest {
  private static final String PATTERN = "^[a-zA-Z0-9-._]+$";
  private static final String FILTER_TEXT =
      "Value error, Invalid filter structure. Expected format: {\"field_name\": [\"value1\","
          + " \"value2\"]} where values are strings, numbers, or booleans";
  private static final int MAX_BODY = 8 << 20;

  private final TidingsProcess secured;
  private final Pubsub pubsub;
  private final Caller nobody;
  private final Pair pair;
  private final String messages;

  PubsubErrorsTest(
      @On(Setup.DEV) TidingsProcess server, @On(Setup.SECURED) TidingsProcess secured) {
    this.secured = secured;
    this.pubsub = Pubsub.on(server);
    this.nobody = pubsub.caller();
    this.pair = pubsub.pair("");
    this.messages = "/topics/" + pair.topic() + "/messages";
  }

  // The errors, as Pydantic writes them.

  private static String missing(String loc, String input) {
    return "{\"type\":\"missing\",\"loc\":[%s],\"msg\":\"Field required\",\"input\":%s}"
        .formatted(loc, input);
  }

  private static String badPattern(String field, String input) {
    return """
    {"type":"string_pattern_mismatch","loc":["body","%1$s"],
     "msg":"String should match pattern '%3$s'","input":%2$s,"ctx":{"pattern":"%3$s"}}
    """
        .formatted(field, input, PATTERN);
  }

  private static String tooLong(String field, String input) {
    return """
    {"type":"string_too_long","loc":["body","%s"],
     "msg":"String should have at most 128 characters","input":%s,"ctx":{"max_length":128}}
    """
        .formatted(field, Template.quoted(input));
  }

  private static String tooSmall(String loc, String input, int least) {
    return """
    {"type":"greater_than_equal","loc":[%s],
     "msg":"Input should be greater than or equal to %d","input":%s,"ctx":{"ge":%2$d}}
    """
        .formatted(loc, least, input);
  }

  private static String tooLarge(String loc, String input, int most) {
    return """
    {"type":"less_than_equal","loc":[%s],
     "msg":"Input should be less than or equal to %d","input":%s,"ctx":{"le":%2$d}}
    """
        .formatted(loc, most, input);
  }

  private static String wrongType(String type, String loc, String what, String input) {
    return "{\"type\":\"%s\",\"loc\":[%s],\"msg\":\"Input should be a valid %s\",\"input\":%s}"
        .formatted(type, loc, what, input);
  }

  private static String noInteger(String loc, String input) {
    return wrongType("int_parsing", loc, "integer, unable to parse string as an integer", input);
  }

  private static String noUuid(String loc, String input) {
    return """
    {"type":"uuid_parsing","loc":[%s],"msg":"<no-uuid>","input":%s,"ctx":{"error":"<text>"}}
    """
        .formatted(loc, input);
  }

  private static String body(int index) {
    return "\"body\"," + index;
  }

  private static String body(String field) {
    return "\"body\",\"" + field + "\"";
  }

  private static String query(String field) {
    return "\"query\",\"" + field + "\"";
  }

  private Answer subscribe(String further) {
    return pubsub.createSubscription(Caller.unique("bad"), pair.topic(), further);
  }

  private String acks() {
    return Pubsub.path(pair.subscription(), "/acks");
  }

  // Ids

  @Test
  void id_missing() {
    nobody.post("/topics", "{}").expectInvalid(missing(body("id"), "{}"));
    nobody
        .post("/topics", "{\"name\":\"x\"}")
        .expectInvalid(missing(body("id"), "{\"name\":\"x\"}"));
    nobody
        .post("/subscriptions", "{}")
        .expectInvalid(missing(body("id"), "{}") + "," + missing(body("topic_id"), "{}"));
    nobody
        .post("/subscriptions", "{\"id\":\"s\"}")
        .expectInvalid(missing(body("topic_id"), "{\"id\":\"s\"}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"a b\"",
        "\"\"",
        "\"é\"",
        "\"a/b\"",
        "\"a:b\"",
        "\"a\\n\"",
        "\"\\u0000\"",
        "\"日本\"",
        "\"a+b\"",
        "\"~\"",
        "\"😀\""
      })
  void id_outOfTheCharset(String id) {
    nobody.post("/topics", "{\"id\":" + id + "}").expectInvalid(badPattern("id", id));
    nobody
        .post("/subscriptions", "{\"id\":%1$s,\"topic_id\":%1$s}".formatted(id))
        .expectInvalid(badPattern("id", id) + "," + badPattern("topic_id", id));
  }

  @Test
  void id_ofMoreThan128() {
    String id = "x".repeat(129);
    nobody.post("/topics", "{\"id\":\"" + id + "\"}").expectInvalid(tooLong("id", id));
    nobody
        .post("/subscriptions", "{\"id\":\"%1$s\",\"topic_id\":\"%1$s\"}".formatted(id))
        .expectInvalid(tooLong("id", id) + "," + tooLong("topic_id", id));
  }

  @Test
  void id_ofMoreThan128OutOfTheCharset_isTooLong() {
    String id = " ".repeat(129);
    nobody.post("/topics", "{\"id\":\"" + id + "\"}").expectInvalid(tooLong("id", id));
  }

  @ParameterizedTest
  @ValueSource(strings = {"5", "null", "[]", "true", "{}"})
  void id_ofAnotherType(String id) {
    nobody
        .post("/topics", "{\"id\":" + id + "}")
        .expectInvalid(wrongType("string_type", body("id"), "string", id));
  }

  /// The relay has a call there (compatibility.md).
  @Test
  void id_stats_isReserved() {
    assertThat(nobody.post("/topics", "{\"id\":\"stats\"}").expect(422).json().get("detail"))
        .singleElement()
        .satisfies(error -> assertThat(error.get("loc").toString()).isEqualTo("[\"body\",\"id\"]"));
  }

  // Bodies

  @ParameterizedTest
  @ValueSource(strings = {"[]", "\"x\"", "5", "true"})
  void body_thatIsNoObject(String text) {
    String error =
        wrongType(
            "model_attributes_type",
            "\"body\"",
            "dictionary or object to extract fields from",
            text);
    nobody.post("/topics", text).expectInvalid(error);
    nobody.post("/subscriptions", text).expectInvalid(error);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "null"})
  void body_thatIsMissing(String text) {
    String error = missing("\"body\"", "null");
    nobody.post("/topics", text).expectInvalid(error);
    nobody.post("/subscriptions", text).expectInvalid(error);
    nobody.post(messages, text).expectInvalid(error);
    nobody.post(acks(), text).expectInvalid(error);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"id\":|6",
        "{\"id\":\"a\"}x|10",
        "{|1",
        "[1,]|3",
        "nope|0",
        "{\"a\":NaN}|5",
        "{'a':1}|1"
      })
  void body_thatIsNoJson(String text, int position) {
    for (String path : new String[] {"/topics", "/subscriptions", messages, acks()}) {
      Answer answer = nobody.post(path, text).expect(422);
      answer.expectInvalid(
          """
          {"type":"json_invalid","loc":["body",%d],"msg":"JSON decode error","input":{},
           "ctx":{"error":"<text>"}}
          """
              .formatted(answer.json().at("/detail/0/loc/1").asInt(-1)));
      // Where exactly a text stops being JSON is for each parser to say, but within it.
      assertThat(answer.json().at("/detail/0/loc/1").asInt(-1))
          .as("place in %s (FastAPI: %d)", text, position)
          .isBetween(0, text.length());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"x\"", "5", "true", "{}", "{\"id\":[]}"})
  void list_thatIsNone(String text) {
    String error = wrongType("list_type", "\"body\"", "list", text);
    nobody.post(messages, text).expectInvalid(error);
    takingIds().forEach(path -> nobody.post(path, text).expectInvalid(error));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "\"a\"", "null", "[]", "true", "[{}]"})
  void message_thatIsNoObject(String message) {
    String error = wrongType("dict_type", body(0), "dictionary", message);
    nobody.post(messages, "[" + message + "]").expectInvalid(error);
  }

  @Test
  void messages_everyWrongOneIsTold() {
    nobody
        .post(messages, "[{},1,{\"a\":1},\"x\"]")
        .expectInvalid(
            wrongType("dict_type", body(1), "dictionary", "1")
                + ","
                + wrongType("dict_type", body(3), "dictionary", "\"x\""));
  }

  // Subscriptions

  @ParameterizedTest
  @ValueSource(strings = {"[]", "\"x\"", "5", "true", "[{}]"})
  void filter_thatIsNoObject(String filter) {
    subscribe("\"filter\":" + filter)
        .expectInvalid(wrongType("dict_type", body("filter"), "dictionary", filter));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\":\"b\"}",
        "{\"a\":null}",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{\"a\":[null]}",
        "{\"a\":[{}]}",
        "{\"a\":[[]]}",
        "{\"a\":[\"x\",1,true,null]}",
        "{\"a\":[\"x\"],\"b\":\"y\"}"
      })
  void filter_ofAnotherShape(String filter) {
    subscribe("\"filter\":" + filter)
        .expectInvalid(
            "{\"type\":\"value_error\",\"loc\":[\"body\",\"filter\"],\"msg\":%s,\"input\":%s,\"ctx\":{\"error\":{}}}"
                .formatted(Template.quoted(FILTER_TEXT), filter));
  }

  @ParameterizedTest
  @ValueSource(strings = {"max_delivery_attempts", "backoff_min_seconds", "backoff_max_seconds"})
  void numbers_ofSubscriptions(String field) {
    String loc = body(field);
    String member = "\"" + field + "\":";
    subscribe(member + "0").expectInvalid(tooSmall(loc, "0", 1));
    subscribe(member + "-1").expectInvalid(tooSmall(loc, "-1", 1));
    subscribe(member + "null").expectInvalid(wrongType("int_type", loc, "integer", "null"));
    subscribe(member + "[]").expectInvalid(wrongType("int_type", loc, "integer", "[]"));
    subscribe(member + "\"x\"").expectInvalid(noInteger(loc, "\"x\""));
    subscribe(member + "1.5")
        .expectInvalid(
            wrongType(
                "int_from_float", loc, "integer, got a number with a fractional part", "1.5"));
    subscribe(member + "1").expect(201);
  }

  @Test
  void subscription_everyErrorIsTold_inTheOrderOfTheModel() {
    nobody
        .post(
            "/subscriptions",
            """
            {"backoff_max_seconds":0,"backoff_min_seconds":0,"max_delivery_attempts":0,"filter":5,
             "topic_id":"","id":"a b"}
            """)
        .expectInvalid(
            String.join(
                ",",
                badPattern("id", "\"a b\""),
                badPattern("topic_id", "\"\""),
                wrongType("dict_type", body("filter"), "dictionary", "5"),
                tooSmall(body("max_delivery_attempts"), "0", 1),
                tooSmall(body("backoff_min_seconds"), "0", 1),
                tooSmall(body("backoff_max_seconds"), "0", 1)));
  }

  // Queries

  @ParameterizedTest
  @ValueSource(strings = {"/topics", "/subscriptions", "/clients", "dlq"})
  void pages(String list) {
    String path = (list.equals("dlq") ? Pubsub.path(pair.subscription(), "/dlq") : list) + "?";
    nobody.get(path + "offset=0&limit=1").expect(200);
    nobody.get(path + "limit=100").expect(200);
    nobody.get(path + "offset=-1").expectInvalid(tooSmall(query("offset"), "\"-1\"", 0));
    nobody.get(path + "limit=0").expectInvalid(tooSmall(query("limit"), "\"0\"", 1));
    nobody.get(path + "limit=101").expectInvalid(tooLarge(query("limit"), "\"101\"", 100));
    nobody.get(path + "limit=x").expectInvalid(noInteger(query("limit"), "\"x\""));
    nobody.get(path + "offset=").expectInvalid(noInteger(query("offset"), "\"\""));
    nobody.get(path + "limit=1.5").expectInvalid(noInteger(query("limit"), "\"1.5\""));
    nobody
        .get(path + "offset=-1&limit=0")
        .expectInvalid(
            tooSmall(query("offset"), "\"-1\"", 0) + "," + tooSmall(query("limit"), "\"0\"", 1));
    nobody.get(path + "offset=99999999999999999999").expect(200, "{\"data\":[]}");
  }

  @Test
  void consume_queries() {
    String path = Pubsub.path(pair.subscription(), "/messages?");
    String missing = missing(query("consumer_id"), "null");
    nobody.get(path).expectInvalid(missing);
    nobody
        .get(path + "batch_size=0")
        .expectInvalid(missing + "," + tooSmall(query("batch_size"), "\"0\"", 1));
    String consumer = path + "consumer_id=c&";
    nobody.get(consumer + "batch_size=1").expect(200);
    nobody.get(consumer + "batch_size=100").expect(200);
    nobody.get(consumer + "batch_size=0").expectInvalid(tooSmall(query("batch_size"), "\"0\"", 1));
    nobody
        .get(consumer + "batch_size=101")
        .expectInvalid(tooLarge(query("batch_size"), "\"101\"", 100));
    nobody.get(consumer + "batch_size=x").expectInvalid(noInteger(query("batch_size"), "\"x\""));
    nobody.get(consumer + "batch_size=").expectInvalid(noInteger(query("batch_size"), "\"\""));
    nobody.get("/subscriptions/missing/messages").expectInvalid(missing);
  }

  // Ids of messages

  private Stream<String> takingIds() {
    return Stream.of("/acks", "/nacks", "/dlq/reprocess")
        .map(to -> Pubsub.path(pair.subscription(), to));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"x\"",
        "\"\"",
        "\"550e8400-e29b-41d4-a716-44665544000\"",
        "\"550e8400-e29b-41d4-a716-4466554400000\"",
        "\"550e8400-e29b-41d4-a716-44665544000g\"",
        "\"550e8400e29b-41d4-a716-446655440000\"",
        "\" 550e8400-e29b-41d4-a716-446655440000\""
      })
  void messageId_thatIsNoUuid(String id) {
    takingIds()
        .forEach(path -> nobody.post(path, "[" + id + "]").expectInvalid(noUuid(body(0), id)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "null", "[]", "{}", "true"})
  void messageId_ofAnotherType(String id) {
    takingIds()
        .forEach(path ->
            nobody
                .post(path, "[" + id + "]")
                .expectInvalid(
                    """
                    {"type":"uuid_type","loc":["body",0],
                     "msg":"UUID input should be a string, bytes or UUID object","input":%s}
                    """
                        .formatted(id)));
  }

  @Test
  void messageIds_everyWrongOneIsTold_andTheGoodOnesAreLeftAlone() {
    Pair own = pubsub.pair("");
    pubsub.publish(own.topic(), "{}");
    Delivered message = pubsub.awaitOne(own.subscription());

    nobody
        .post(
            Pubsub.path(own.subscription(), "/acks"),
            "[\"%s\",\"y\",\"z\"]".formatted(message.id()))
        .expectInvalid(noUuid(body(1), "\"y\"") + "," + noUuid(body(2), "\"z\""));

    pubsub.awaitMetrics(own.subscription(), 0, 1, 0, 0);
  }

  private static String unknownIds(int count) {
    return IntStream.range(0, count)
        .mapToObj(n -> "\"" + new UUID(0x7000L + n, 0x8000000000000000L | n) + "\"")
        .collect(joining(",", "[", "]"));
  }

  @Test
  void messageIds_upTo10000() {
    takingIds()
        .forEach(path -> {
          nobody.post(path, unknownIds(10_000)).expectNoContent();
          Answer answer = nobody.post(path, unknownIds(10_001)).expect(422);
          assertThat(answer.json().get("detail"))
              .singleElement()
              .satisfies(error -> {
                assertThat(error.get("type").asString()).isEqualTo("too_long");
                assertThat(error.get("loc").toString()).isEqualTo("[\"body\"]");
                assertThat(error.get("msg").asString())
                    .isEqualTo("List should have at most 10000 items after validation, not 10001");
                Template.assertMatches(
                    error.get("ctx"),
                    "{\"field_type\":\"List\",\"max_length\":10000,\"actual_length\":10001}");
              });
        });
  }

  // Order of checks

  @Test
  void checks_jsonThenTokenThenFieldsThenExistence() {
    Caller stranger = Caller.nobody(secured);
    String unauthorized = "Invalid jwt token";
    stranger.post("/topics", "{\"id\":").expect(422);
    stranger.post("/topics", "{}").expectDetail(401, unauthorized);
    stranger.post("/topics/missing/messages", "[").expect(422);
    stranger.post("/topics/missing/messages", "[1]").expectDetail(401, unauthorized);
    stranger.get("/topics?limit=0").expectDetail(401, unauthorized);
    stranger.get("/subscriptions/missing/messages").expectDetail(401, unauthorized);
    stranger.post("/subscriptions/missing/acks", "[\"x\"]").expectDetail(401, unauthorized);
    stranger.get("/clients/x").expectDetail(401, unauthorized);

    nobody
        .post("/topics/missing/messages", "[1]")
        .expectInvalid(wrongType("dict_type", body(0), "dictionary", "1"));
    nobody.post("/subscriptions/missing/acks", "[\"x\"]").expectInvalid(noUuid(body(0), "\"x\""));
    nobody
        .get("/subscriptions/missing/dlq?limit=0")
        .expectInvalid(tooSmall(query("limit"), "\"0\"", 1));
    nobody
        .post("/subscriptions", "{\"id\":\"s\",\"topic_id\":\"missing\",\"filter\":5}")
        .expectInvalid(wrongType("dict_type", body("filter"), "dictionary", "5"));
  }

  // Payloads at their limits

  private static String nested(int depth) {
    // The list and the message are levels too.
    return "[{\"a\":" + "[".repeat(depth - 2) + "]".repeat(depth - 2) + "}]";
  }

  @Test
  void nesting_upTo1000_isDelivered() {
    Pair own = pubsub.pair("");
    String path = "/topics/" + own.topic() + "/messages";

    nobody.post(path, nested(900)).expectNoContent();
    nobody.post(path, nested(1_100)).expect(422);
    nobody.post(path, nested(200_000)).expect(422);

    // Read as text: the test's own parser has limits too.
    assertThat(pubsub.lease(own.subscription(), 1, "").expect(200).body())
        .contains("[".repeat(898) + "]".repeat(898));
  }

  @Test
  void hugePayloads_areDelivered_andBodiesBeyondTheLimitAre413() {
    Pair own = pubsub.pair("\"filter\":{\"k\":[1]}");
    String path = "/topics/" + own.topic() + "/messages";
    String text = "x".repeat(MAX_BODY - 100);

    nobody.post(path, "[{\"k\":1,\"text\":\"" + text + "\"}]").expectNoContent();
    Answer refused = nobody.post(path, "[{\"k\":1,\"text\":\"" + text + "x".repeat(100) + "\"}]");

    refused.expect(413);
    Delivered message = pubsub.awaitOne(own.subscription());
    assertThat(message.payload().get("text").asString()).isEqualTo(text);
    nobody.delete("/topics/" + own.topic()).expectNoContent();
  }

  @Test
  void manyKeysAndLongNumbers_areDelivered() {
    Pair own = pubsub.pair("\"filter\":{\"k99999\":[1]}");
    String keys =
        IntStream.range(0, 100_000)
            .mapToObj("\"k%d\":1"::formatted)
            .collect(joining(",", "{", "}"));

    pubsub.publish(own.topic(), keys);
    nobody
        .post("/topics/" + own.topic() + "/messages", "[{\"n\":" + "1".repeat(10_001) + "}]")
        .expect(422);

    assertThat(pubsub.awaitOne(own.subscription()).payload()).hasSize(100_000);
  }

  @Test
  void noUtf8_is422() {
    // An unpaired surrogate, which no UTF-8 text has; the client would send a question mark.
    nobody.post("/topics", "{\"id\":\"\\ud800\"}").expect(422);
  }
}
