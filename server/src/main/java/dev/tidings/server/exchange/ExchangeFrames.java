// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.FrameFormat;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.Optional;

/// The frames of exchange sockets: a message is as in VarthanV/pub-sub, one line each; the others
/// are for those who asked for more.
final class ExchangeFrames implements FrameFormat {
  static final ExchangeFrames MESSAGE = new ExchangeFrames();

  private static final byte[] HEAD = JsonOut.ascii("{\"unique_id\":\"");
  private static final byte[] BODY = JsonOut.ascii("\",\"body\":");
  private static final byte[] END = JsonOut.ascii(",\"TTL\":0}\n");
  private static final int PER_MESSAGE = 80;

  private ExchangeFrames() {}

  @Override
  public void write(JsonOut out, TopicLog log, Message message, Timestamps timestamps) {
    write(out, log.idOf(message), message);
  }

  /// A message of the log with number `incarnation`.
  static JsonOut message(Message message, int incarnation) {
    JsonOut out = new JsonOut(PER_MESSAGE + message.payload().size());
    write(out, MessageId.of(message, incarnation), message);
    return out;
  }

  private static void write(JsonOut out, MessageId id, Message message) {
    out.raw(HEAD).raw(id.toUuid().toString()).raw(BODY).raw(message.payload()).raw(END);
  }

  private static JsonOut begin(String type, String queue) {
    return new JsonOut(128)
        .raw("{\"type\":\"")
        .raw(type)
        .raw("\",\"payload\":{\"queue_name\":")
        .string(queue);
  }

  private static JsonOut end(JsonOut out) {
    return out.raw("}}\n");
  }

  /// A subscription to `queue` is effective.
  ///
  /// @param mode that of the queue; empty while there is none of the name
  static JsonOut subscribed(String queue, Optional<Queue.Mode> mode) {
    return end(begin("SUBSCRIBED", queue).raw(",\"mode\":").string(mode.map(RequestFields::spelt)));
  }

  /// A subscription to `queue` is over, or there was none.
  static JsonOut unsubscribed(String queue) {
    return end(begin("UNSUBSCRIBED", queue));
  }

  /// Messages of `queue` are gone: those after `from`, if that is known, and before `to`.
  static JsonOut gap(String queue, Optional<MessageId> from, MessageId to) {
    return end(
        begin("GAP", queue)
            .raw(",\"from\":")
            .string(from.map(it -> it.toUuid().toString()))
            .raw(",\"to\":\"")
            .raw(to.toUuid().toString())
            .raw("\""));
  }

  /// Something is wrong.
  ///
  /// @param queue it is about; empty if it is about none
  static JsonOut error(String code, String message, Optional<String> queue) {
    return end(
        new JsonOut(160)
            .raw("{\"type\":\"ERROR\",\"payload\":{\"code\":")
            .string(code)
            .raw(",\"message\":")
            .string(message)
            .raw(",\"queue_name\":")
            .string(queue));
  }
}
