// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// A change of the one queue that its caller was authorised for: it is refused for any other.
///
/// @param <R> what it yields when done
interface QueueCommand<R> extends Command<R> {

  /// The queue as the caller saw it.
  Queue queue();

  @Override
  default int slot() {
    return queue().slot();
  }

  @Override
  default boolean writes() {
    return true;
  }

  @Override
  default Step<R> handle(ShardState state) {
    Optional<Queue> existing = state.queue(queue().name());
    if (existing.isEmpty() || existing.get().incarnation() != queue().incarnation()) {
      return Step.refused(Refusal.Code.QUEUE_MISSING, "Queue doesn't exist");
    }
    return handle(state, existing.get());
  }

  /// Does it to `existing`, which is that queue.
  Step<R> handle(ShardState state, Queue existing);
}
