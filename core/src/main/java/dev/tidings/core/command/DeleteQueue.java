// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.runtime.ShardState;

/// Deletes a queue with its bindings and everything in it. The next queue of the name is another
/// one.
///
/// @param queue the one the caller was authorised for
public record DeleteQueue(Queue queue) implements QueueCommand<Queue> {
  private static final long SIZE = 500;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public boolean takesAuthority() {
    return true;
  }

  @Override
  public Step<Queue> handle(ShardState state, Queue existing) {
    state.bindingsOf(existing).forEach(state::remove);
    state
        .topic(existing.topic())
        .ifPresent(topic -> {
          state.consumersOf(topic).forEach(state::remove);
          state.subscriptionsOf(topic).forEach(state::remove);
          state.remove(topic);
        });
    state.remove(existing);
    return Step.done(existing);
  }
}
