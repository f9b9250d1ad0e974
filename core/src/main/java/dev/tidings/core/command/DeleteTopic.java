// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.ShardState;

/// Deletes a topic with its messages and everything that belongs to it. The next topic of the name
/// is another one.
///
/// @param topic the name
/// @param incarnation the topic the caller was authorised for
public record DeleteTopic(String topic, int incarnation) implements TopicCommand<Topic> {
  private static final long SIZE = 400;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public boolean takesAuthority() {
    return true;
  }

  @Override
  public Step<Topic> handle(ShardState state, Topic existing) {
    for (Consumer consumer : state.consumersOf(existing)) {
      state.remove(consumer);
    }
    for (Subscription subscription : state.subscriptionsOf(existing)) {
      state.remove(subscription);
    }
    state.remove(existing);
    return Step.done(existing);
  }
}
