// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;

/// One JSON value and where its bytes lie in the text it came in, so that a payload is found in one
/// pass and kept as it was sent.
///
/// Objects and arrays are read down to a depth the reader asks for; what lies deeper is checked to
/// be well-formed and kept as bytes.
public sealed interface JsonValue {

  /// The bytes of the value within its text.
  Slice raw();

  /// An object; of two equal keys the later counts. Empty where it lies deeper than was asked for.
  record JsonObject(Slice raw, Map<String, JsonValue> fields) implements JsonValue {

    /// The field called `name`, or else the last one that is called so but for upper and lower
    /// case.
    public Optional<JsonValue> fieldIgnoringCase(String name) {
      JsonValue exact = fields.get(name);
      return exact != null
          ? Optional.of(exact)
          : fields.entrySet().stream()
              .filter(field -> field.getKey().equalsIgnoreCase(name))
              .reduce((_, later) -> later)
              .map(Map.Entry::getValue);
    }
  }

  /// An array. Empty where it lies deeper than was asked for.
  record JsonArray(Slice raw, List<JsonValue> items) implements JsonValue {}

  /// A string.
  record JsonString(Slice raw, String value) implements JsonValue {}

  /// A number, as written.
  record JsonNumber(Slice raw, boolean isInteger) implements JsonValue {}

  /// True or false.
  record JsonBoolean(Slice raw, boolean value) implements JsonValue {}

  /// Null.
  record JsonNull(Slice raw) implements JsonValue {}

  /// What reading a text came to.
  sealed interface Parsed {}

  /// A value.
  record Valid(JsonValue value) implements Parsed {}

  /// No JSON.
  ///
  /// @param offset the byte it was noticed at
  /// @param reason what was expected there
  record Invalid(long offset, String reason) implements Parsed {}

  /// There is no text at all.
  record Absent() implements Parsed {}

  /// Reads `text` with objects and arrays down to `depth`: 1 reads the fields of the outermost
  /// object and no deeper. Text that is not UTF-8 is invalid, since it could not be sent on in a
  /// WebSocket text frame; so are, as far as it is read, strings with an unpaired surrogate, which
  /// no answer could repeat, and more than 100,000 values, which would cost far more than their
  /// size.
  static Parsed parse(byte[] text, int depth) {
    return parse(text, depth, /* whole= */ true);
  }

  /// Reads the first value in `text`, as [#parse] does. What comes after it has to be UTF-8 too and
  /// is not looked at otherwise.
  static Parsed parseFirst(byte[] text, int depth) {
    return parse(text, depth, /* whole= */ false);
  }

  private static Parsed parse(byte[] text, int depth, boolean whole) {
    if (text.length == 0) {
      return new Absent();
    }
    if (!isUtf8(text)) {
      return new Invalid(0, "Text is not UTF-8");
    }
    return new Reading(text).document(depth, whole);
  }

  private static boolean isUtf8(byte[] text) {
    for (byte b : text) {
      if (b < 0) {
        try {
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
          return true;
        } catch (CharacterCodingException _) {
          // The answer, not an error.
          return false;
        }
      }
    }
    return true;
  }

  /// One pass over one text.
  final class Reading {
    private static final JsonFactory FACTORY =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(1000)
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNumberLength(10_000)
                    .maxNameLength(1 << 20)
                    .build())
            .build();

    private static final int MAX_VALUES = 100_000;

    private final byte[] text;
    private int values;

    private Reading(byte[] text) {
      this.text = text;
    }

    private Parsed document(int depth, boolean whole) {
      try (JsonParser parser =
          FACTORY.createParser(ObjectReadContext.empty(), text, 0, text.length)) {
        if (parser.nextToken() == null) {
          return new Invalid(text.length, "Expecting value");
        }
        JsonValue value = value(parser, depth);
        if (whole && parser.nextToken() != null) {
          return new Invalid(parser.currentTokenLocation().getByteOffset(), "Extra data");
        }
        return new Valid(value);
      } catch (JacksonException e) {
        long offset = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
        String reason = withoutInternals(e.getOriginalMessage());
        return new Invalid(
            offset, Text.isWellFormed(reason) ? reason : "Unexpected character, or none");
      }
    }

    /// What the library says of its own settings is of no use to whoever sent the text.
    private static String withoutInternals(String reason) {
      int start = reason.indexOf(" (start marker at [Source");
      int setting = reason.indexOf(", from `StreamReadConstraints");
      return start >= 0
          ? reason.substring(0, start)
          : setting >= 0 ? reason.substring(0, setting) + ")" : reason;
    }

    private JsonValue value(JsonParser parser, int depth) {
      int start = (int) parser.currentTokenLocation().getByteOffset();
      JsonToken token = parser.currentToken();
      if (++values > MAX_VALUES) {
        throw new StreamReadException(parser, "More than " + MAX_VALUES + " values");
      }
      return switch (token) {
        case START_OBJECT -> object(parser, start, depth);
        case START_ARRAY -> array(parser, start, depth);
        case VALUE_STRING -> {
          String value = wellFormed(parser, parser.getString());
          yield new JsonString(raw(parser, start), value);
        }
        case VALUE_NUMBER_INT -> new JsonNumber(finished(parser, start), true);
        case VALUE_NUMBER_FLOAT -> new JsonNumber(finished(parser, start), false);
        case VALUE_TRUE -> new JsonBoolean(raw(parser, start), true);
        case VALUE_FALSE -> new JsonBoolean(raw(parser, start), false);
        case VALUE_NULL -> new JsonNull(raw(parser, start));
        case END_OBJECT, END_ARRAY, PROPERTY_NAME, NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT ->
            throw new IllegalStateException("a JSON value cannot begin with " + token);
      };
    }

    private JsonValue object(JsonParser parser, int start, int depth) {
      if (depth == 0) {
        parser.skipChildren();
        return new JsonObject(raw(parser, start), Map.of());
      }
      Map<String, JsonValue> fields = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = wellFormed(parser, parser.currentName());
        parser.nextToken();
        fields.put(name, value(parser, depth - 1));
      }
      return new JsonObject(raw(parser, start), fields);
    }

    private JsonValue array(JsonParser parser, int start, int depth) {
      if (depth == 0) {
        parser.skipChildren();
        return new JsonArray(raw(parser, start), List.of());
      }
      List<JsonValue> items = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        items.add(value(parser, depth - 1));
      }
      return new JsonArray(raw(parser, start), items);
    }

    private static String wellFormed(JsonParser parser, String string) {
      if (!Text.isWellFormed(string)) {
        throw new StreamReadException(parser, "Unpaired surrogate in a string");
      }
      return string;
    }

    private Slice raw(JsonParser parser, int start) {
      return new Slice(text, start, (int) parser.currentLocation().getByteOffset());
    }

    /// The bytes of a number, after which the parser may have looked ahead.
    private Slice finished(JsonParser parser, int start) {
      return new Slice(text, start, start + parser.getStringLength());
    }
  }
}
