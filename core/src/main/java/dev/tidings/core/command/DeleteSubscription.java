// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Deletes a subscription with its deliveries and dead letters. Whoever waits for its messages is
/// told.
///
/// @param subscription the one the caller was authorised for
public record DeleteSubscription(Subscription subscription) implements Command<Subscription> {
  private static final long SIZE = 400;

  @Override
  public int slot() {
    return subscription.slot();
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
  public Step<Subscription> handle(ShardState state) {
    Optional<Subscription> existing =
        state.subscription(subscription.id()).filter(it -> it.number() == subscription.number());
    if (existing.isEmpty()) {
      return Step.refused(Refusal.Code.SUBSCRIPTION_MISSING, "Subscription not found");
    }
    state.remove(existing.get());
    return Step.done(existing.get());
  }
}
