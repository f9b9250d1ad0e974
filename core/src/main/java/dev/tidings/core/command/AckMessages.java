// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries.Change;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.util.Optional;

/// Acks messages of a subscription: they are never delivered again.
///
/// @param subscription the one the caller was authorised for
/// @param meant which; those that are none of its live messages are passed over
public record AckMessages(Subscription subscription, Meant meant) implements MeantCommand<Long> {
  @Override
  public boolean freesSpace() {
    // What is acked need not be retained.
    return true;
  }

  /// Yields how many were acked.
  @Override
  public Step<Long> handle(ShardState state, Target target) {
    Optional<Change> change =
        target.deliveries().ack(meant, target.log(), target.subscription().policy(), state.time());
    if (change.isEmpty()) {
      return state
          .subscriptions()
          .behind(target.subscription().number())
          .<Step<Long>>map(Step.Needs::new)
          // It was caught up just now.
          .orElseGet(() -> handle(state, target));
    }
    state.subscriptions().write(target.subscription(), change.get());
    return Step.done(change.get().acked());
  }
}
