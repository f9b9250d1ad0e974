// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Creates a queue, with its topic and its subscription.
///
/// @param name must be free among queues and subscriptions
/// @param durable whether its messages outlive the process
/// @param mode who gets a message
/// @param bounds what it may keep
/// @param policy how it delivers again what was not acked
/// @param ownerId the id of the user or client who will own it
public record CreateQueue(
    String name,
    boolean durable,
    Queue.Mode mode,
    Queue.Bounds bounds,
    DeliveryPolicy policy,
    String ownerId)
    implements Command<Queue> {
  private static final long SIZE = 1200;
  private static final String EXISTS = "Queue already exists";

  @Override
  public int slot() {
    return Queue.slotOf(name);
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
  public Step<Queue> handle(ShardState state) {
    Optional<String> damage = state.damageOfQueue(name);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    if (state.queue(name).isPresent()) {
      return Step.refused(Refusal.Code.QUEUE_EXISTS, EXISTS);
    }
    if (state.subscription(name).isPresent()) {
      return Step.refused(
          Refusal.Code.QUEUE_EXISTS,
          "a subscription has this name (expected: a name that is free among both)");
    }
    Optional<String> noRoom = state.noRoomForQueue();
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    // Its topic may be that of an older server, on which anybody could name one so. A queue's
    // subscription has its name, so the other tells of other queues too.
    if (state.topic(Queue.topicOf(name)).isPresent() || !state.claim(name)) {
      return Step.refused(Refusal.Code.QUEUE_EXISTS, EXISTS);
    }
    return state
        .createQueue(this)
        .map(Step::done)
        .orElseGet(() ->
            Step.refused(
                Refusal.Code.EXHAUSTED, "all 2^26 numbers are used; no queue can be created"));
  }
}
