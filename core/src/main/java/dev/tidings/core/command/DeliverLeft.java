// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.OutboxMessage;
import java.util.List;
import java.util.Optional;

/// Appends to the log of one topic messages that were left in the outbox, in the order of their
/// ids. They leave the outbox in the batch that brings them into the log, so each is there exactly
/// once. Those of a topic that is gone leave it without being appended.
///
/// @param topic the name
/// @param messages one or more, all for that topic; all lie in the outbox, and no other command
///   that would take them is under way
public record DeliverLeft(String topic, List<OutboxMessage> messages) implements Command<Boolean> {
  private static final long OVERHEAD = 200;

  public DeliverLeft {
    messages = List.copyOf(messages);
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages: none (expected: 1 or more)");
    }
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic);
  }

  @Override
  public long size() {
    long size = OVERHEAD;
    for (OutboxMessage left : messages) {
      size += OVERHEAD + left.message().size() + left.message().ordering().key().length();
    }
    return size;
  }

  @Override
  public boolean writes() {
    return true;
  }

  /// Yields whether there is such a topic.
  @Override
  public Step<Boolean> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.TOPIC, topic);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    // What goes into a queue has to come through its exchange, which keeps to its bounds.
    Optional<Topic> target = state.topic(topic).filter(it -> !Queue.isReserved(it.name()));
    if (target.isPresent()) {
      Optional<TopicLog> log = state.log(target.get().incarnation());
      if (log.isEmpty()) {
        return new Step.Needs<>(LogLoad.of(target.get()));
      }
      List<NewMessage> published = messages.stream().map(OutboxMessage::message).toList();
      var _ = state.append(target.get(), log.get(), published);
    }
    state.takeFromOutbox(slot(), messages.stream().map(OutboxMessage::id).toList());
    return Step.done(target.isPresent());
  }
}
