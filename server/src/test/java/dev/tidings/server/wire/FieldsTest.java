// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

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
