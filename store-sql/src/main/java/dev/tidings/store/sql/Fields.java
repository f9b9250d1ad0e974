// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The members of one JSON object, which people may have written. What is missing or null is not
/// said; what is wrong, and what is not said but required, is an `IllegalArgumentException` that
/// tells the member, what was found and what was expected.
final class Fields {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final int MAX_SHOWN = 60;

  private final JsonNode object;

  private Fields(JsonNode object) {
    this.object = object;
  }

  static Fields of(String json) {
    try {
      JsonNode node = MAPPER.readTree(json);
      if (!node.isObject()) {
        throw wrong("body", node, "an object");
      }
      return new Fields(node);
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          "body: " + e.getOriginalMessage() + " (expected: an object)", e);
    }
  }

  /// The word that stands for `constant`.
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  String text(String name) {
    return required(optionalText(name), name, "a string");
  }

  Optional<String> optionalText(String name) {
    JsonNode node = find(name);
    if (node == null) {
      return Optional.empty();
    }
    if (!node.isString()) {
      throw wrong(name, node, "a string");
    }
    return Optional.of(node.stringValue());
  }

  long number(String name) {
    OptionalLong number = optionalNumber(name);
    return required(
        number.isPresent() ? Optional.of(number.getAsLong()) : Optional.empty(),
        name,
        "a whole number");
  }

  OptionalLong optionalNumber(String name) {
    JsonNode node = find(name);
    if (node == null) {
      return OptionalLong.empty();
    }
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw wrong(name, node, "a whole number from -2^63 to 2^63 - 1");
    }
    return OptionalLong.of(node.longValue());
  }

  int integer(String name) {
    long number = number(name);
    if (number != (int) number) {
      throw new IllegalArgumentException(
          name + ": " + number + " (expected: a whole number from -2^31 to 2^31 - 1)");
    }
    return (int) number;
  }

  boolean flag(String name) {
    JsonNode node = find(name);
    if (node == null || !node.isBoolean()) {
      throw wrong(name, node, "true or false");
    }
    return node.booleanValue();
  }

  List<String> texts(String name) {
    JsonNode node = find(name);
    if (node == null || !node.isArray()) {
      throw wrong(name, node, "an array of strings");
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : node.values()) {
      if (!element.isString()) {
        throw wrong(name, element, "an array of strings");
      }
      texts.add(element.stringValue());
    }
    return texts;
  }

  /// The constant whose word is there.
  <E extends Enum<E>> E constant(String name, E[] constants) {
    String expected = "one of " + words(constants);
    String found = required(optionalText(name), name, expected);
    return constant(name, found, constants);
  }

  /// The constants whose words are in an array.
  <E extends Enum<E>> List<E> constants(String name, E[] constants) {
    return texts(name).stream().map(found -> constant(name, found, constants)).toList();
  }

  private static <E extends Enum<E>> E constant(String name, String found, E[] constants) {
    return Stream.of(constants)
        .filter(constant -> word(constant).equals(found))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                name + ": \"" + shown(found) + "\" (expected: " + words(constants) + ")"));
  }

  private static String words(Enum<?>[] constants) {
    return Stream.of(constants).map(Fields::word).collect(Collectors.joining(", "));
  }

  private @Nullable JsonNode find(String name) {
    JsonNode node = object.get(name);
    return node == null || node.isNull() ? null : node;
  }

  private static <T> T required(Optional<T> value, String name, String expected) {
    return value.orElseThrow(() -> wrong(name, null, expected));
  }

  private static IllegalArgumentException wrong(
      String name, @Nullable JsonNode found, String expected) {
    return new IllegalArgumentException(
        name
            + ": "
            + (found == null ? "missing" : shown(found.toString()))
            + " (expected: "
            + expected
            + ")");
  }

  private static String shown(String text) {
    return text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "…" : text;
  }
}
