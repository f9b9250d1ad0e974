// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FieldsTest {
  private static final Pattern WORD = Pattern.compile("[a-z]+");

  private static JsonValue json(String text) {
    JsonValue.Parsed parsed = JsonValue.parse(text.getBytes(StandardCharsets.UTF_8), 2);
    assertThat(parsed).isInstanceOf(JsonValue.Valid.class);
    return ((JsonValue.Valid) parsed).value();
  }

  private static String told(Fields fields) {
    return FieldError.write(fields.errors()).text();
  }

  @Test
  void matching_isHeldToTheWholeTextAndItsLength() {
    Fields fields = Fields.of(json("{\"good\":\"abc\",\"bad\":\"ab\\n\",\"long\":\"abcd\"}"));
    assertThat(fields.matching("good", 3, WORD, "^[a-z]+$")).isEqualTo("abc");
    fields.matching("bad", 3, WORD, "^[a-z]+$");
    fields.matching("long", 3, WORD, "^[a-z]+$");
    fields.matching("none", 3, WORD, "^[a-z]+$");
    assertThat(fields.errors())
        .extracting(FieldError::type)
        .containsExactly("string_pattern_mismatch", "string_too_long", "missing");
    assertThat(told(fields))
        .contains(
            "\"msg\":\"String should match pattern '^[a-z]+$'\",\"input\":\"ab\\n\","
                + "\"ctx\":{\"pattern\":\"^[a-z]+$\"}");
  }

  @Test
  void items_areObjects() {
    assertThat(Fields.ofList(json("[]")).items()).isEmpty();
    Fields fields = Fields.ofList(json("[{\"a\": 1},2]"));
    assertThat(fields.items()).hasSize(1).first().hasToString("Payload[8 bytes]");
    assertThat(told(fields))
        .isEqualTo(
            "{\"detail\":[{\"type\":\"dict_type\",\"loc\":[\"body\",1],"
                + "\"msg\":\"Input should be a valid dictionary\",\"input\":2}]}");
    Fields none = Fields.ofList(json("{}"));
    assertThat(none.items()).isEmpty();
    assertThat(told(none))
        .isEqualTo(
            "{\"detail\":[{\"type\":\"list_type\",\"loc\":[\"body\"],"
                + "\"msg\":\"Input should be a valid list\",\"input\":{}}]}");
  }

  private static OptionalLong seconds(String value) {
    Fields fields = Fields.of(json("{\"s\":" + value + "}"));
    OptionalLong ms = fields.optionalSeconds("s");
    assertThat(fields.hasErrors()).as(value).isEqualTo(ms.isEmpty() && !value.equals("null"));
    return ms;
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "-0.0, 0",
    "0e-999999999, 0",
    "1, 1000",
    "0.25, 250",
    "0.001, 1",
    "0.0011, 2",
    "1e-999999999, 1",
    "2.5e3, 2500000",
    "9223372036854775, 9223372036854775000",
    "9223372036854776, 9223372036854775807",
    "1e999999999, 9223372036854775807",
    "true, 1000",
    "'\"1.5\"', 1500",
    "'\" .5 \"', 500",
  })
  void seconds_mayHaveAFraction_andBecomeMillisecondsRoundedUp(String value, long ms) {
    assertThat(seconds(value)).hasValue(ms);
  }

  @Test
  void seconds_thatAreNone_areTold() {
    assertThat(seconds("null")).isEmpty();
    assertThat(Fields.of(json("{}")).optionalSeconds("s")).isEmpty();
    Fields fields =
        Fields.of(json("{\"a\":-0.001,\"b\":\"soon\",\"c\":[],\"d\":1e99999999999,\"e\":\"NaN\"}"));
    List.of("a", "b", "c", "d", "e").forEach(fields::optionalSeconds);
    assertThat(fields.errors())
        .extracting(FieldError::type)
        .containsExactly(
            "greater_than_equal", "float_parsing", "float_type", "finite_number", "float_parsing");
  }

  @ParameterizedTest
  @CsvSource({
    "1970-01-01T00:00:00Z, 0",
    "1970-01-01T00:00:00.250Z, 250",
    "1970-01-01T00:00:00.2509999Z, 250",
    "1970-01-01t00:00z, 0",
    "1970-01-01T02:00:00+02:00, 0",
    "1969-12-31T23:59:59.999-00:00, -1",
    "1970-01-01T05:30:00+05:30, 0",
    "2030-01-31T12:00:00Z, 1896091200000",
    "+999999999-12-31T23:59:59Z, 9223372036854774000",
    "-999999999-01-01T00:00:00Z, -9223372036854774000",
  })
  void times_areReadToTheMillisecond(String text, long ms) {
    Fields fields = Fields.of(json("{\"t\":\"" + text + "\"}"));
    assertThat(fields.optionalTime("t")).hasValue(ms);
    assertThat(fields.errors()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"\"",
        "\"now\"",
        "\"2030-01-31\"",
        "\"2030-01-31T12:00:00\"",
        "\"2030-02-30T12:00:00Z\"",
        "\"2030-01-31T25:00:00Z\"",
        "\"2030-01-31T12:00:00Z \"",
        "\"2030-01-31T12:00:00+0530\"",
        "\"1896091200000\"",
        "1896091200000",
        "true",
        "[]",
      })
  void times_thatAreNone_areTold(String value) {
    Fields fields = Fields.of(json("{\"t\":" + value + "}"));
    assertThat(fields.optionalTime("t")).isEmpty();
    assertThat(fields.errors())
        .extracting(FieldError::type)
        .containsExactly(value.startsWith("\"") ? "datetime_parsing" : "datetime_type");
  }

  @Test
  void integers_areHeldToTheirBounds() {
    Fields fields = Fields.of(json("{\"low\":0,\"first\":1,\"last\":3,\"high\":4,\"null\":null}"));
    assertThat(fields.requiredInteger("first", 1, 3)).isEqualTo(1);
    assertThat(fields.requiredInteger("last", 1, 3)).isEqualTo(3);
    assertThat(fields.optionalInteger("null", 1, 3)).isEmpty();
    assertThat(fields.optionalInteger("none", 1, 3)).isEmpty();
    assertThat(fields.errors()).isEmpty();
    assertThat(fields.optionalInteger("low", 1, 3)).isEmpty();
    assertThat(fields.optionalInteger("high", 1, 3)).isEmpty();
    fields.requiredInteger("none", 1, 3);
    fields.requiredInteger("null", 1, 3);
    assertThat(fields.errors())
        .extracting(FieldError::type)
        .isEqualTo(List.of("greater_than_equal", "less_than_equal", "missing", "int_type"));
  }
}
