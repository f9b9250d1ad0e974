// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.stream.StoredUuids;
import dev.tidings.core.stream.StreamMessage;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.JsonOut;
import java.util.List;
import java.util.UUID;

/// Messages of streams as JSON: clients of iPubSub refuse any other keys.
final class StreamJson {
  /// Of one message besides its payload.
  private static final int OVERHEAD = 128;

  private StreamJson() {}

  /// The answer to a receive: one message, or a list of them.
  static JsonOut received(List<StreamMessage> messages, boolean isList, EventLoop loop) {
    JsonOut out = new JsonOut(messages.getFirst().payload().size() + OVERHEAD);
    if (isList) {
      messages(out.raw("{\"messages\":"), messages, loop);
    } else {
      fields(out.raw("{"), messages.getFirst(), loop);
    }
    return out.raw("}");
  }

  /// The answer to a replay, which goes on with `token`.
  static JsonOut replayed(List<Message> messages, boolean isList, String token, EventLoop loop) {
    JsonOut out = new JsonOut(messages.getFirst().payload().size() + 2 * OVERHEAD);
    if (isList) {
      out.raw("{\"messages\":[");
      for (int i = 0; i < messages.size(); i++) {
        fields(out.raw(i == 0 ? "{" : ",{"), messages.get(i), loop);
        out.raw("}");
      }
      out.raw("]");
    } else {
      fields(out.raw("{"), messages.getFirst(), loop);
    }
    return out.raw(",\"dbResumeToken\":\"").raw(token).raw("\"}");
  }

  /// An array of messages.
  static void messages(JsonOut out, List<StreamMessage> messages, EventLoop loop) {
    out.raw("[");
    for (int i = 0; i < messages.size(); i++) {
      fields(out.raw(i == 0 ? "{" : ",{"), messages.get(i), loop);
      out.raw("}");
    }
    out.raw("]");
  }

  private static void fields(JsonOut out, StreamMessage message, EventLoop loop) {
    fields(out, message.payload(), message.uuid(), message.timestamp(), loop);
  }

  private static void fields(JsonOut out, Message message, EventLoop loop) {
    fields(out, message.payload(), StoredUuids.of(message), message.timestamp(), loop);
  }

  private static void fields(
      JsonOut out, Payload payload, UUID uuid, long timestamp, EventLoop loop) {
    out.raw("\"message\":")
        .raw(payload)
        .raw(",\"messageUuid\":\"")
        .raw(uuid.toString())
        .raw("\",\"timestamp\":\"")
        .raw(loop.timestamps().format(timestamp))
        .raw("Z\"");
  }
}
