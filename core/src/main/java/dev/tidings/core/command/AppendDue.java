// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Appends to their logs scheduled messages of one shard that are due, in the order of their ids.
/// Each leaves the schedule in the batch that brings it into its log, so it is there exactly once.
///
/// @param slot one of the shard's slots
/// @param number by which the schedule knows it
public record AppendDue(int slot, long number) implements Command<Boolean> {
  @Override
  public long size() {
    return 0;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean followsUp() {
    return true;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    Map<Integer, List<ScheduledMessage>> byLog = new LinkedHashMap<>();
    for (ScheduledMessage message : state.schedule().takeDue(number)) {
      byLog.computeIfAbsent(message.incarnation(), _ -> new ArrayList<>()).add(message);
    }
    byLog.values().forEach(messages -> append(state, messages));
    state.schedule().appended(number);
    return Step.done(true);
  }

  private static void append(ShardState state, List<ScheduledMessage> messages) {
    String name = messages.getFirst().topic();
    int incarnation = messages.getFirst().incarnation();
    List<ScheduledId> ids = messages.stream().map(ScheduledMessage::id).toList();
    Optional<Topic> topic = state.topic(name).filter(it -> it.incarnation() == incarnation);
    if (state.damage(Entry.Kind.TOPIC, name).isPresent()) {
      // It is not gone: what goes to it stays in the store, as what it has got does.
      messages.forEach(state.schedule()::leave);
      return;
    }
    if (topic.isEmpty()) {
      state.unschedule(messages.getFirst().slot(), ids, ScheduledRemoved.Why.ABANDONED);
      // Nothing else of it waits for being opened.
      state.schedule().opened(incarnation);
      return;
    }
    Optional<TopicLog> log = state.log(incarnation);
    if (log.isEmpty()) {
      // The others need not wait for it.
      messages.forEach(state.schedule()::setAside);
      state.want(LogLoad.of(topic.get()));
      return;
    }
    List<NewMessage> published = messages.stream().map(ScheduledMessage::message).toList();
    var _ = state.append(topic.get(), log.get(), published);
    state.unschedule(topic.get().slot(), ids, ScheduledRemoved.Why.APPENDED);
  }
}
