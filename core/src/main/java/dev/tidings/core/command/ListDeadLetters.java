// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Listing;
import java.util.List;
import java.util.Optional;

/// Shows dead letters of a subscription, in the order of their publishing.
///
/// @param subscription the one the caller was authorised for
/// @param which of them
public record ListDeadLetters(Subscription subscription, Which which)
    implements SubscriptionCommand<List<Delivered>> {
  private static final long SIZE = 500;

  /// Which dead letters.
  public sealed interface Which {
    /// A page; it is shorter if its messages take more than 4 MiB.
    ///
    /// @param offset of the first, 0 or more
    /// @param limit at most so many, 1 or more
    record Page(long offset, int limit) implements Which {}

    /// The one with that sequence.
    record One(long sequence) implements Which {}
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return false;
  }

  @Override
  public Step<List<Delivered>> handle(ShardState state, Target target) {
    Listing listing =
        switch (which) {
          case Which.Page(long offset, int limit) ->
              target.deliveries().deadLetters(offset, limit, state.subscriptions().pages());
          case Which.One(long sequence) ->
              target.deliveries().deadLetter(sequence, state.subscriptions().pages());
        };
    Optional<? extends Load> load = listing.load();
    return load.isPresent() ? new Step.Needs<>(load.get()) : Step.done(listing.messages());
  }
}
