// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Notes how far a client says it has got in a topic. A place before the one known changes nothing.
///
/// A topic has at most [#MAX_CONSUMERS] consumers, and all topics have at most [#MAX_IN_ALL];
/// beyond that a new one is refused, until some have been forgotten that were not heard of for
/// long.
///
/// @param topic the name
/// @param incarnation the number of the topic's log
/// @param clientId as the client calls itself
/// @param userId the id of the user it acts for
/// @param sequence of a durable message of the topic
/// @param timestamp of that message as the client has it, milliseconds since 1970
public record NoteAck(
    String topic, int incarnation, String clientId, String userId, long sequence, long timestamp)
    implements TopicCommand<Consumer> {

  /// The most consumers of one topic.
  public static final int MAX_CONSUMERS = 1000;

  /// The most consumers of all topics; each takes some hundred bytes of heap.
  public static final int MAX_IN_ALL = 200_000;

  private static final long SIZE = 500;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public Step<Consumer> handle(ShardState state, Topic existing) {
    Optional<Consumer> known = state.consumer(existing, userId, clientId);
    if (known.isPresent() && known.get().ackedSequence() >= sequence) {
      return Step.done(known.get());
    }
    if (known.isEmpty() && state.consumersFull(existing, MAX_CONSUMERS, MAX_IN_ALL)) {
      return Step.refused(
          Refusal.Code.LIMIT_REACHED,
          "topic '" + topic + "' or the server has as many consumers as there may be");
    }
    Consumer consumer =
        new Consumer(
            topic, incarnation, clientId, userId, sequence, timestamp, state.time().wallMs());
    state.put(consumer);
    return Step.done(consumer);
  }
}
