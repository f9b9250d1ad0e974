// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.OptionalInt;

/// Brings the log of a topic into memory, for readers.
///
/// @param topic a durable topic
public record OpenLog(Topic topic) implements Command<TopicLog> {
  private static final long SIZE = 64;

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
    return false;
  }

  @Override
  public OptionalInt about() {
    return OptionalInt.of(topic.incarnation());
  }

  @Override
  public Step<TopicLog> handle(ShardState state) {
    if (state.topic(topic.name()).filter(it -> it.incarnation() == topic.incarnation()).isEmpty()) {
      return Step.refused(Refusal.Code.TOPIC_MISSING, "Topic '" + topic.name() + "' not found");
    }
    return state
        .log(topic.incarnation())
        .<Step<TopicLog>>map(Step::done)
        .orElseGet(() -> new Step.Needs<>(LogLoad.of(topic)));
  }
}
