// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// What one WebSocket publishes: any number of messages at once up to a bound, each answered when
/// it is durable or refused, in the order in which that happens.
final class SocketPublisher {
  /// Bytes of the number by which a client tells its answers apart.
  static final int MAX_ID = 255;

  private final RelaySockets group;
  private final Consumer<JsonOut> answers;
  private int underWay;

  /// @param answers takes the frames that answer
  SocketPublisher(RelaySockets group, Consumer<JsonOut> answers) {
    this.group = group;
    this.answers = answers;
  }

  /// Whether no further message should be taken before one is answered.
  boolean isFull() {
    return underWay >= group.settings().maxPublishing();
  }

  /// Publishes what a frame says, as `user`.
  void publish(Fields frame, User user) {
    long startNs = group.time().monotonicNs();
    Optional<Payload> id = frame.correlation("id", MAX_ID);
    if (!user.has(Permission.WRITE)) {
      answers.accept(RelayFrames.error("ACCESS_DENIED", "Permission 'write' required", id));
      return;
    }
    Publisher.Item item = Publisher.read(frame);
    if (frame.hasErrors()) {
      answers.accept(
          RelayFrames.error("VALIDATION_ERROR", RelayFrames.describe(frame.errors()), id));
      return;
    }
    underWay++;
    group
        .publisher()
        .publish(
            user,
            item.topic(),
            List.of(item.message()),
            result -> {
              underWay--;
              answers.accept(answer(item.topic(), result, id, startNs));
            });
  }

  private JsonOut answer(
      String topic, Publisher.Result result, Optional<Payload> id, long startNs) {
    return switch (result) {
      case Publisher.Published(List<MessageId> ids) -> {
        group.metrics().published(topic, 1, group.time().monotonicNs() - startNs);
        JsonOut out = RelayFrames.published(id);
        yield group.publisher().write(out, topic, ids.getFirst()).raw("}");
      }
      case Publisher.Denied() ->
          RelayFrames.error("ACCESS_DENIED", Topics.deniedText(List.of(topic)), id);
      case Publisher.Refused(Refusal refusal) -> refused(refusal, id);
    };
  }

  private static JsonOut refused(Refusal refusal, Optional<Payload> id) {
    String text = Exchange.textFor(refusal);
    if (refusal.code().retryable()) {
      return RelayFrames.unavailable(text, id);
    }
    return RelayFrames.error(
        switch (refusal.code().fault()) {
          case CALLER -> refusal.code().name();
          case SERVER -> "INTERNAL_ERROR";
        },
        text,
        id);
  }
}
