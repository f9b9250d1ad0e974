// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.MessageId;
import java.util.Optional;
import java.util.OptionalLong;

/// What a SUBSCRIBE asks for beside the queue.
///
/// @param from where to begin; empty if it does not say
/// @param ack who acks; empty if it does not say
/// @param prefetch messages under way at once; empty if it does not say
/// @param confirm whether it wants to be answered
record QueueWish(Optional<Start> from, Optional<Ack> ack, OptionalLong prefetch, boolean confirm) {
  private static final int MAX_PREFETCH = 1000;
  private static final int DEFAULT_PREFETCH = 100;

  /// Who acks what a work queue gives.
  enum Ack {
    /// The server, when it has written the message.
    AUTO,
    /// The client.
    MANUAL
  }

  /// That of a payload. What is wrong is noted there.
  static QueueWish read(RequestFields payload) {
    return new QueueWish(
        payload.isSent("from") ? Optional.of(start(payload)) : Optional.empty(),
        payload.isSent("ack")
            ? Optional.of(payload.word("ack", Ack.values(), Ack.AUTO))
            : Optional.empty(),
        payload.count("prefetch", MAX_PREFETCH),
        payload.flag("confirm"));
  }

  private static Start start(RequestFields payload) {
    String place = payload.optionalText("from").orElse("");
    return switch (place) {
      case "last" -> new Start.Last();
      case "earliest" -> new Start.Earliest();
      default -> {
        Optional<MessageId> id = MessageId.parse(place);
        if (id.isEmpty()) {
          payload.invalid("from", "last, earliest or the unique_id of a message");
        }
        yield id.<Start>map(Start.After::new).orElseGet(Start.Last::new);
      }
    };
  }

  /// Whether the payload has any field that the clients of the original do not send.
  static boolean isMore(RequestFields payload) {
    return payload.isSent("from")
        || payload.isSent("ack")
        || payload.isSent("prefetch")
        || payload.isSent("confirm");
  }

  /// Whether it asks for something else than `earlier`, which the socket has already.
  boolean differs(QueueWish earlier) {
    return (from.isPresent() && !from.equals(earlier.from))
        || (ack.isPresent() && isManual() != earlier.isManual())
        || (prefetch.isPresent() && limit() != earlier.limit());
  }

  /// Whether the client acks.
  boolean isManual() {
    return ack.filter(it -> it == Ack.MANUAL).isPresent();
  }

  /// How many messages may be under way.
  int limit() {
    return (int) prefetch.orElse(DEFAULT_PREFETCH);
  }

  /// Why a queue of `mode` cannot do it; empty if it can.
  Optional<String> fault(Queue.Mode mode) {
    return switch (mode) {
      case BROADCAST ->
          isManual()
              ? Optional.of("ack: manual (expected: auto, since the queue's mode is broadcast)")
              : Optional.empty();
      case WORK ->
          from.isPresent()
              ? Optional.of(
                  "from: not for a queue whose mode is work (expected: no from; its messages are given once)")
              : Optional.empty();
    };
  }
}
