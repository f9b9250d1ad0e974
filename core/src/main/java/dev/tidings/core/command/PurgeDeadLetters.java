// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import java.util.List;
import java.util.Optional;

/// Drops dead letters of a subscription.
///
/// @param subscription the one the caller was authorised for
/// @param sequences of the messages, of which those that are no dead letters are passed over; empty
///   for all dead letters
public record PurgeDeadLetters(Subscription subscription, Optional<List<Long>> sequences)
    implements SubscriptionCommand<Boolean> {
  private static final long OVERHEAD = 300;
  private static final long PER_MESSAGE = 32;

  @Override
  public long size() {
    return OVERHEAD + PER_MESSAGE * sequences.map(List::size).orElse(0);
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Boolean> handle(ShardState state, Target target) {
    state.subscriptions().write(target.subscription(), target.deliveries().purge(sequences));
    return Step.done(true);
  }
}
