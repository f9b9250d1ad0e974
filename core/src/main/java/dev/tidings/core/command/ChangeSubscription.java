// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import java.util.OptionalInt;

/// Changes how a subscription delivers again what was not acked, from now on: waits and leases that
/// have begun stay as they are.
///
/// @param subscription the one the caller was authorised for
/// @param policy the new one
public record ChangeSubscription(Subscription subscription, DeliveryPolicy policy)
    implements SubscriptionCommand<Subscription> {
  private static final long SIZE = 600;

  @Override
  public long size() {
    return SIZE;
  }

  /// The entry, which is stored for every queue.
  @Override
  public OptionalInt about() {
    return OptionalInt.empty();
  }

  @Override
  public Step<Subscription> handle(ShardState state, Target target) {
    Subscription changed = target.subscription().with(policy);
    if (!changed.equals(target.subscription())) {
      state.put(changed);
    }
    return Step.done(changed);
  }
}
