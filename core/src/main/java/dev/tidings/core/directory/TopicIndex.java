// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pcollections.TreePMap;

/// The topics of the directory, by name and by the users who own or may read them.
///
/// @param owned names of topics by the id of their owner; those of queues are left out: no user has
///   to do with them but through their queue
/// @param granted names of topics by the id of a user they are granted to
record TopicIndex(
    TreePMap<String, Topic> byName, SetIndex owned, SetIndex granted, int publicCount) {
  static final TopicIndex EMPTY =
      new TopicIndex(TreePMap.empty(), SetIndex.EMPTY, SetIndex.EMPTY, 0);

  static TopicIndex of(Collection<Topic> topics) {
    TreeMap<String, Topic> byName = new TreeMap<>();
    Map<String, TreeSet<String>> owned = new HashMap<>();
    Map<String, TreeSet<String>> granted = new HashMap<>();
    int publicCount = 0;
    for (Topic topic : topics) {
      byName.put(topic.name(), topic);
      if (!Queue.isReserved(topic.name())) {
        owned.computeIfAbsent(topic.ownerId(), _ -> new TreeSet<>()).add(topic.name());
      }
      for (String grantee : topic.grantees()) {
        granted.computeIfAbsent(grantee, _ -> new TreeSet<>()).add(topic.name());
      }
      publicCount += topic.isPublic() ? 1 : 0;
    }
    return new TopicIndex(
        TreePMap.fromSortedMap(byName), SetIndex.of(owned), SetIndex.of(granted), publicCount);
  }

  TopicIndex with(Topic topic) {
    Topic before = byName.get(topic.name());
    SetIndex nowOwned = owned;
    if (!Queue.isReserved(topic.name())
        && (before == null || !before.ownerId().equals(topic.ownerId()))) {
      nowOwned = ownedWithout(before).with(topic.ownerId(), topic.name());
    }
    Set<String> granteesBefore = before == null ? Set.of() : before.grantees();
    return new TopicIndex(
        byName.plus(topic.name(), topic),
        nowOwned,
        regranted(topic.name(), granteesBefore, topic.grantees()),
        publicCount - publicCountOf(before) + publicCountOf(topic));
  }

  TopicIndex without(Topic topic) {
    Topic known = byName.get(topic.name());
    return known == null
        ? this
        : new TopicIndex(
            byName.minus(known.name()),
            ownedWithout(known),
            regranted(known.name(), known.grantees(), Set.of()),
            publicCount - publicCountOf(known));
  }

  private SetIndex ownedWithout(@Nullable Topic topic) {
    return topic == null ? owned : owned.without(topic.ownerId(), topic.name());
  }

  /// Changes the index for what has changed alone: a topic may have thousands of grants.
  private SetIndex regranted(String topic, Set<String> before, Set<String> after) {
    SetIndex changed = granted;
    for (String grantee : before) {
      if (!after.contains(grantee)) {
        changed = changed.without(grantee, topic);
      }
    }
    for (String grantee : after) {
      if (!before.contains(grantee)) {
        changed = changed.with(grantee, topic);
      }
    }
    return changed;
  }

  private static int publicCountOf(@Nullable Topic topic) {
    return topic != null && topic.isPublic() ? 1 : 0;
  }
}
