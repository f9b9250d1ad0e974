// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// Lets go of the oldest messages of a topic. Its log need not be in memory.
///
/// @param topic as retention saw it
/// @param firstRetained messages below this sequence go; at most one above a durable message
public record TrimLog(Topic topic, long firstRetained) implements Command<Long> {
  private static final long SIZE = 200;

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic.name());
  }

  @Override
  public long size() {
    return SIZE;
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
  public Step<Long> handle(ShardState state) {
    Optional<Topic> existing = state.topic(topic.name());
    if (existing.isEmpty() || existing.get().incarnation() != topic.incarnation()) {
      return Step.refused(
          Refusal.Code.TOPIC_MISSING, "topic '" + topic.name() + "' is gone or another one now");
    }
    state.trim(existing.get(), firstRetained);
    return Step.done(firstRetained);
  }
}
