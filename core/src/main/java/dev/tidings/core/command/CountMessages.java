// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries.Counts;

/// Counts the messages of a subscription by their state. What a filter has not been evaluated on
/// yet is not counted as available.
///
/// @param subscription the one the caller was authorised for
public record CountMessages(Subscription subscription) implements SubscriptionCommand<Counts> {
  private static final long SIZE = 100;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return false;
  }

  @Override
  public Step<Counts> handle(ShardState state, Target target) {
    return Step.done(
        target.deliveries().counts(target.log(), target.subscription().policy(), state.time()));
  }
}
