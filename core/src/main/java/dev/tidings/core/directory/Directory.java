// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.DirectoryContents;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.pcollections.TreePMap;
import org.pcollections.TreePSet;

/// Users and topics as far as they are durable.
///
/// Any thread may read; each read sees one consistent state. The commit lane alone changes it, once
/// a record is durable; what a shard has decided but not yet written is the shard's own business.
public final class Directory {
  private volatile State state;
  private final Map<Slot.Kind, Map<String, String>> damaged = new HashMap<>();

  private record State(
      TreePMap<String, Topic> topics,
      TreePMap<String, TreePSet<String>> topicsByOwner,
      TreePMap<String, User> usersByName,
      TreePMap<String, User> usersById) {}

  /// A directory of what the store held when it was opened.
  public Directory(DirectoryContents contents) {
    TreeMap<String, Topic> topics = new TreeMap<>();
    Map<String, TreeSet<String>> byOwner = new HashMap<>();
    for (Topic topic : contents.topics()) {
      topics.put(topic.name(), topic);
      byOwner.computeIfAbsent(topic.ownerId(), _ -> new TreeSet<>()).add(topic.name());
    }
    TreePMap<String, TreePSet<String>> topicsByOwner = TreePMap.empty();
    for (Map.Entry<String, TreeSet<String>> owner : byOwner.entrySet()) {
      topicsByOwner = topicsByOwner.plus(owner.getKey(), TreePSet.fromSortedSet(owner.getValue()));
    }
    TreeMap<String, User> usersByName = new TreeMap<>();
    TreeMap<String, User> usersById = new TreeMap<>();
    for (User user : contents.users()) {
      usersByName.put(user.username(), user);
      usersById.put(user.id(), user);
    }
    state =
        new State(
            TreePMap.fromSortedMap(topics),
            topicsByOwner,
            TreePMap.fromSortedMap(usersByName),
            TreePMap.fromSortedMap(usersById));
    for (DirectoryContents.Damaged entry : contents.damaged()) {
      damaged.computeIfAbsent(entry.kind(), _ -> new HashMap<>()).put(entry.name(), entry.reason());
    }
  }

  /// The topic of that name.
  public Optional<Topic> topic(String name) {
    return Optional.ofNullable(state.topics().get(name));
  }

  /// All topics by name, as they are now.
  public Map<String, Topic> topics() {
    return state.topics();
  }

  /// The first topic whose name comes after `name`, in the order of [#topics].
  public Optional<Topic> topicAfter(String name) {
    Map.Entry<String, Topic> next = state.topics().higherEntry(name);
    return next == null ? Optional.empty() : Optional.of(next.getValue());
  }

  /// The names of the topics a user owns, in order.
  public Set<String> topicsOwnedBy(String userId) {
    TreePSet<String> owned = state.topicsByOwner().get(userId);
    return owned == null ? Set.of() : owned;
  }

  /// The user with that id.
  public Optional<User> userById(String id) {
    return Optional.ofNullable(state.usersById().get(id));
  }

  /// The user of that name.
  public Optional<User> userByName(String username) {
    return Optional.ofNullable(state.usersByName().get(username));
  }

  /// Whether some user has `permission`.
  public boolean hasUserWith(Permission permission) {
    return state.usersByName().values().stream().anyMatch(user -> user.has(permission));
  }

  /// What is wrong with the entry of that name, if it could not be read when the store was opened.
  public Optional<String> damage(Slot.Kind kind, String name) {
    return Optional.ofNullable(damaged.getOrDefault(kind, Map.of()).get(name));
  }

  /// Shows a topic that is durable now. The commit lane calls it.
  ///
  /// @return whether there was none of that name
  public boolean show(Topic topic) {
    State old = state;
    Topic before = old.topics().get(topic.name());
    TreePMap<String, TreePSet<String>> byOwner = old.topicsByOwner();
    if (before == null) {
      TreePSet<String> owned = byOwner.get(topic.ownerId());
      byOwner =
          byOwner.plus(
              topic.ownerId(),
              owned == null ? TreePSet.singleton(topic.name()) : owned.plus(topic.name()));
    }
    state =
        new State(
            old.topics().plus(topic.name(), topic), byOwner, old.usersByName(), old.usersById());
    return before == null;
  }

  /// Shows a user that is durable now. The commit lane calls it.
  public void show(User user) {
    State old = state;
    state =
        new State(
            old.topics(),
            old.topicsByOwner(),
            old.usersByName().plus(user.username(), user),
            old.usersById().plus(user.id(), user));
  }
}
