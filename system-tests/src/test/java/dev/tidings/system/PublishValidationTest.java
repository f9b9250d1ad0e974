// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What is refused, with the errors of pydantic 2 to the letter, and leaves no trace.
@SystemTest
final class PublishValidationTest {

  private static final String CHARSET =
      "Value error, Topic must contain only alphanumeric characters, hyphens, and underscores";

  private final RelayClient admin;

  PublishValidationTest(@On(Setup.DEV) TidingsProcess server) {
    this.admin = server.admin();
  }

  /// One error, with the context left out where it is empty.
  private static String error(String type, String field, String msg, String input, String ctx) {
    return "{\"type\":\"%s\",\"loc\":[\"body\",%s],\"msg\":\"%s\",\"input\":%s%s}"
        .formatted(type, field, msg, input, ctx.isEmpty() ? "" : ",\"ctx\":" + ctx);
  }

  private static Arguments wrongTopic(String name, String topic, String error) {
    return argumentSet(name, "{\"topic\":" + topic + ",\"payload\":{\"n\":1}}", List.of(error));
  }

  private static Arguments charset(String topic) {
    String quoted = Json.write(topic);
    return wrongTopic(
        "topic " + quoted,
        quoted,
        error("value_error", "\"topic\"", CHARSET, quoted, "{\"error\":{}}"));
  }

  static Stream<Arguments> wrongTopics() {
    String tooLong = Json.write("x".repeat(256));
    String tooLongBeyondBasicPlane = Json.write("𝐀".repeat(256));
    return Stream.of(
        charset("invalid@topic!"),
        charset("-"),
        charset("-_-"),
        charset("with space"),
        charset(" leading"),
        charset("dotted.name"),
        charset("slash/ed"),
        charset("../../etc/passwd"),
        charset("tab\tbed"),
        charset("nul\u0000"),
        charset("new\nline"),
        charset("😀"),
        charset("combining e\u0301"),
        charset("zero\u200bwidth"),
        wrongTopic(
            "empty",
            "\"\"",
            error(
                "string_too_short",
                "\"topic\"",
                "String should have at least 1 character",
                "\"\"",
                "{\"min_length\":1}")),
        wrongTopic(
            "256 characters",
            tooLong,
            error(
                "string_too_long",
                "\"topic\"",
                "String should have at most 255 characters",
                tooLong,
                "{\"max_length\":255}")),
        wrongTopic(
            "256 characters beyond the basic plane",
            tooLongBeyondBasicPlane,
            error(
                "string_too_long",
                "\"topic\"",
                "String should have at most 255 characters",
                tooLongBeyondBasicPlane,
                "{\"max_length\":255}")),
        wrongTopic("number", "5", notAString("5")),
        wrongTopic("null", "null", notAString("null")),
        wrongTopic("boolean", "true", notAString("true")),
        wrongTopic("list", "[\"a\"]", notAString("[\"a\"]")),
        wrongTopic("object", "{\"a\":{}}", notAString("{\"a\":{}}")));
  }

  private static String notAString(String input) {
    return error("string_type", "\"topic\"", "Input should be a valid string", input, "");
  }

  @ParameterizedTest
  @MethodSource("wrongTopics")
  void topic_thatIsNone_is422(String body, List<String> errors) {
    admin.postRaw("/api/v1/messages", body).expectInvalid(errors.toArray(String[]::new));
  }

  private static Arguments wrong(String name, String fields, String... errors) {
    return argumentSet(name, fields, List.of(errors));
  }

  private static Arguments wrongPayload(String value) {
    return wrong(
        "payload " + value,
        "\"payload\":" + value,
        error("dict_type", "\"payload\"", "Input should be a valid dictionary", value, ""));
  }

  private static Arguments wrongTtl(String value, String type, String msg, String ctx) {
    return wrong(
        "ttl " + value, "\"payload\":{},\"ttl\":" + value, error(type, "\"ttl\"", msg, value, ctx));
  }

  private static Arguments ttlNotPositive(String value) {
    return wrongTtl(value, "greater_than", "Input should be greater than 0", "{\"gt\":0}");
  }

  private static Arguments ttlUnreadable(String value) {
    return wrongTtl(
        value,
        "int_parsing",
        "Input should be a valid integer, unable to parse string as an integer",
        "");
  }

  private static Arguments ttlOfWrongType(String value) {
    return wrongTtl(value, "int_type", "Input should be a valid integer", "");
  }

