// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.FrameFormat;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.Collection;

/// The frames and message shapes of the relay API (API of pulsar-relay v0.1.0).
final class RelayFrames implements FrameFormat {
  static final RelayFrames MESSAGE = new RelayFrames();

  private static final byte[] HEAD = JsonOut.ascii("{\"type\":\"message\",\"message_id\":\"");
  private static final byte[] TOPIC = JsonOut.ascii("\",\"topic\":");
  private static final byte[] PAYLOAD = JsonOut.ascii(",\"payload\":");
  private static final byte[] TIMESTAMP = JsonOut.ascii(",\"timestamp\":\"");
  private static final byte[] METADATA = JsonOut.ascii("Z\",\"metadata\":");
  private static final byte[] CAUGHT_UP_METADATA = JsonOut.ascii("+00:00\",\"metadata\":");
  private static final byte[] END = JsonOut.ascii("}");

  private RelayFrames() {}

  /// A message as it arrives live: over a WebSocket, or in a poll that waited for it.
  @Override
  public void write(JsonOut out, TopicLog log, Message message, Timestamps timestamps) {
    out.raw(HEAD).raw(log.idOf(message).toRelayId()).raw(TOPIC).string(log.topic());
    out.raw(PAYLOAD).raw(message.payload());
    out.raw(TIMESTAMP).raw(timestamps.format(message.timestamp())).raw(METADATA);
    if (message.metadata().isEmpty()) {
      out.nothing();
    } else {
      out.raw(message.metadata());
    }
    out.raw(END);
  }

  /// A message as a poll that catches up gives it: another shape, by the contract.
  static void writeCaughtUp(JsonOut out, TopicLog log, Message message, Timestamps timestamps) {
    String id = log.idOf(message).toRelayId();
    writeStored(out, log.topic(), id, message, timestamps);
    out.raw(",\"stream_id\":\"").raw(id).raw("\"}");
  }

  /// A message as a page of its topic gives it.
  static void writeRetained(JsonOut out, Topic topic, Message message, Timestamps timestamps) {
    String id = MessageId.of(message, topic.incarnation()).toRelayId();
    writeStored(out, topic.name(), id, message, timestamps);
    out.raw(END);
  }

  private static void writeStored(
      JsonOut out, String topic, String id, Message message, Timestamps timestamps) {
    out.raw("{\"topic\":").string(topic).raw(",\"message_id\":\"").raw(id).raw("\"");
    out.raw(PAYLOAD).raw(message.payload());
    out.raw(TIMESTAMP).raw(timestamps.format(message.timestamp())).raw(CAUGHT_UP_METADATA);
    if (message.metadata().isEmpty()) {
      out.raw("{}");
    } else {
      out.raw(message.metadata());
    }
  }

  /// `topic`, `from` and `to` of a gap: the id of the last message the reader had, if known, and of
  /// the first one it gets now.
  static JsonOut gapFields(JsonOut out, Cursor cursor, MessageId to) {
    return out.raw("\"topic\":")
        .string(cursor.topic())
        .raw(",\"from\":")
        .string(cursor.lastPassed().map(MessageId::toRelayId))
        .raw(",\"to\":\"")
        .raw(to.toRelayId())
        .raw("\"");
  }

  static JsonOut gap(Cursor cursor, MessageId to) {
    return gapFields(new JsonOut(160).raw("{\"type\":\"gap\","), cursor, to).raw("}");
  }

  static JsonOut subscribed(Collection<String> topics, String sessionId, long now) {
    return new JsonOut(128)
        .raw("{\"type\":\"subscribed\",\"topics\":")
        .strings(topics)
        .raw(",\"session_id\":")
        .string(sessionId)
        .raw(",\"timestamp\":\"")
        .raw(Timestamps.utc(now))
        .raw("\"}");
  }

  static JsonOut pong(long now) {
    return new JsonOut(64)
        .raw("{\"type\":\"pong\",\"timestamp\":\"")
        .raw(Timestamps.utc(now))
        .raw("\"}");
  }

  static JsonOut error(String code, String message) {
    return new JsonOut(128)
        .raw("{\"type\":\"error\",\"code\":")
        .string(code)
        .raw(",\"message\":")
        .string(message)
        .raw(",\"details\":null}");
  }

  /// A frame about the token: that it ends soon, or until when a new one is good.
  static JsonOut token(String type, long expiresAt) {
    return new JsonOut(96)
        .raw("{\"type\":")
        .string(type)
        .raw(",\"expires_at\":\"")
        .raw(Timestamps.utc(expiresAt))
        .raw("\"}");
  }
}
