// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

import dev.tidings.server.wire.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/// Which API the first frame of a WebSocket belongs to.
enum FirstFrame {
  /// It is one of the relay's.
  RELAY,
  /// It is one of exchanges and queues.
  EXCHANGE,
  /// It is not like either's.
  UNKNOWN;

  private static final String TYPE = "type";

  /// That of `text`. The types of both APIs differ in case alone; the name of the field may be
  /// written in any, as the clients of exchanges may.
  static FirstFrame of(String text) {
    JsonValue.Parsed parsed = JsonValue.parse(text.getBytes(StandardCharsets.UTF_8), 1);
    return parsed instanceof JsonValue.Valid(JsonValue.JsonObject frame)
        ? type(frame.fields()).map(FirstFrame::ofType).orElse(UNKNOWN)
        : UNKNOWN;
  }

  private static Optional<String> type(Map<String, JsonValue> fields) {
    JsonValue exact = fields.get(TYPE);
    Optional<JsonValue> value =
        exact != null
            ? Optional.of(exact)
            : fields.entrySet().stream()
                .filter(field -> field.getKey().equalsIgnoreCase(TYPE))
                .findFirst()
                .map(Map.Entry::getValue);
    return value
        .filter(JsonValue.JsonString.class::isInstance)
        .map(it -> ((JsonValue.JsonString) it).value());
  }

  private static FirstFrame ofType(String type) {
    return switch (type) {
      case "subscribe", "publish" -> RELAY;
      case "SUBSCRIBE" -> EXCHANGE;
      default -> UNKNOWN;
    };
  }
}
