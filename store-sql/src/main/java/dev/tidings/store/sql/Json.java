// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import java.io.StringWriter;
import java.util.function.Consumer;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/// Writes and reads the text of JSON columns, token by token.
final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private Json() {}

  /// The compact JSON that `body` writes. It has a UTF-8 form, and no NUL, whatever its strings
  /// hold.
  static String write(Consumer<JsonGenerator> body) {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
      body.accept(out);
    }
    return withoutUnpaired(text.toString());
  }

  /// The generator leaves unpaired surrogates as they are. Outside of strings there is none, and
  /// within them the escape says the same.
  private static String withoutUnpaired(String json) {
    for (int i = 0; i < json.length(); i++) {
      if (Character.isSurrogate(json.charAt(i)) && Texts.isUnpaired(json, i)) {
        return escapingUnpaired(json, i);
      }
    }
    return json;
  }

  private static String escapingUnpaired(String json, int from) {
    StringBuilder escaped = new StringBuilder(json.length() + 10).append(json, 0, from);
    for (int i = from; i < json.length(); i++) {
      char c = json.charAt(i);
      if (Texts.isUnpaired(json, i)) {
        Texts.appendEscape(escaped, c);
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  /// What `reader` makes of `json`, which is a single value: it is given a parser at the first
  /// token and leaves it at the last.
  ///
  /// @throws IllegalArgumentException if it is not JSON, or not what the reader expects
  static <T> T read(String json, Function<JsonParser, T> reader) {
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), json)) {
      in.nextToken();
      T value = reader.apply(in);
      if (in.nextToken() != null) {
        throw unexpected(in, "the end");
      }
      return value;
    } catch (JacksonException e) {
      throw new IllegalArgumentException("JSON: " + e.getOriginalMessage(), e);
    }
  }

  /// Steps on to the next element of an array; false at its end.
  static boolean nextElement(JsonParser in) {
    return in.nextToken() != JsonToken.END_ARRAY;
  }

  /// Fails unless `in` is at `token`.
  static void expect(JsonParser in, JsonToken token, String name) {
    if (in.currentToken() != token) {
      throw unexpected(in, name);
    }
  }

  /// The whole number `in` is at.
  static long number(JsonParser in) {
    expect(in, JsonToken.VALUE_NUMBER_INT, "a whole number");
    return in.getLongValue();
  }

  /// The whole number `in` is at, of an int's range.
  static int integer(JsonParser in) {
    expect(in, JsonToken.VALUE_NUMBER_INT, "a whole number");
    return in.getIntValue();
  }

  /// The string `in` is at.
  static String text(JsonParser in) {
    expect(in, JsonToken.VALUE_STRING, "a string");
    return in.getString();
  }

  private static IllegalArgumentException unexpected(JsonParser in, String expected) {
    JsonToken found = in.currentToken();
    return new IllegalArgumentException(
        "JSON at "
            + in.streamReadContext().pathAsPointer()
            + ": "
            + (found == null ? "the end" : in.getString())
            + " (expected: "
            + expected
            + ")");
  }
}
