// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Drops everything in a queue that is not acked, also what is leased. Its dead letters stay.
///
/// @param queue the one the caller was authorised for
public record PurgeQueue(Queue queue) implements QueueCommand<Long> {
  private static final long SIZE = 300;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return queue.durable();
  }

  @Override
  public boolean isTransient() {
    return !queue.durable();
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  /// Yields how many messages were dropped.
  @Override
  public Step<Long> handle(ShardState state, Queue existing) {
    Optional<String> damage = state.damageOfQueue(existing.name());
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    return QueueContents.missing(state, existing)
        .<Step<Long>>map(Step.Needs::new)
        .orElseGet(() -> Step.done(QueueContents.of(state, existing).purge()));
  }
}
