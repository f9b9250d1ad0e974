// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries.Failing;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Nacks leased messages of a subscription: they are delivered again later, or become dead letters
/// after their last attempt.
///
/// @param subscription the one the caller was authorised for
/// @param meant which; those that are not leased are passed over
/// @param delayMs until they are delivered again, milliseconds; empty where the subscription says
public record NackMessages(Subscription subscription, Meant meant, OptionalLong delayMs)
    implements SubscriptionCommand<List<Long>> {
  private static final long OVERHEAD = 300;
  private static final long PER_MESSAGE = 64;

  @Override
  public long size() {
    return OVERHEAD + PER_MESSAGE * meant.sequences().size();
  }

  /// Yields the sequences that are to be nacked once more: their messages are to be copied to the
  /// dead letters, and were too many for one time.
  @Override
  public Step<List<Long>> handle(ShardState state, Target target) {
    Failing failing =
        target
            .deliveries()
            .nack(
                meant,
                delayMs,
                target.log(),
                state.subscriptions().pages(),
                target.subscription().policy(),
                state.time());
    Optional<? extends Load> load = failing.load();
    if (load.isPresent()) {
      return new Step.Needs<>(load.get());
    }
    state.subscriptions().write(target.subscription(), failing.change());
    return Step.done(failing.rest());
  }
}
