// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.FrameFormat;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// The frames and message shapes of the relay API (API of pulsar-relay v0.1.0).
final class RelayFrames implements FrameFormat {
  static final RelayFrames MESSAGE = new RelayFrames();

  /// Errors of one frame that its answer describes.
  private static final int MAX_DESCRIBED = 10;

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

  /// A gap before the message `to`, which `cursor` gets next.
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

  /// The topics that a socket was subscribed to and is no more.
  static JsonOut unsubscribed(Collection<String> topics, long now) {
    return new JsonOut(96)
        .raw("{\"type\":\"unsubscribed\",\"topics\":")
        .strings(topics)
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

  /// What is wrong with the fields of a frame, for an error that answers it.
  static String describe(List<FieldError> errors) {
    return errors.stream()
        .map(error ->
            error.location().stream().skip(1).map(Object::toString).collect(Collectors.joining("."))
                + ": "
                + error.message())
        .limit(MAX_DESCRIBED)
        .collect(Collectors.joining("; "));
  }

  static JsonOut error(String code, String message) {
    return errorFields(code, message).raw("}");
  }

  /// An error that answers the frame with the client's number `id`, if it had one.
  static JsonOut error(String code, String message, Optional<Payload> id) {
    return id(errorFields(code, message), id).raw("}");
  }

  /// As above, of something that may go well later.
  static JsonOut unavailable(String message, Optional<Payload> id) {
    return id(errorFields("UNAVAILABLE", message), id).raw(",\"retry_after\":1}");
  }

  private static JsonOut errorFields(String code, String message) {
    return new JsonOut(128)
        .raw("{\"type\":\"error\",\"code\":")
        .string(code)
        .raw(",\"message\":")
        .string(message)
        .raw(",\"details\":null");
  }

  private static JsonOut id(JsonOut out, Optional<Payload> id) {
    out.raw(",\"id\":");
    return id.isPresent() ? out.raw(id.get()) : out.nothing();
  }

  /// The beginning of the answer to a publish; what follows is the same as over HTTP.
  static JsonOut published(Optional<Payload> id) {
    return id(new JsonOut(192).raw("{\"type\":\"published\""), id).raw(",");
  }

  static JsonOut acked(Payload id, MessageId message) {
    return new JsonOut(128)
        .raw("{\"type\":\"acked\",\"id\":")
        .raw(id)
        .raw(",\"message_id\":\"")
        .raw(message.toRelayId())
        .raw("\"}");
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
