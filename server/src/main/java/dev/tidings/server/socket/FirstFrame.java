// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

import dev.tidings.server.wire.JsonValue;
import java.nio.charset.StandardCharsets;

/// Which API the first frame of a WebSocket belongs to.
enum FirstFrame {
  /// It is one of the relay's.
  RELAY,
  /// It is one of exchanges and queues.
  EXCHANGE,
  /// It is not like either's.
  UNKNOWN;

  /// That of `text`. The types of both APIs differ in case alone; the name of the field may be
  /// written in any, as by the clients of exchanges.
  static FirstFrame of(String text) {
    return JsonValue.parseFirst(text.getBytes(StandardCharsets.UTF_8), 1)
                instanceof JsonValue.Valid(JsonValue.JsonObject frame)
            && frame.fieldIgnoringCase("type").orElse(frame)
                instanceof JsonValue.JsonString(var _, String type)
        ? ofType(type)
        : UNKNOWN;
  }

  private static FirstFrame ofType(String type) {
    return switch (type) {
      case "subscribe", "publish" -> RELAY;
      case "SUBSCRIBE" -> EXCHANGE;
      default -> UNKNOWN;
    };
  }
}
