// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.Deliveries.Failing;
import java.util.Optional;

/// Ends the leases of one shard's subscriptions whose deadline has passed, makes dead letters of
/// messages that have failed for the last time, and calls those who wait for what is available
/// then.
///
/// @param slot one of the shard's slots
/// @param inMemory whether those of transient queues, whatever the store does, or all others
public record TendSubscriptions(int slot, boolean inMemory) implements Command<Boolean> {
  // At once; those that are left come next time.
  private static final int MAX = 1000;

  @Override
  public long size() {
    return 0;
  }

  @Override
  public boolean writes() {
    return !inMemory;
  }

  @Override
  public boolean isTransient() {
    return inMemory;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    for (int number :
        state.subscriptions().due(MAX, number -> state.isInMemory(number) == inMemory)) {
      // What it needs is there next time; nobody else waits for it, nor if it cannot be read.
      tend(state, number).ifPresent(state::want);
    }
    return Step.done(true);
  }

  private static Optional<Load> tend(ShardState state, int number) {
    // By now the name may be that of another.
    Optional<Subscription> subscription =
        state
            .subscriptions()
            .subscription(number)
            .flatMap(it -> state.subscription(it.id()))
            .filter(it -> it.number() == number);
    Optional<TopicLog> log = subscription.flatMap(it -> state.log(it.incarnation()));
    Optional<Deliveries> deliveries = state.subscriptions().find(number);
    if (log.isEmpty() || deliveries.isEmpty()) {
      return Optional.empty();
    }
    Failing failing =
        deliveries
            .get()
            .tend(
                log.get(),
                state.subscriptions().pages(),
                subscription.orElseThrow().policy(),
                state.time());
    if (failing.load().isPresent()) {
      return Optional.of(failing.load().get());
    }
    state.subscriptions().write(subscription.get(), failing.change());
    state.subscriptions().tended(number);
    return Optional.empty();
  }
}
