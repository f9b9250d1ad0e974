// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Grants a topic to a user.
///
/// @param topic the name
/// @param incarnation the topic the caller was authorised for
/// @param userId of an existing user
public record GrantAccess(String topic, int incarnation, String userId)
    implements TopicCommand<Topic> {
  private static final long OVERHEAD = 400;

  @Override
  public long size() {
    return OVERHEAD;
  }

  @Override
  public Step<Topic> handle(ShardState state, Topic existing) {
    if (existing.grantees().contains(userId)) {
      return Step.refused(
          Refusal.Code.ALREADY_GRANTED, "User " + userId + " already has access to topic " + topic);
    }
    Optional<String> noRoom = state.noRoomForGrant(existing);
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    Topic granted = existing.granting(userId);
    state.put(granted);
    return Step.done(granted);
  }
}
