// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.FrameFormat;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import io.netty.buffer.ByteBuf;

/// The events of a topic's stream, as Server-Sent Events (HTML Living Standard, section 9.2).
final class EventFrames implements FrameFormat {
  static final EventFrames EVENTS = new EventFrames();

  private static final byte[] ID = JsonOut.ascii("id: ");
  private static final byte[] MESSAGE = JsonOut.ascii("\nevent: message\n");
  private static final byte[] HEARTBEAT = JsonOut.ascii(":\n\n");
  private static final String DATA = "data: ";

  private EventFrames() {}

  /// A message: the data is the same JSON as in a WebSocket's frame, but where the payload has line
  /// breaks, each is an LF for the reader.
  @Override
  public void write(JsonOut out, TopicLog log, Message message, Timestamps timestamps) {
    JsonOut json = new JsonOut(256 + message.size());
    RelayFrames.MESSAGE.write(json, log, message, timestamps);
    out.raw(ID).raw(log.idOf(message).toRelayId()).raw(MESSAGE).lines(DATA, json).raw("\n");
  }

  @Override
  public void frame(ByteBuf target, JsonOut text) {
    target.ensureWritable(text.length());
    text.writeTo(target);
  }

  @Override
  public void heartbeat(ByteBuf target) {
    target.writeBytes(HEARTBEAT);
  }

  /// A gap. It has no id: who comes back before the next message is told it again.
  static JsonOut gap(Cursor cursor, MessageId to) {
    return event("gap", RelayFrames.gapFields(new JsonOut(160).raw("{"), cursor, to).raw("}"));
  }

  /// The place where the stream begins: a browser that has to come back before the first message
  /// then names it.
  static JsonOut place(MessageId id) {
    return new JsonOut(48).raw(ID).raw(id.toRelayId()).raw("\n\n");
  }

  static JsonOut tokenExpiring(long expiresAt) {
    return event(
        "token_expiring",
        new JsonOut(64).raw("{\"expires_at\":\"").raw(Timestamps.utc(expiresAt)).raw("\"}"));
  }

  /// The last event of a stream that the server ends.
  static JsonOut ended(String code, String message) {
    return event(
        "ended",
        new JsonOut(96)
            .raw("{\"code\":")
            .string(code)
            .raw(",\"message\":")
            .string(message)
            .raw("}"));
  }

  private static JsonOut event(String name, JsonOut data) {
    return new JsonOut(64 + data.length())
        .raw("event: ")
        .raw(name)
        .raw("\n")
        .lines(DATA, data)
        .raw("\n");
  }
}
