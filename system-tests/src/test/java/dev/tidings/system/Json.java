// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.util.Objects.requireNonNull;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads and writes JSON without losing anything: numbers stay exact, nesting is not limited to
/// what the library thinks reasonable.
final class Json {

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(10_000)
                          .maxNumberLength(100_000)
                          .maxStringLength(64 * 1024 * 1024)
                          .build())
                  .build())
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private Json() {}

  static JsonNode parse(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (RuntimeException e) {
      throw new AssertionError("not JSON: " + abbreviate(text), e);
    }
  }

  static String write(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /// An object of alternating keys and values; a value may be null.
  static Map<String, Object> object(Object... keysAndValues) {
    if (keysAndValues.length % 2 != 0) {
      throw new IllegalArgumentException(
          "keysAndValues: " + keysAndValues.length + " (expected: an even number)");
    }
    var map = new LinkedHashMap<String, Object>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) requireNonNull(keysAndValues[i]), keysAndValues[i + 1]);
    }
    return map;
  }

  /// The names of an object's members.
  static List<String> names(JsonNode object) {
    return List.copyOf(object.propertyNames());
  }

  /// The text values of an array.
  static List<String> texts(JsonNode array) {
    return array.valueStream().map(JsonNode::asString).toList();
  }

  static String abbreviate(String text) {
    return text.length() <= 500
        ? text
        : text.substring(0, 500) + "… (" + text.length() + " characters)";
  }
}
