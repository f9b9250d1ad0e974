// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// Grants a topic to a user.
///
/// @param topic the name
/// @param incarnation the topic the caller was authorised for
/// @param userId of an existing user
public record GrantAccess(String topic, int incarnation, String userId) implements Command<Topic> {
  private static final long OVERHEAD = 400;

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic);
  }

  @Override
  public long size() {
    return OVERHEAD;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<Topic> handle(ShardState state) {
    Optional<Topic> existing = state.topic(topic);
    if (existing.isEmpty()) {
      return Step.refused(Refusal.Code.TOPIC_MISSING, "Topic '" + topic + "' not found");
    }
    if (existing.get().incarnation() != incarnation) {
      return Step.refused(
          Refusal.Code.STALE_AUTHORITY, "topic '" + topic + "' has changed meanwhile; try again");
    }
    if (existing.get().grantees().contains(userId)) {
      return Step.refused(
          Refusal.Code.ALREADY_GRANTED, "User " + userId + " already has access to topic " + topic);
    }
    Optional<String> noRoom = state.noRoomForGrant(existing.get());
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    Topic granted = existing.get().granting(userId);
    state.put(granted);
    return Step.done(granted);
  }
}