  private static Arguments wrongMetadata(String value) {
    return wrong(
        "metadata " + value,
        "\"payload\":{},\"metadata\":" + value,
        error("dict_type", "\"metadata\"", "Input should be a valid dictionary", value, ""));
  }

  private static String metadataValue(String key, String input) {
    return error(
        "string_type", "\"metadata\",\"" + key + "\"", "Input should be a valid string", input, "");
  }

  static Stream<Arguments> wrongFields() {
    return Stream.of(
        wrongPayload("\"text\""),
        wrongPayload("[1]"),
        wrongPayload("[]"),
        wrongPayload("null"),
        wrongPayload("5"),
        wrongPayload("true"),
        wrongPayload("[[\"a\",1]]"),
        ttlNotPositive("0"),
        ttlNotPositive("-1"),
        ttlNotPositive("\"0\""),
        ttlNotPositive("\"-5\""),
        ttlNotPositive("0.0"),
        ttlNotPositive("false"),
        ttlUnreadable("\"abc\""),
        ttlUnreadable("\"\""),
        ttlUnreadable("\"3.5\""),
        wrongTtl(
            "3.5",
            "int_from_float",
            "Input should be a valid integer, got a number with a fractional part",
            ""),
        ttlOfWrongType("[1]"),
        ttlOfWrongType("{}"),
        wrongMetadata("[1]"),
        wrongMetadata("\"x\""),
        wrongMetadata("5"),
        wrong(
            "metadata with a number",
            "\"payload\":{},\"metadata\":{\"a\":1}",
            metadataValue("a", "1")),
        wrong(
            "metadata with a null",
            "\"payload\":{},\"metadata\":{\"a\":null}",
            metadataValue("a", "null")),
        wrong(
            "metadata with two wrong values",
            "\"payload\":{},\"metadata\":{\"a\":1,\"b\":\"right\",\"c\":[2]}",
            metadataValue("a", "1"),
            metadataValue("c", "[2]")),
        wrong(
            "everything but the topic",
            "\"metadata\":5,\"ttl\":0,\"payload\":[]",
            error("dict_type", "\"payload\"", "Input should be a valid dictionary", "[]", ""),
            error("greater_than", "\"ttl\"", "Input should be greater than 0", "0", "{\"gt\":0}"),
            error("dict_type", "\"metadata\"", "Input should be a valid dictionary", "5", "")));
  }

