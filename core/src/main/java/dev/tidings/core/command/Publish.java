// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.runtime.ShardState.NewMessage;
import dev.tidings.core.slot.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Appends messages to one topic, all or none. A topic that does not exist is created if the
/// command says who is to own it.
///
/// @param topic the name
/// @param authority what the caller was authorised for: the shard refuses any other
/// @param messages one or more
public record Publish(String topic, Authority authority, List<NewMessage> messages)
    implements Command<List<MessageId>> {
  private static final long OVERHEAD = 200;

  public Publish {
    messages = List.copyOf(messages);
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages: none (expected: 1 or more)");
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
      size += OVERHEAD + message.payload().size() + message.metadata().size();
    }
    return size;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<List<MessageId>> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.TOPIC, topic);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    Optional<Topic> existing = state.topic(topic);
    if (!isAuthorised(existing)) {
      return Step.refused(
          Refusal.Code.STALE_AUTHORITY, "topic '" + topic + "' has changed meanwhile; try again");
    }
    Optional<String> noRoom = existing.isPresent() ? Optional.empty() : state.noRoomForTopic();
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    Optional<Topic> target = existing.isPresent() ? existing : create(state);
    if (target.isEmpty()) {
      return Step.refused(
          Refusal.Code.EXHAUSTED, "all 2^26 topic numbers are used; no topic can be created");
    }
    Optional<TopicLog> log = state.log(target.get().incarnation());
    if (log.isEmpty()) {
      return new Step.NeedsLog<>(target.get());
    }
    List<MessageId> ids = new ArrayList<>(messages.size());
    for (Message message : state.append(target.get(), log.get(), messages)) {
      ids.add(log.get().idOf(message));
    }
    return Step.done(ids);
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
