// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Map;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/// Expected JSON in which `"<name>"` stands for any text of that shape. Everything else must be
/// equal: no member more, none less.
final class Template {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static final String DATE_AND_TIME =
      "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?";

  private static final Map<String, Pattern> SHAPES =
      Map.ofEntries(
          shape("<message-id>", "msg_[0-9a-f]{32}"),
          shape("<session-id>", "sess_[0-9a-f]{12}"),
          shape("<uuid>", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
          shape("<uuid7>", "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
          shape("<uuid8>", "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
          shape("<hex32>", "[0-9a-f]{32}"),
          shape("<time>", DATE_AND_TIME + "Z"),
          shape("<stored-time>", DATE_AND_TIME + "\\+00:00"),
          shape("<microseconds>", "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}Z"),
          shape("<jwt>", "[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+"),
          shape("<no-uuid>", "Input should be a valid UUID, \\S.*"),
          shape("<text>", "(?s).*\\S.*"));

  private static Map.Entry<String, Pattern> shape(String placeholder, String pattern) {
    return Map.entry(placeholder, Pattern.compile(pattern));
  }

  private Template() {}

  static JsonNode parse(String json) {
    try {
      return MAPPER.readTree(json);
    } catch (JacksonException e) {
      throw new AssertionError("not JSON: " + json, e);
    }
  }

  static String quoted(String text) {
    return MAPPER.writeValueAsString(text);
  }

  static void assertMatches(String actual, String template) {
    assertMatches(parse(actual), template);
  }

  static void assertMatches(JsonNode actual, String template) {
    JsonNode expected = parse(template);
    assertThat(masked(actual, expected)).isEqualTo(expected);
  }

  /// Puts the placeholder where the value has the shape that it stands for.
  private static JsonNode masked(JsonNode actual, JsonNode expected) {
    if (actual.isString() && expected.isString()) {
      Pattern shape = SHAPES.get(expected.asString());
      return shape != null && shape.matcher(actual.asString()).matches() ? expected : actual;
    }
    if (actual.isObject() && expected.isObject()) {
      var object = JsonNodeFactory.instance.objectNode();
      for (var member : actual.properties()) {
        JsonNode wanted = expected.get(member.getKey());
        object.set(
            member.getKey(),
            wanted == null ? member.getValue() : masked(member.getValue(), wanted));
      }
      return object;
    }
    if (actual.isArray() && expected.isArray()) {
      var values = new ArrayList<JsonNode>();
      for (int i = 0; i < actual.size(); i++) {
        values.add(i < expected.size() ? masked(actual.get(i), expected.get(i)) : actual.get(i));
      }
      return JsonNodeFactory.instance.arrayNode().addAll(values);
    }
    return actual;
  }
}
