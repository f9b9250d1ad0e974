// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.message.Payload;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.JsonValue.JsonBoolean;
import dev.tidings.server.wire.JsonValue.JsonNumber;
import dev.tidings.server.wire.JsonValue.JsonObject;
import dev.tidings.server.wire.JsonValue.JsonString;
import dev.tidings.server.wire.Numbers;
import dev.tidings.server.wire.Slice;
import dev.tidings.server.wire.Text;
import dev.tidings.server.wire.Uuids;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What the body of a send asks for, checked as far as that can be without its stream.
///
/// @param streamId 1 to 1024 characters
/// @param messageUuid names the message
/// @param message a JSON value
/// @param size messages the stream holds if this makes it; 0 hands over, or buffers nothing
/// @param timeoutMs how long it may wait for room, milliseconds; 0 not to wait
/// @param ttlMs how long the message is to be kept on disk, milliseconds; empty not to keep it
record SendRequest(
    String streamId,
    UUID messageUuid,
    Payload message,
    int size,
    long timeoutMs,
    OptionalLong ttlMs) {

  /// How deep a body is read; what the message is made of does not matter.
  static final int DEPTH = 1;

  /// How many characters the id of a stream may have.
  static final int MAX_STREAM_ID = 1024;

  /// What is wrong with whatever is refused here.
  static final String ERROR = "invalid request schema";

  private static final int DEFAULT_SIZE = 100;
  private static final long DEFAULT_TTL_S = 86_400;
  private static final int MAX_SHOWN = 100;
  private static final long MS_PER_S = 1000;
  private static final Payload NULL = Payload.of("null");

  private static final String STREAM_ID = "streamId";
  private static final String MESSAGE_UUID = "messageUuid";
  private static final String MESSAGE = "message";
  private static final String SIZE = "inMemoryStreamSize";
  private static final String TIMEOUT = "blockingSendTimeoutSeconds";
  private static final String STORED = "writeToDB";
  private static final String TTL = "dbTTLSeconds";
  private static final Set<String> KNOWN =
      Set.of(STREAM_ID, MESSAGE_UUID, MESSAGE, SIZE, TIMEOUT, STORED, TTL);

  /// Reads a body that was parsed as deep as [#DEPTH].
  static Checked<SendRequest> read(JsonValue.Parsed body, StreamsApi.Settings settings) {
    return switch (body) {
      case JsonValue.Valid(JsonObject(Slice _, Map<String, JsonValue> fields)) ->
          new Reading(fields).read(settings);
      case JsonValue.Valid(JsonValue other) ->
          Checked.bad(ERROR, "the body is " + shown(other) + " (expected: a JSON object)");
      case JsonValue.Invalid(long offset, String reason) ->
          Checked.bad(ERROR, "the body is no JSON at byte " + offset + ": " + reason);
      case JsonValue.Absent _ ->
          Checked.bad(ERROR, "the body is empty (expected: a JSON object with a streamId)");
    };
  }

  private static String shown(JsonValue value) {
    return Text.cut(value.raw().text(), MAX_SHOWN);
  }

  /// One look at the fields. It notes the first fault; what its methods return beside one is a
  /// harmless stand-in.
  private static final class Reading {
    private final Map<String, JsonValue> fields;
    private int found;
    private @Nullable Fault fault;

    private Reading(Map<String, JsonValue> fields) {
      this.fields = fields;
    }

    private Checked<SendRequest> read(StreamsApi.Settings settings) {
      String streamId = streamId();
      Optional<UUID> messageUuid = messageUuid();
      JsonValue message = field(MESSAGE);
      int size =
          (int)
              bounded(
                  SIZE,
                  integer(SIZE, Math.min(DEFAULT_SIZE, settings.maxSize())),
                  0,
                  settings.maxSize());
      long maxTimeoutS = settings.maxTimeout().toSeconds();
      long timeoutS = bounded(TIMEOUT, Math.max(0, integer(TIMEOUT, 0)), 0, maxTimeoutS);
      boolean isStored = bool(STORED);
      long maxTtlS = settings.maxTtl().toSeconds();
      long ttlS = integer(TTL, Math.min(DEFAULT_TTL_S, maxTtlS));
      if (isStored) {
        ttlS = bounded(TTL, ttlS, 1, maxTtlS);
      }
      if (found < fields.size()) {
        note(unknown());
      }
      if (size == 0 && timeoutS == 0 && !isStored) {
        note(
            SIZE
                + ": 0 without "
                + TIMEOUT
                + " (expected: a size of 1 or more, or a timeout within which a receiver comes)");
      }
      if (fault != null) {
        return new Checked.Bad<>(fault);
      }
      return new Checked.Good<>(
          new SendRequest(
              streamId,
              messageUuid.orElseThrow(),
              message == null ? NULL : message.raw().copy(),
              size,
              timeoutS * MS_PER_S,
              isStored ? OptionalLong.of(ttlS * MS_PER_S) : OptionalLong.empty()));
    }

    private void note(String detail) {
      if (fault == null) {
        fault = new Fault(ERROR, detail);
      }
    }

    private String unknown() {
      return fields.keySet().stream()
          .filter(name -> !KNOWN.contains(name))
          .findFirst()
          .map(name -> Text.cut(name, MAX_SHOWN) + ": unknown field (expected: those of the API)")
          .orElse("");
    }

    private @Nullable JsonValue field(String name) {
      JsonValue value = fields.get(name);
      if (value != null) {
        found++;
      }
      return value;
    }

    private void wrong(String name, JsonValue value, String expected) {
      note(name + ": " + shown(value) + " (expected: " + expected + ")");
    }

    private String string(String name, String expected) {
      JsonValue value = field(name);
      switch (value) {
        case null -> note(name + ": missing (expected: " + expected + ")");
        case JsonString(Slice _, String text) -> {
          return text;
        }
        default -> wrong(name, value, expected);
      }
      return "";
    }

    private String streamId() {
      String expected = "a text of 1 to " + MAX_STREAM_ID + " characters";
      String id = string(STREAM_ID, expected);
      if (fault == null && !isStreamId(id)) {
        note(
            STREAM_ID
                + ": "
                + id.codePointCount(0, id.length())
                + " characters (expected: "
                + expected
                + ")");
      }
      return id;
    }

    private Optional<UUID> messageUuid() {
      String expected = "a UUID, such as 550e8400-e29b-41d4-a716-446655440000";
      boolean hadFault = fault != null;
      String text = string(MESSAGE_UUID, expected);
      Optional<UUID> uuid = Uuids.parse(text);
      if (uuid.isEmpty() && !hadFault) {
        note(MESSAGE_UUID + ": \"" + Text.cut(text, MAX_SHOWN) + "\" (expected: " + expected + ")");
      }
      return uuid;
    }

    private long integer(String name, long absent) {
      JsonValue value = field(name);
      switch (value) {
        case null -> {
          return absent;
        }
        case JsonNumber(Slice raw, boolean isInteger) when isInteger -> {
          return Numbers.parse(raw.text()).orElse(Long.MAX_VALUE);
        }
        default -> wrong(name, value, "a whole number");
      }
      return absent;
    }

    private long bounded(String name, long value, long min, long max) {
      if (value < min || value > max) {
        JsonValue field = fields.get(name);
        if (field != null) {
          wrong(name, field, "a whole number from " + min + " to " + max);
        }
        return min;
      }
      return value;
    }

    private boolean bool(String name) {
      JsonValue value = field(name);
      switch (value) {
        case null -> {
          return false;
        }
        case JsonBoolean(Slice _, boolean truth) -> {
          return truth;
        }
        default -> wrong(name, value, "true or false");
      }
      return false;
    }
  }

  /// Whether a stream can have this id.
  static boolean isStreamId(String text) {
    return !text.isEmpty()
        && (text.length() <= MAX_STREAM_ID
            || text.codePointCount(0, text.length()) <= MAX_STREAM_ID);
  }
}
