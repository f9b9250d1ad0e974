// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.ShardState;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// Notes how far a client says it has got in a topic. A place before the one known changes nothing.
///
/// A topic has at most [#MAX_CONSUMERS]; beyond that the one that was heard of longest ago is
/// forgotten.
///
/// @param topic the name
/// @param incarnation the number of the topic's log
/// @param clientId as the client calls itself
/// @param userId the id of the user it acts for
/// @param sequence of a message that was delivered to it
/// @param timestamp of that message, milliseconds since 1970
public record NoteAck(
    String topic, int incarnation, String clientId, String userId, long sequence, long timestamp)
    implements TopicCommand<Consumer> {

  /// The most consumers of one topic.
  public static final int MAX_CONSUMERS = 1000;

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
    if (known.isEmpty()) {
      makeRoom(state, existing);
    }
    Consumer consumer =
        new Consumer(
            topic, incarnation, clientId, userId, sequence, timestamp, state.time().wallMs());
    state.put(consumer);
    return Step.done(consumer);
  }

  private static void makeRoom(ShardState state, Topic topic) {
    List<Consumer> consumers = state.consumersOf(topic);
    if (consumers.size() >= MAX_CONSUMERS) {
      consumers.stream().min(Comparator.comparingLong(Consumer::ackedAt)).ifPresent(state::remove);
    }
  }
}
