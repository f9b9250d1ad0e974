// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;

/// Takes the grant of a topic back from a user.
///
/// @param topic the name
/// @param incarnation the topic the caller was authorised for
/// @param userId to whom it is granted; the user need not exist any more
public record RevokeAccess(String topic, int incarnation, String userId)
    implements TopicCommand<Topic> {
  private static final long OVERHEAD = 400;

  @Override
  public long size() {
    return OVERHEAD;
  }

  @Override
  public boolean takesAuthority() {
    return true;
  }

  @Override
  public Step<Topic> handle(ShardState state, Topic existing) {
    if (!existing.grantees().contains(userId)) {
      return Step.refused(Refusal.Code.NOT_GRANTED, "User does not have access to this topic");
    }
    Topic revoked = existing.revoking(userId);
    state.put(revoked);
    return Step.done(revoked);
  }
}
