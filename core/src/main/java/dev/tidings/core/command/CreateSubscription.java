// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.List;
import java.util.Optional;

/// Creates a subscription of a topic.
///
/// @param id must be free
/// @param topic the name of the topic
/// @param incarnation the topic the caller was authorised for
/// @param ownerId the id of the user or client who will own it
/// @param filter which messages it delivers, as [dev.tidings.core.filter.Filter#parse] reads it;
///   empty for all
/// @param policy how it delivers again what was not acked
/// @param from where it begins
public record CreateSubscription(
    String id,
    String topic,
    int incarnation,
    String ownerId,
    Optional<Payload> filter,
    DeliveryPolicy policy,
    From from)
    implements TopicCommand<Subscription> {
  private static final long OVERHEAD = 600;

  /// Where a subscription begins.
  public sealed interface From {
    /// With what is published from now on.
    record Now() implements From {}

    /// With the oldest retained message.
    record Earliest() implements From {}

    /// With the first retained message at or after a sequence.
    ///
    /// @param sequence of this topic's log
    record At(long sequence) implements From {}
  }

  @Override
  public long size() {
    return OVERHEAD + filter.map(Payload::size).orElse(0);
  }

  @Override
  public Step<Subscription> handle(ShardState state, Topic existing) {
    Optional<String> damage = state.damage(Entry.Kind.SUBSCRIPTION, id);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    Optional<TopicLog> log = state.log(incarnation);
    if (log.isEmpty()) {
      return new Step.Needs<>(LogLoad.of(existing));
    }
    Optional<String> noRoom = state.noRoomForSubscription(existing);
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    if (!state.claim(id)) {
      return Step.refused(Refusal.Code.SUBSCRIPTION_EXISTS, "This subscription already exists");
    }
    Optional<Subscription> created =
        state.createSubscription(id, existing, ownerId, filter, policy, start(log.get()));
    if (created.isEmpty()) {
      return Step.refused(
          Refusal.Code.EXHAUSTED, "all 2^26 numbers are used; no subscription can be created");
    }
    begin(state, created.get(), log.get());
    return Step.done(created.get());
  }

  private static void begin(ShardState state, Subscription created, TopicLog log) {
    // Nothing of it is in the store yet, so there is nothing to load but what its filter lacks.
    state.subscriptions().open(created, log, Optional.empty(), List.of()).ifPresent(state::want);
    // Without holes; what a lapse or damage has left out is corrected when its end is reached.
    long messagesBefore = log.messagesEver() - (log.nextSequence() - created.start());
    state
        .subscriptions()
        .write(
            created,
            state
                .subscriptions()
                .find(created.number())
                .orElseThrow()
                .begin(Math.max(0, messagesBefore)));
  }

  private long start(TopicLog log) {
    return switch (from) {
      case From.Now() -> log.nextSequence();
      case From.Earliest() -> log.firstRetained();
      case From.At(long sequence) -> Math.clamp(sequence, log.firstRetained(), log.nextSequence());
    };
  }
}
