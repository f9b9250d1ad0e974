// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries.Meant;

/// Gives leased messages of a subscription another deadline.
///
/// @param subscription the one the caller was authorised for
/// @param meant which; those that are not leased are passed over
/// @param forMs how long from the answer on, milliseconds
public record ExtendLeases(Subscription subscription, Meant meant, long forMs)
    implements MeantCommand<Boolean> {
  @Override
  public Step<Boolean> handle(ShardState state, Target target) {
    state
        .subscriptions()
        .write(
            target.subscription(),
            target.deliveries().extend(meant, forMs, target.subscription().policy(), state.time()));
    return Step.done(true);
  }
}
