// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Waiter;

/// Lets go of somebody who has waited for a message of a subscription. If it was called meanwhile
/// and takes nothing, the next is called in its place.
///
/// @param subscription the one it waited for
/// @param waiter as it was handed in
public record StopWaiting(Subscription subscription, Waiter waiter) implements Command<Boolean> {
  @Override
  public int slot() {
    return subscription.slot();
  }

  @Override
  public long size() {
    return 0;
  }

  /// Refused, it would leave others waiting though there are messages for them.
  @Override
  public boolean followsUp() {
    return true;
  }

  @Override
  public boolean writes() {
    return false;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    state.subscriptions().leave(subscription.number(), waiter);
    state.subscriptions().wake(subscription.number());
    return Step.done(true);
  }
}
