// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.DeliveriesLoad;
import java.util.Optional;

/// What a queue holds, while a command looks at it.
///
/// @param state that the command is handled on
/// @param topic of the queue
/// @param subscription of the queue
/// @param log of the topic
/// @param deliveries of the subscription
record QueueContents(
    ShardState state, Topic topic, Subscription subscription, TopicLog log, Deliveries deliveries) {

  // The share of what a queue keeps that it may have dropped before its log is trimmed, as a
  // divisor. The next sweep trims the rest.
  private static final long TRIMMED_AT = 16;

  /// What has to be loaded before [#of] can be called; empty if everything is in memory.
  static Optional<Load> missing(ShardState state, Queue queue) {
    if (state.log(queue.incarnation()).isEmpty()) {
      return Optional.of(new LogLoad(queue.topic(), queue.incarnation()));
    }
    Subscription subscription = state.subscription(queue.name()).orElseThrow();
    return state.subscriptions().find(subscription.number()).isPresent()
        ? Optional.empty()
        : Optional.of(DeliveriesLoad.of(subscription));
  }

  /// What `queue` holds.
  static QueueContents of(ShardState state, Queue queue) {
    Subscription subscription = state.subscription(queue.name()).orElseThrow();
    return new QueueContents(
        state,
        state.topic(queue.topic()).orElseThrow(),
        subscription,
        state.log(queue.incarnation()).orElseThrow(),
        state.subscriptions().find(subscription.number()).orElseThrow());
  }

  /// How many messages are not acked, durable or not.
  long length() {
    return deliveries.unsettled(log);
  }

  /// Drops the oldest messages that are not acked until `keep` are left; they count as lost.
  ///
  /// @return how many went
  long dropTo(long keep) {
    long before = length();
    if (before <= keep) {
      return 0;
    }
    long first = deliveries.firstOfNewest(log, keep);
    state.subscriptions().write(subscription, deliveries.lose(first, log));
    // A trim costs the store as much as some messages: a long queue is not trimmed for each.
    if (first - log.firstRetained() > keep / TRIMMED_AT) {
      state.trim(topic, first);
    }
    return before - length();
  }

  /// Drops all messages but dead letters; they count as nothing.
  ///
  /// @return how many went that were not acked
  long purge() {
    long before = length() + deliveries.unsettledCopies();
    long end = log.nextSequence();
    state.subscriptions().write(subscription, deliveries.drop(log));
    if (end > log.firstRetained()) {
      state.trim(topic, end);
    }
    return before;
  }
}
