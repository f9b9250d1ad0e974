// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.EvaluationLoad;
import java.util.Optional;

/// Counts the messages of a subscription by their state. If its filter has yet to be evaluated on
/// some of the log, the answer waits for that: what is not known is not told as nothing.
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
    Optional<EvaluationLoad> behind = state.subscriptions().behind(target.subscription().number());
    if (behind.isPresent()) {
      return new Step.Needs<>(behind.get());
    }
    return Step.done(
        target.deliveries().counts(target.log(), target.subscription().policy(), state.time()));
  }
}
