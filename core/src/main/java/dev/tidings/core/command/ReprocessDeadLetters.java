// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.ShardState;
import java.util.List;

/// Makes dead letters of a subscription available again, as if they had never been delivered.
///
/// @param subscription the one the caller was authorised for
/// @param sequences of the messages; those that are no dead letters are passed over
public record ReprocessDeadLetters(Subscription subscription, List<Long> sequences)
    implements SubscriptionCommand<Boolean> {
  private static final long OVERHEAD = 300;
  private static final long PER_MESSAGE = 32;

  public ReprocessDeadLetters {
    sequences = List.copyOf(sequences);
  }

  @Override
  public long size() {
    return OVERHEAD + PER_MESSAGE * sequences.size();
  }

  @Override
  public Step<Boolean> handle(ShardState state, Target target) {
    state.subscriptions().write(target.subscription(), target.deliveries().reprocess(sequences));
    return Step.done(true);
  }
}
