// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.Optional;
import java.util.function.IntFunction;

/// What the WebSockets of a group say and hear: those of a topic, or of a queue.
///
/// @param token given in the query of the handshake; empty for a server that asks for none
/// @param subscribe the frame by which socket number n subscribes
/// @param confirmation `type` of the frame that tells that the subscription is effective
record SocketDialect(
    Optional<String> token,
    IntFunction<String> subscribe,
    String confirmation,
    MessageShape messages) {

  /// Of the relay: a topic's messages.
  static SocketDialect ofTopic(Optional<String> token, String topic) {
    return new SocketDialect(
        token,
        index ->
            "{\"type\":\"subscribe\",\"topics\":[\"%s\"],\"client_id\":\"bench-%d\"}"
                .formatted(topic, index),
        "subscribed",
        MessageShape.RELAY);
  }

  /// Of a queue that gives every socket every message.
  static SocketDialect ofBroadcast(Optional<String> token, String queue) {
    return ofQueue(token, queue, "");
  }

  /// Of a queue that gives every message to one of the sockets, which acknowledges it by having
  /// read it, or by a frame of its own and with at most `prefetch` messages that are not.
  static SocketDialect ofWork(Optional<String> token, String queue, Ack ack, int prefetch) {
    return ofQueue(
        token,
        queue,
        switch (ack) {
          case auto -> ",\"ack\":\"auto\"";
          case manual -> ",\"ack\":\"manual\",\"prefetch\":" + prefetch;
        });
  }

  /// Without `confirm` nothing would tell when the subscription is effective.
  private static SocketDialect ofQueue(Optional<String> token, String queue, String more) {
    return new SocketDialect(
        token,
        _ ->
            "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":\"%s\",\"confirm\":true%s}}"
                .formatted(queue, more),
        "SUBSCRIBED",
        MessageShape.QUEUE);
  }
}
