// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// Publishes messages to one topic, all or none: those that are due are appended to its log, the
/// others are stored until they are. A topic that does not exist is created if the command says who
/// is to own it.
///
/// @param topic the name
/// @param authority what the caller was authorised for: the shard refuses any other
/// @param messages one or more
/// @param request the request under an idempotency key that this is part of: it is carried out once
public record Publish(
    String topic, Authority authority, List<NewMessage> messages, Optional<KeyedRequest> request)
    implements Command<Publish.Published> {
  private static final long OVERHEAD = 200;

  /// A publish without an idempotency key.
  public Publish(String topic, Authority authority, List<NewMessage> messages) {
    this(topic, authority, messages, Optional.empty());
  }

  public Publish {
    messages = List.copyOf(messages);
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages: none (expected: 1 or more)");
    }
  }

  /// What a publish yields.
  ///
  /// @param ids of the messages, in order
  /// @param repeated whether they had been published before, by the same request
  public record Published(List<PublishedId> ids, boolean repeated) {
    public Published {
      ids = List.copyOf(ids);
    }
  }

  /// What a publisher was authorised for.
  public sealed interface Authority {

    /// The topic that has this incarnation.
    ///
    /// @param incarnation the number of its log
    record Existing(int incarnation) implements Authority {}

    /// That there is no such topic, and to create it.
    ///
    /// @param ownerId the id of the user who will own it
    /// @param description of the topic
    record Creating(String ownerId, String description) implements Authority {}
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic);
  }

  @Override
  public long size() {
    long size = OVERHEAD;
    for (NewMessage message : messages) {
      size += OVERHEAD + message.size() + message.ordering().key().length();
    }
    return size;
  }

  @Override
  public boolean writes() {
    return true;
  }

  /// Whoever is told of a message that waits can cancel it at once.
  @Override
  public boolean takesEffectWhenDurable() {
    return messages.stream().anyMatch(message -> message.dueAt() != NewMessage.NOW);
  }

  @Override
  public Step<Published> handle(ShardState state) {
    Optional<Step<Published>> answered = request.flatMap(it -> answered(state.find(it)));
    if (answered.isPresent()) {
      return answered.get();
    }
    Optional<String> damage = state.damage(Entry.Kind.TOPIC, topic);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    Optional<Topic> existing = state.topic(topic);
    if (!isAuthorised(existing)) {
      return Step.refused(
          Refusal.Code.STALE_AUTHORITY, "topic '" + topic + "' has changed meanwhile; try again");
    }
    if (existing.isPresent() && state.log(existing.get().incarnation()).isEmpty()) {
      return new Step.Needs<>(LogLoad.of(existing.get()));
    }
    long now = state.time().wallMs();
    Optional<String> noRoom =
        (existing.isPresent() ? Optional.<String>empty() : state.noRoomForTopic())
            .or(() -> noRoomForScheduled(state, now));
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    answered = request.flatMap(it -> answered(state.claim(it)));
    if (answered.isPresent()) {
      return answered.get();
    }
    Optional<Topic> target = existing.isPresent() ? existing : create(state);
    if (target.isEmpty()) {
      request.ifPresent(state::release);
      return Step.refused(
          Refusal.Code.EXHAUSTED, "all 2^26 topic numbers are used; no topic can be created");
    }
    return publish(state, target.get(), state.log(target.get().incarnation()).orElseThrow(), now);
  }

  private Optional<String> noRoomForScheduled(ShardState state, long now) {
    int later = 0;
    for (NewMessage message : messages) {
      later += message.dueAt() > now ? 1 : 0;
    }
    return later == 0 ? Optional.empty() : state.noRoomForScheduled(later);
  }

  /// The answer to a request that is known, or that there is no room for; empty if it is to be
  /// carried out.
  private static Optional<Step<Published>> answered(Receipts.Known known) {
    return switch (known) {
      case Receipts.Known.Fresh() -> Optional.empty();
      case Receipts.Known.Repeated(Receipt receipt) ->
          Optional.of(Step.done(new Published(receipt.ids(), true)));
      case Receipts.Known.OtherRequest() ->
          Optional.of(
              Step.refused(
                  Refusal.Code.KEY_REUSED,
                  "the idempotency key was used with another request; use a new one"));
      case Receipts.Known.NoRoom(String detail) ->
          Optional.of(Step.refused(Refusal.Code.TOO_MANY_KEYS, detail));
    };
  }

  private Step<Published> publish(ShardState state, Topic target, TopicLog log, long now) {
    List<NewMessage> later = messages.stream().filter(it -> it.dueAt() > now).toList();
    List<NewMessage> atOnce =
        later.isEmpty() ? messages : messages.stream().filter(it -> it.dueAt() <= now).toList();
    Iterator<Message> appended =
        atOnce.isEmpty()
            ? Collections.emptyIterator()
            : state.append(target, log, atOnce).iterator();
    Iterator<ScheduledMessage> scheduled =
        later.isEmpty() ? Collections.emptyIterator() : state.schedule(target, later).iterator();
    List<PublishedId> ids = new ArrayList<>(messages.size());
    for (NewMessage message : messages) {
      ids.add(message.dueAt() > now ? scheduled.next().id() : log.idOf(appended.next()));
    }
    request.ifPresent(it -> state.keepReceipt(it, target, ids));
    return Step.done(new Published(ids, false));
  }

  private boolean isAuthorised(Optional<Topic> existing) {
    return switch (authority) {
      case Authority.Existing(int incarnation) ->
          existing.isPresent() && existing.get().incarnation() == incarnation;
      case Authority.Creating _ -> existing.isEmpty();
    };
  }

  private Optional<Topic> create(ShardState state) {
    return switch (authority) {
      case Authority.Creating(String ownerId, String description) ->
          state.createTopic(
              topic, ownerId, false, Optional.of(description), TopicRetention.DEFAULT);
      case Authority.Existing _ -> Optional.empty();
    };
  }
}
