// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// A change of the one topic that its caller was authorised for: it is refused for any other.
///
/// @param <R> what it yields when done
interface TopicCommand<R> extends Command<R> {

  /// The name of the topic.
  String topic();

  /// The number of the log of the topic that the caller was authorised for.
  int incarnation();

  @Override
  default int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic());
  }

  @Override
  default boolean writes() {
    return true;
  }

  @Override
  default Step<R> handle(ShardState state) {
    Optional<Topic> existing = state.topic(topic());
    if (existing.isEmpty()) {
      return Step.refused(Refusal.Code.TOPIC_MISSING, "Topic '" + topic() + "' not found");
    }
    if (existing.get().incarnation() != incarnation()) {
      return Step.refused(
          Refusal.Code.STALE_AUTHORITY, "topic '" + topic() + "' has changed meanwhile; try again");
    }
    return handle(state, existing.get());
  }

  /// Does it to `existing`, which is that topic.
  Step<R> handle(ShardState state, Topic existing);
}
