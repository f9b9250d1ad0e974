// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.Collection;
import java.util.TreeMap;
import org.pcollections.TreePMap;

/// The users of the directory, by name and by id.
record UserIndex(TreePMap<String, User> byName, TreePMap<String, User> byId, int activeCount) {
  static final UserIndex EMPTY = new UserIndex(TreePMap.empty(), TreePMap.empty(), 0);

  static UserIndex of(Collection<User> users) {
    TreeMap<String, User> byName = new TreeMap<>();
    TreeMap<String, User> byId = new TreeMap<>();
    int activeCount = 0;
    for (User user : users) {
      byName.put(user.username(), user);
      byId.put(user.id(), user);
      activeCount += user.active() ? 1 : 0;
    }
    return new UserIndex(TreePMap.fromSortedMap(byName), TreePMap.fromSortedMap(byId), activeCount);
  }

  UserIndex with(User user) {
    UserIndex others = without(user);
    return new UserIndex(
        others.byName.plus(user.username(), user),
        others.byId.plus(user.id(), user),
        others.activeCount + (user.active() ? 1 : 0));
  }

  UserIndex without(User user) {
    User known = byName.get(user.username());
    return known == null
        ? this
        : new UserIndex(
            byName.minus(known.username()),
            byId.minus(known.id()),
            activeCount - (known.active() ? 1 : 0));
  }
}
