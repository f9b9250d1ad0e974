// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Waiter;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Leases messages to a consumer.
///
/// @param subscription the one the caller was authorised for
/// @param max messages, 1 or more
/// @param forMs how long the lease lasts, counted from its answer, milliseconds; empty where the
///   subscription says
/// @param waiter is called once when there may be a message, if there is none now
public record LeaseMessages(
    Subscription subscription, int max, OptionalLong forMs, Optional<Waiter> waiter)
    implements SubscriptionCommand<LeaseMessages.Leased> {
  // For the messages that it gives; at most so many bytes are given at once.
  private static final long SIZE = 2000;

  /// What a consumer got.
  ///
  /// @param subscription as it was then
  /// @param lease the number of the lease
  /// @param messages in the order in which they are to be handled; none if there were none
  public record Leased(Subscription subscription, long lease, List<Delivered> messages)
      implements Sized {
    public Leased {
      messages = List.copyOf(messages);
    }

    @Override
    public long bytes() {
      long bytes = 0;
      for (Delivered delivered : messages) {
        bytes += delivered.message().size();
      }
      return bytes;
    }
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public Step<Leased> handle(ShardState state, Target target) {
    Subscription present = target.subscription();
    Deliveries.Leasing leasing =
        target
            .deliveries()
            .lease(
                target.log(),
                state.subscriptions().pages(),
                max,
                forMs,
                present.policy(),
                state.time());
    return switch (leasing) {
      case Deliveries.Missing(Load load, Deliveries.Change change) -> {
        state.subscriptions().write(present, change);
        yield new Step.Needs<>(load);
      }
      case Deliveries.Unevaluated(Deliveries.Change change) -> {
        state.subscriptions().write(present, change);
        yield state
            .subscriptions()
            .neededToLease(present.number())
            .<Step<Leased>>map(Step.Needs::new)
            // It was caught up just now.
            .orElseGet(() -> handle(state, target));
      }
      case Deliveries.Leased leased -> {
        state.subscriptions().write(present, leased.change());
        if (leased.deliveries().isEmpty()) {
          waiter.ifPresent(it -> state.subscriptions().await(present.number(), it));
        }
        // For the next who waits, if something is left.
        state.subscriptions().wake(present.number());
        yield Step.done(new Leased(present, leased.number(), leased.deliveries()));
      }
    };
  }
}