  @ParameterizedTest
  @MethodSource("wrongFields")
  void field_thatIsWrong_is422AndMakesNoTopic(String fields, List<String> errors) {
    String topic = RelayClient.unique("invalid");

    admin
        .postRaw("/api/v1/messages", "{\"topic\":\"" + topic + "\"," + fields + "}")
        .expectInvalid(errors.toArray(String[]::new));

    admin.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void everyFieldWrong_isToldAtOnceInTheOrderOfTheModel() {
    admin
        .postRaw("/api/v1/messages", "{\"metadata\":5,\"ttl\":0,\"payload\":[],\"topic\":\"\"}")
        .expectInvalid(
            error(
                "string_too_short",
                "\"topic\"",
                "String should have at least 1 character",
                "\"\"",
                "{\"min_length\":1}"),
            error("dict_type", "\"payload\"", "Input should be a valid dictionary", "[]", ""),
            error("greater_than", "\"ttl\"", "Input should be greater than 0", "0", "{\"gt\":0}"),
            error("dict_type", "\"metadata\"", "Input should be a valid dictionary", "5", ""));
  }

  @Test
  void missingFields_are422WithTheWholeBodyAsInput() {
    admin
        .postRaw("/api/v1/messages", "{\"ttl\":5}")
        .expectInvalid(
            error("missing", "\"topic\"", "Field required", "{\"ttl\":5}", ""),
            error("missing", "\"payload\"", "Field required", "{\"ttl\":5}", ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"[1]", "[]", "\"text\"", "5", "true"})
  void body_thatIsNoObject_is422(String body) {
    admin
        .postRaw("/api/v1/messages", body)
        .expectInvalid(
            "{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a"
                + " valid dictionary or object to extract fields from\",\"input\":"
                + body
                + "}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "null"})
  void body_thatIsNothing_is422(String body) {
    admin
        .postRaw("/api/v1/messages", body)
        .expectInvalid(
            "{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}");
  }

  static Stream<Arguments> malformed() {
    String open = "{\"topic\":\"%s\",\"payload\":";
    return Stream.of(
        argumentSet("an open brace", "{"),
        argumentSet("text", "not json"),
        argumentSet("single quotes", "{'topic':'%s','payload':{}}"),
        argumentSet("ends within a string", "{\"topic\":\"%s"),
        argumentSet("ends within the payload", open + "{\"a\":1"),
        argumentSet("a comma too many", open + "{},}"),
        argumentSet("a comma too many in the payload", open + "{\"a\":1,}}"),
        argumentSet("no colon", "{\"topic\" \"%s\"}"),
        argumentSet("no value", open + "{\"a\":}}"),
        argumentSet("two values", open + "{}} {}"),
        argumentSet("text behind it", open + "{}}x"),
        argumentSet("a bracket too many", open + "{}}}"),
        argumentSet("brackets that do not match", open + "{\"a\":[1}}"),
        argumentSet("a raw control character", open + "{\"a\":\"\u0001\"}}"),
        argumentSet("an unknown escape", open + "{\"a\":\"\\x\"}}"),
        argumentSet("half an escape", open + "{\"a\":\"\\u12\"}}"),
        argumentSet("a leading zero", open + "{\"a\":01}}"),
        argumentSet("a plus sign", open + "{\"a\":+1}}"),
        argumentSet("a bare point", open + "{\"a\":1.}}"),
        argumentSet("a comment", open + "{/* a */}}"),
        argumentSet("NaN", open + "{\"a\":NaN}}"),
        argumentSet("Infinity", open + "{\"a\":-Infinity}}"),
        argumentSet("only spaces", "   "));
  }

  @ParameterizedTest
  @MethodSource("malformed")
  void body_thatIsNotJson_is422AndStoresNothing(String body) {
    String topic = RelayClient.unique("malformed");

    admin.postRaw("/api/v1/messages", body.replace("%s", topic)).expectNotJson();

    admin.createTopic("topic_name", topic).expect(201);
  }

  @ParameterizedTest
  @CsvSource({"{,1", "not json,0", "[1 2],3"})
  void body_thatIsNotJson_namesTheOffset(String body, int offset) {
    JsonNode error =
        admin.postRaw("/api/v1/messages", body).expectNotJson().json().get("detail").get(0);

    assertThat(error.get("loc").get(1).asInt()).isEqualTo(offset);
  }

  static Stream<Arguments> badBytes() {
    return Stream.of(
        argumentSet("a lone continuation byte", new byte[] {(byte) 0x80}),
        argumentSet("never valid", new byte[] {(byte) 0xff}),
        argumentSet("broken sequence", new byte[] {(byte) 0xc3, '('}),
        argumentSet("overlong slash", new byte[] {(byte) 0xc0, (byte) 0xaf}),
        argumentSet("encoded surrogate", new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80}),
        argumentSet(
            "beyond unicode", new byte[] {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80}));
  }

  @ParameterizedTest
  @MethodSource("badBytes")
  void payload_thatIsNotUtf8_isRefusedAndStoresNothing(byte[] bad) {
    String topic = RelayClient.unique("bytes");
    byte[] head = ("{\"topic\":\"" + topic + "\",\"payload\":{\"a\":\"").getBytes(UTF_8);
    byte[] tail = "\"}}".getBytes(UTF_8);
    byte[] body =
        ByteBuffer.allocate(head.length + bad.length + tail.length)
            .put(head)
            .put(bad)
            .put(tail)
            .array();

    assertThat(admin.postRaw("/api/v1/messages", body).status()).isIn(400, 422);

    admin.createTopic("topic_name", topic).expect(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":"})
  void payload_nestedAHundredThousandDeep_isRefusedAndTheServerGoesOn(String opening) {
    String topic = RelayClient.unique("deep");

    Reply reply =
        admin.postRaw(
            "/api/v1/messages",
            "{\"topic\":\"" + topic + "\",\"payload\":{\"a\":" + opening.repeat(100_000));

    assertThat(reply.status()).isIn(400, 422);
    admin.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void aKeyTwiceInTheEnvelope_neverCountsTheFirst() {
    // Two readers that disagree about which one counts are how checks are passed by.
    String first = RelayClient.unique("first");
    String last = RelayClient.unique("last");
    Reply reply =
        admin.postRaw(
            "/api/v1/messages",
            "{\"topic\":\"%s\",\"payload\":{},\"topic\":\"%s\"}".formatted(first, last));

    assertThat(reply.status()).isIn(201, 422);
    if (reply.status() == 201) {
      assertThat(reply.json().get("topic").asString()).isEqualTo(last);
    }
    admin.createTopic("topic_name", first).expect(201);
  }
}
