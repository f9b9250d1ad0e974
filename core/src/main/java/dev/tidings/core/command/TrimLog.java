// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.DeliveriesLoad;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Lets go of the oldest messages of a topic: not of those that a subscription still needs, unless
/// they are below `backlog`. Without subscriptions its log need not be in memory.
///
/// @param topic as retention saw it
/// @param firstRetained messages below this sequence go; at most one above a durable message
/// @param backlog at most `firstRetained`: what lies below it goes even if a subscription needs it
/// @param expired at most `backlog`: what lies below it has expired
public record TrimLog(Topic topic, long firstRetained, long backlog, long expired)
    implements Command<Long> {
  private static final long SIZE = 200;

  /// Lets go of messages whether subscriptions need them or not.
  public TrimLog(Topic topic, long firstRetained) {
    this(topic, firstRetained, firstRetained);
  }

  /// Lets go of messages of which none has expired.
  public TrimLog(Topic topic, long firstRetained, long backlog) {
    this(topic, firstRetained, backlog, 0);
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic.name());
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
  public OptionalInt about() {
    return OptionalInt.of(topic.incarnation());
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  /// Yields the lowest sequence that is retained now.
  @Override
  public Step<Long> handle(ShardState state) {
    Optional<Topic> existing = state.topic(topic.name());
    if (existing.isEmpty() || existing.get().incarnation() != topic.incarnation()) {
      return Step.refused(
          Refusal.Code.TOPIC_MISSING, "topic '" + topic.name() + "' is gone or another one now");
    }
    List<Subscription> subscriptions = state.subscriptionsOf(existing.get());
    if (subscriptions.isEmpty()) {
      state.trim(existing.get(), firstRetained);
      return Step.done(firstRetained);
    }
    if (state.log(topic.incarnation()).isEmpty()) {
      return new Step.Needs<>(LogLoad.of(existing.get()));
    }
    long needed = firstRetained;
    for (Subscription subscription : subscriptions) {
      Optional<Deliveries> deliveries = state.subscriptions().find(subscription.number());
      if (deliveries.isEmpty()) {
        return new Step.Needs<>(DeliveriesLoad.of(subscription));
      }
      needed = Math.min(needed, deliveries.get().pin());
    }
    long first = Math.max(needed, backlog);
    for (Subscription subscription : subscriptions) {
      // What it loses is counted, so it has to be known what of it would have been delivered.
      Optional<Load> behind =
          state
              .subscriptions()
              .find(subscription.number())
              .filter(deliveries -> !deliveries.knowsBelow(first))
              .flatMap(_ -> state.subscriptions().behind(subscription.number()));
      if (behind.isPresent()) {
        return new Step.Needs<>(behind.get());
      }
    }
    return trim(state, existing.get(), subscriptions, first);
  }

  private Step<Long> trim(
      ShardState state, Topic existing, List<Subscription> subscriptions, long first) {
    TopicLog log = state.log(existing.incarnation()).orElseThrow();
    if (first <= log.firstRetained()) {
      return Step.done(first);
    }
    for (Subscription subscription : subscriptions) {
      Deliveries deliveries = state.subscriptions().find(subscription.number()).orElseThrow();
      if (deliveries.pin() < expired) {
        state.subscriptions().write(subscription, deliveries.expire(expired, log));
      }
      if (deliveries.pin() < first) {
        state.subscriptions().write(subscription, deliveries.lose(first, log));
      }
    }
    state.trim(existing, first);
    return Step.done(first);
  }
}
