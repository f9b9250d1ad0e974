// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// Creates a topic.
///
/// @param name must be free
/// @param ownerId the id of the user who will own it
/// @param isPublic whether every user who may read may read it
/// @param description free text
/// @param retention how long its messages stay
public record CreateTopic(
    String name,
    String ownerId,
    boolean isPublic,
    Optional<String> description,
    TopicRetention retention)
    implements Command<Topic> {
  private static final long OVERHEAD = 400;

  /// A topic that leaves its retention to the server.
  public CreateTopic(String name, String ownerId, boolean isPublic, Optional<String> description) {
    this(name, ownerId, isPublic, description, TopicRetention.DEFAULT);
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, name);
  }

  @Override
  public long size() {
    return OVERHEAD + description.map(String::length).orElse(0);
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<Topic> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.TOPIC, name);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    if (state.topic(name).isPresent()) {
      return Step.refused(Refusal.Code.TOPIC_EXISTS, "Topic '" + name + "' already exists");
    }
    Optional<String> noRoom = state.noRoomForTopic();
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    return state
        .createTopic(name, ownerId, isPublic, description, retention)
        .map(Step::done)
        .orElseGet(() ->
            Step.refused(
                Refusal.Code.EXHAUSTED,
                "all 2^26 topic numbers are used; no topic can be created"));
  }
}
