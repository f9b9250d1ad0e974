// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.pcollections.TreePMap;
import org.pcollections.TreePSet;

/// An index from a key to the names that belong to it, in order.
///
/// @param sets no empty ones
record SetIndex(TreePMap<String, TreePSet<String>> sets) {
  static final SetIndex EMPTY = new SetIndex(TreePMap.empty());

  /// An index of many at once, which is far cheaper than one after another.
  static SetIndex of(Map<String, TreeSet<String>> sets) {
    TreeMap<String, TreePSet<String>> persistent = new TreeMap<>();
    sets.forEach((key, names) -> persistent.put(key, TreePSet.fromSortedSet(names)));
    return new SetIndex(TreePMap.fromSortedMap(persistent));
  }

  Set<String> get(String key) {
    TreePSet<String> names = sets.get(key);
    return names == null ? Set.of() : names;
  }

  /// The names that belong to `key` and come after `name`.
  Set<String> after(String key, String name) {
    TreePSet<String> names = sets.get(key);
    return names == null ? Set.of() : names.tailSet(name, /* inclusive= */ false);
  }

  SetIndex with(String key, String name) {
    TreePSet<String> names = sets.get(key);
    return new SetIndex(
        sets.plus(key, names == null ? TreePSet.singleton(name) : names.plus(name)));
  }

  SetIndex without(String key, String name) {
    TreePSet<String> names = sets.get(key);
    if (names == null) {
      return this;
    }
    TreePSet<String> others = names.minus(name);
    return new SetIndex(others.isEmpty() ? sets.minus(key) : sets.plus(key, others));
  }
}
