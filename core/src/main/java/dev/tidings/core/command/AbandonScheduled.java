// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import java.util.List;
import java.util.Optional;

/// Removes some of the messages that were scheduled for a topic which is gone. What it does not
/// come to is removed when it is due.
///
/// @param slot of the topic
/// @param incarnation the number of its log
/// @param from the lowest id
public record AbandonScheduled(int slot, int incarnation, ScheduledId from)
    implements Command<Optional<ScheduledId>> {
  @Override
  public long size() {
    return 0;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public boolean followsUp() {
    return true;
  }

  /// Yields where to go on; empty when there are no more.
  @Override
  public Step<Optional<ScheduledId>> handle(ShardState state) {
    Optional<List<ScheduledId>> found = state.schedule().abandoned(incarnation, from);
    if (found.isEmpty()) {
      return new Step.Needs<>(state.schedule().abandonedLoad(incarnation, from));
    }
    List<ScheduledId> ids = found.get();
    if (ids.isEmpty()) {
      return Step.done(Optional.empty());
    }
    List<ScheduledId> waiting = state.schedule().stillWaiting(ids);
    if (!waiting.isEmpty()) {
      waiting.forEach(state.schedule()::remove);
      state.unschedule(slot, waiting, ScheduledRemoved.Why.ABANDONED);
    }
    return Step.done(Optional.of(ids.getLast().next()));
  }
}
