// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Changes what a topic says of itself; what is empty stays.
///
/// @param topic the name
/// @param incarnation the topic the caller was authorised for
/// @param isPublic whether every user who may read may read it
/// @param description free text
/// @param retention how long its messages stay
public record ChangeTopic(
    String topic,
    int incarnation,
    Optional<Boolean> isPublic,
    Optional<String> description,
    Optional<TopicRetention> retention)
    implements TopicCommand<Topic> {
  private static final long OVERHEAD = 400;

  @Override
  public long size() {
    return OVERHEAD + description.map(String::length).orElse(0);
  }

  @Override
  public boolean takesAuthority() {
    return true;
  }

  @Override
  public Step<Topic> handle(ShardState state, Topic existing) {
    Topic changed =
        new Topic(
            existing.name(),
            existing.incarnation(),
            existing.ownerId(),
            isPublic.orElse(existing.isPublic()),
            description.or(existing::description),
            existing.createdAt(),
            existing.grantees(),
            retention.orElse(existing.retention()));
    if (!changed.equals(existing)) {
      state.put(changed);
    }
    return Step.done(changed);
  }
}
