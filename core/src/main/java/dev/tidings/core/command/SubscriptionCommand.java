// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.DeliveriesLoad;
import java.util.Optional;
import java.util.OptionalInt;

/// Something asked of one subscription, which its caller was authorised for: refused if the name
/// belongs to another by now.
///
/// @param <R> what it yields when done
interface SubscriptionCommand<R> extends Command<R> {

  /// The subscription as the caller saw it.
  Subscription subscription();

  @Override
  default int slot() {
    return subscription().slot();
  }

  @Override
  default boolean writes() {
    return true;
  }

  @Override
  default OptionalInt about() {
    return OptionalInt.of(subscription().number());
  }

  @Override
  default Step<R> handle(ShardState state) {
    Optional<Subscription> existing =
        state
            .subscription(subscription().id())
            .filter(it -> it.number() == subscription().number());
    if (existing.isEmpty()) {
      return Step.refused(Refusal.Code.SUBSCRIPTION_MISSING, "Subscription not found");
    }
    Subscription present = existing.get();
    Optional<TopicLog> log = state.log(present.incarnation());
    if (log.isEmpty()) {
      return new Step.Needs<>(new LogLoad(present.topic(), present.incarnation()));
    }
    return state
        .subscriptions()
        .find(present.number())
        .map(deliveries -> handle(state, new Target(present, log.get(), deliveries)))
        .orElseGet(() -> new Step.Needs<>(DeliveriesLoad.of(present)));
  }

  /// Does it to `target`, which is that subscription.
  Step<R> handle(ShardState state, Target target);

  /// A subscription in memory.
  ///
  /// @param subscription as it is now
  /// @param log of its topic
  /// @param deliveries what it has delivered
  record Target(Subscription subscription, TopicLog log, Deliveries deliveries) {}
}
