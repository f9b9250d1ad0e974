// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.schedule.Schedule;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import java.util.List;
import java.util.Optional;

/// Cancels scheduled messages: they never come into their log. Those that do not wait are passed
/// over: they were appended or cancelled, or there never were any.
///
/// @param topic the name
/// @param incarnation the topic the caller was authorised for
/// @param ids of the messages, at most [#MAX]
public record CancelScheduled(String topic, int incarnation, List<ScheduledId> ids)
    implements TopicCommand<Integer> {
  /// How many messages one command cancels at most.
  public static final int MAX = 1000;

  private static final long OVERHEAD = 200;
  private static final long PER_ID = 100;

  public CancelScheduled {
    ids = List.copyOf(ids);
    if (ids.size() > MAX) {
      throw new IllegalArgumentException("ids: " + ids.size() + " (expected: at most " + MAX + ")");
    }
  }

  @Override
  public long size() {
    return OVERHEAD + PER_ID * ids.size();
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  /// Yields how many were cancelled.
  @Override
  public Step<Integer> handle(ShardState state, Topic existing) {
    Schedule schedule = state.schedule();
    List<ScheduledId> ofTopic =
        ids.stream().filter(id -> id.incarnation() == incarnation).distinct().toList();
    Optional<List<ScheduledId>> waiting = schedule.waitingOf(ofTopic);
    if (waiting.isEmpty()) {
      return new Step.Needs<>(schedule.lookup(existing.slot(), ofTopic));
    }
    List<ScheduledId> present = waiting.get();
    if (!present.isEmpty()) {
      present.forEach(schedule::remove);
      state.unschedule(existing.slot(), present, ScheduledRemoved.Why.CANCELLED);
    }
    return Step.done(present.size());
  }
}
