// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.message.Payload;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.JsonValue.JsonArray;
import dev.tidings.server.wire.JsonValue.JsonBoolean;
import dev.tidings.server.wire.JsonValue.JsonNull;
import dev.tidings.server.wire.JsonValue.JsonNumber;
import dev.tidings.server.wire.JsonValue.JsonObject;
import dev.tidings.server.wire.JsonValue.JsonString;
import dev.tidings.server.wire.Numbers;
import dev.tidings.server.wire.Slice;
import dev.tidings.server.wire.Text;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads the fields of a body as the original did: names match whatever their case, null is as good
/// as absent, what is not known is passed over, and nothing is taken for another type.
///
/// It notes the first fault; what its methods return beside one is a harmless stand-in.
final class RequestFields {
  /// How deep a body is read.
  static final int DEPTH = 1;

  /// The most characters of a name or key.
  static final int MAX_TEXT = 255;

  private static final int MAX_SHOWN = 100;

  private final JsonObject object;
  private @Nullable String fault;

  /// The fields of `object`, which was read as deep as [#DEPTH].
  RequestFields(JsonObject object) {
    this.object = object;
  }

  /// What is wrong with them, as far as they were read; empty if nothing is.
  Optional<String> fault() {
    return Optional.ofNullable(fault);
  }

  /// Answers 400 if anything is wrong.
  boolean answeredFault(Call call) {
    fault().ifPresent(text -> call.detail(400, text));
    return fault != null;
  }

  private void note(String name, String found, String expected) {
    if (fault == null) {
      fault = name + ": " + found + " (expected: " + expected + ")";
    }
  }

  private void wrong(String name, JsonValue value, String expected) {
    note(name, Text.cut(value.raw().text(), MAX_SHOWN), expected);
  }

  private Optional<JsonValue> field(String name) {
    return object.fieldIgnoringCase(name).filter(value -> !(value instanceof JsonNull));
  }

  /// A name: 1 to 255 characters, which have to be sent.
  String name(String name) {
    return text(name, 1);
  }

  /// The name of something to be created: as above, but for what stands for a folder, since no
  /// path could name it.
  String newName(String name) {
    String text = name(name);
    if (text.equals(".") || text.equals("..")) {
      note(name, "'" + text + "'", "a name that can stand in a path");
    }
    return text;
  }

  /// A key: up to 255 characters, none if not sent.
  String key(String name) {
    return text(name, 0);
  }

  private String text(String name, int min) {
    String expected = "a text of " + min + " to " + MAX_TEXT + " characters";
    Optional<JsonValue> value = field(name);
    if (value.isEmpty()) {
      if (min > 0) {
        note(name, "missing", expected);
      }
      return "";
    }
    if (!(value.get() instanceof JsonString(Slice _, String text))) {
      wrong(name, value.get(), expected);
      return "";
    }
    int length = text.codePointCount(0, text.length());
    if (length < min || length > MAX_TEXT) {
      note(name, length + " characters", expected);
    }
    return text;
  }

  /// Whether there is a field of that name with another value than null.
  boolean isSent(String name) {
    return field(name).isPresent();
  }

  /// The text of a field; empty if it is not sent or no text.
  Optional<String> optionalText(String name) {
    return field(name)
        .filter(JsonString.class::isInstance)
        .map(value -> ((JsonString) value).value());
  }

  /// Up to `max` texts in an array; none if not sent.
  List<String> texts(String name, int max) {
    Optional<JsonValue> value = field(name);
    if (value.isEmpty()) {
      return List.of();
    }
    if (value.get() instanceof JsonArray(Slice _, List<JsonValue> items)
        && items.size() <= max
        && items.stream().allMatch(JsonString.class::isInstance)) {
      return items.stream().map(item -> ((JsonString) item).value()).toList();
    }
    wrong(name, value.get(), "an array of at most " + max + " texts");
    return List.of();
  }

  /// Notes that a field that was sent is not what was expected.
  void invalid(String name, String expected) {
    field(name)
        .ifPresentOrElse(
            value -> wrong(name, value, expected), () -> note(name, "missing", expected));
  }

  /// Whether `text` has no more characters than names and keys may.
  static boolean isShortEnough(String text) {
    return text.codePointCount(0, text.length()) <= MAX_TEXT;
  }

  /// The bytes of any value but null, which has to be sent.
  Payload payload(String name) {
    Optional<JsonValue> value = field(name);
    if (value.isEmpty()) {
      note(name, "missing or null", "any other JSON value");
    }
    return value.map(it -> it.raw().copy()).orElse(Payload.EMPTY);
  }

  /// True or false; false if not sent.
  boolean flag(String name) {
    Optional<JsonValue> value = field(name);
    if (value.isPresent() && value.get() instanceof JsonBoolean(Slice _, boolean truth)) {
      return truth;
    }
    value.ifPresent(it -> wrong(name, it, "true or false"));
    return false;
  }

  /// A whole number from 1 to `max`, or nothing if not sent.
  OptionalLong count(String name, long max) {
    return count(name, 1, max);
  }

  /// A whole number from `min` to `max`, or nothing if not sent.
  OptionalLong count(String name, long min, long max) {
    Optional<JsonValue> value = field(name);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    if (value.get() instanceof JsonNumber(Slice raw, boolean isInteger) && isInteger) {
      OptionalLong number = Numbers.parse(raw.text());
      if (number.isPresent() && number.getAsLong() >= min && number.getAsLong() <= max) {
        return number;
      }
    }
    wrong(name, value.get(), "a whole number from " + min + " to " + max);
    return OptionalLong.empty();
  }

  /// One of the words for `values`, in any case, which has to be sent.
  <E extends Enum<E>> E word(String name, E[] values) {
    if (field(name).isEmpty()) {
      note(name, "missing", words(values));
    }
    return word(name, values, values[0]);
  }

  /// One of the words for `values`, in any case; `absent` if not sent.
  <E extends Enum<E>> E word(String name, E[] values, E absent) {
    Optional<JsonValue> value = field(name);
    if (value.isPresent() && value.get() instanceof JsonString(Slice _, String word)) {
      for (E known : values) {
        if (spelt(known).equalsIgnoreCase(word)) {
          return known;
        }
      }
    }
    value.ifPresent(it -> wrong(name, it, words(values)));
    return absent;
  }

  private static String words(Enum<?>[] values) {
    return Arrays.stream(values)
        .map(RequestFields::spelt)
        .collect(Collectors.joining(", ", "one of ", ""));
  }

  /// The word for a value, as the API shows it.
  static String spelt(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
