// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.Publish;
import dev.tidings.core.command.Publish.Authority;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The way of messages to the shard of their topic, whichever call or frame has brought them.
final class Publisher {
  private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);
  private static final int MAX_ATTEMPTS = 3;

  private final Node node;
  private final Authenticator authenticator;
  private final EventLoop loop;

  /// Publishes for callers on `loop`, who are answered there.
  Publisher(Node node, Authenticator authenticator, EventLoop loop) {
    this.node = node;
    this.authenticator = authenticator;
    this.loop = loop;
  }

  /// A message as its publisher sent it.
  record Item(String topic, NewMessage message) {
    /// The same, to be appended at `dueAt`, milliseconds since 1970.
    Item due(long dueAt) {
      return new Item(
          topic,
          new NewMessage(
              message.payload(), message.metadata(), message.ttlMs(), message.ordering(), dueAt));
    }
  }

  /// What publishing to one topic came to.
  sealed interface Result {}

  /// The messages are durable.
  ///
  /// @param ids in order
  /// @param repeated whether they were already, by the same request
  record Published(List<PublishedId> ids, boolean repeated) implements Result {}

  /// The caller may not publish to the topic, or not act any more.
  record Denied() implements Result {}

  /// The core refused.
  record Refused(Refusal refusal) implements Result {}

  /// Reads and checks the fields of one message (API of pulsar-relay v0.1.0), which is to be
  /// appended at once.
  static Item read(Fields fields) {
    String topic = fields.string("topic", 1, Topics.MAX_NAME);
    if (!topic.isEmpty()) {
      Topics.fault(topic).ifPresent(fault -> fields.invalid("topic", fault));
    }
    Payload payload = fields.object("payload");
    OptionalLong ttl = fields.optionalInteger("ttl");
    if (ttl.isPresent() && ttl.getAsLong() <= 0) {
      fields.notGreaterThan("ttl", 0);
    }
    Payload metadata = fields.optionalStringMap("metadata");
    long ttlMs = ttl.isPresent() ? toMs(ttl.getAsLong()) : Message.NEVER;
    return new Item(topic, new NewMessage(payload, metadata, ttlMs));
  }

  private static long toMs(long seconds) {
    return seconds > Message.NEVER / 1000 ? Message.NEVER : seconds * 1000;
  }

  /// Publishes to one topic as `caller`, who has just been looked up.
  ///
  /// @param request the request under an idempotency key that this is part of
  void publish(
      Authenticator.Caller caller,
      String topic,
      List<NewMessage> messages,
      Optional<KeyedRequest> request,
      Consumer<Result> then) {
    publish(caller, topic, messages, request, 1, then);
  }

  /// If the topic is created or replaced between the check of the caller's rights and the shard,
  /// the rights are checked again: those that the caller has then, against what the topic is then.
  private void publish(
      Authenticator.Caller caller,
      String topic,
      List<NewMessage> messages,
      Optional<KeyedRequest> request,
      int attempt,
      Consumer<Result> then) {
    Principal principal = caller.principal();
    Optional<Topic> existing = node.directory().topic(topic);
    if (!AccessPolicy.mayPublish(principal, topic, existing)) {
      then.accept(new Denied());
      return;
    }
    Authority authority =
        existing
            .<Authority>map(it -> new Authority.Existing(it.incarnation()))
            .orElseGet(() ->
                new Authority.Creating(
                    principal.id(), "Auto-created topic by " + principal.displayName()));
    node.submit(
        new Publish(topic, authority, messages, request),
        loop,
        outcome -> {
          switch (outcome) {
            case Outcome.Done<Publish.Published>(Publish.Published done) ->
                then.accept(new Published(done.ids(), done.repeated()));
            case Outcome.Refused<Publish.Published>(Refusal refusal) -> {
              if (refusal.code() == Refusal.Code.STALE_AUTHORITY && attempt < MAX_ATTEMPTS) {
                again(caller, topic, messages, request, attempt + 1, then);
              } else {
                then.accept(new Refused(refusal));
              }
            }
          }
        });
  }

  /// Whatever goes wrong here, the caller waits for an answer.
  private void again(
      Authenticator.Caller caller,
      String topic,
      List<NewMessage> messages,
      Optional<KeyedRequest> request,
      int attempt,
      Consumer<Result> then) {
    try {
      if (authenticator.now(caller) instanceof Authenticator.Caller now) {
        publish(now, topic, messages, request, attempt, then);
      } else {
        then.accept(new Denied());
      }
    } catch (RuntimeException e) {
      LOG.error("publishing to topic {} failed", topic, e);
      then.accept(new Refused(new Refusal(Refusal.Code.INTERNAL, e.toString())));
    }
  }

  /// The fields that tell a publisher of its message.
  JsonOut write(JsonOut out, String topic, PublishedId id) {
    out.raw("\"message_id\":\"")
        .raw(id.toRelayId())
        .raw("\",\"topic\":")
        .string(topic)
        .raw(",\"timestamp\":\"")
        .raw(loop.timestamps().format(id.timestamp()))
        .raw("Z\"");
    return writeDue(out, id);
  }

  /// When a scheduled message is due; nothing of another.
  JsonOut writeDue(JsonOut out, PublishedId id) {
    return switch (id) {
      case ScheduledId scheduled ->
          out.raw(",\"deliver_at\":\"").raw(loop.timestamps().format(scheduled.dueAt())).raw("Z\"");
      case MessageId _ -> out;
    };
  }
}
