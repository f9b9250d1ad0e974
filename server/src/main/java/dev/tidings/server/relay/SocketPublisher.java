// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Consumer;

/// What one WebSocket publishes: any number of messages at once up to a bound, each answered when
/// it is durable or refused, in the order in which that happens.
final class SocketPublisher {
  /// Bytes of the number by which a client tells its answers apart.
  static final int MAX_ID = 255;

  private final RelaySockets group;
  private final Consumer<JsonOut> answers;
  private int underWay;

  /// By the name of a topic that a message on its way creates, those that came after it. Sent on at
  /// once they would be refused, since the topic has changed, and overtaken before they are sent
  /// again.
  private final Map<String, Queue<Runnable>> creating = new HashMap<>();

  /// @param answers takes the frames that answer
  SocketPublisher(RelaySockets group, Consumer<JsonOut> answers) {
    this.group = group;
    this.answers = answers;
  }

  /// Whether no further message should be taken before one is answered.
  boolean isFull() {
    return underWay >= group.settings().maxPublishing();
  }

  /// Publishes what a frame says, as `caller`, who has just been looked up.
  void publish(Fields frame, Authenticator.Caller caller) {
    long startNs = group.time().monotonicNs();
    Optional<Payload> id = frame.correlation("id", MAX_ID);
    if (!AccessPolicy.has(caller.principal(), Right.PUBLISH)) {
      answers.accept(RelayFrames.error("ACCESS_DENIED", RelayApi.requires(Right.PUBLISH), id));
      return;
    }
    Publisher.Item item = Publisher.read(frame);
    if (frame.hasErrors()) {
      answers.accept(
          RelayFrames.error("VALIDATION_ERROR", RelayFrames.describe(frame.errors()), id));
      return;
    }
    underWay++;
    submit(caller, item, id, startNs);
  }

  private void submit(
      Authenticator.Caller caller, Publisher.Item item, Optional<Payload> id, long startNs) {
    Queue<Runnable> waiting = creating.get(item.topic());
    if (waiting != null) {
      waiting.add(() -> submitLater(caller, item, id, startNs));
      return;
    }
    boolean creates = group.directory().topic(item.topic()).isEmpty();
    if (creates) {
      creating.put(item.topic(), new ArrayDeque<>());
    }
    group
        .publisher()
        .publish(
            caller,
            item.topic(),
            List.of(item.message()),
            Optional.empty(),
            result -> {
              underWay--;
              if (creates) {
                created(item.topic());
              }
              answers.accept(answer(item.topic(), result, id, startNs));
            });
  }

  /// Looks the caller up again, whose rights may have ended while it waited.
  private void submitLater(
      Authenticator.Caller caller, Publisher.Item item, Optional<Payload> id, long startNs) {
    if (group.authenticator().now(caller) instanceof Authenticator.Caller now) {
      submit(now, item, id, startNs);
    } else {
      underWay--;
      answers.accept(answer(item.topic(), new Publisher.Denied(), id, startNs));
    }
  }

  /// The topic is there, or the first of those that wait tries again to create it.
  private void created(String topic) {
    Queue<Runnable> waiting = creating.remove(topic);
    if (waiting != null) {
      waiting.forEach(Runnable::run);
    }
  }

  private JsonOut answer(
      String topic, Publisher.Result result, Optional<Payload> id, long startNs) {
    return switch (result) {
      case Publisher.Published(List<PublishedId> ids, boolean _) -> {
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
    String text = Call.textFor(refusal);
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
