// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import java.util.Collection;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.pcollections.TreePMap;
import org.pcollections.TreePSet;

/// The routes of a direct exchange: by exactly the key.
///
/// @param byKey no empty sets. A tree and not a hash table: callers choose the keys, and could
///   choose many of one hash
record DirectRoutes(TreePMap<String, TreePSet<Target>> byKey) implements Routes {

  static DirectRoutes of(Collection<Binding> bindings) {
    TreeMap<String, TreeSet<Target>> byKey = new TreeMap<>();
    for (Binding binding : bindings) {
      byKey
          .computeIfAbsent(binding.routingKey(), _ -> new TreeSet<>(Target.ORDER))
          .add(Target.of(binding));
    }
    TreeMap<String, TreePSet<Target>> persistent = new TreeMap<>();
    byKey.forEach((key, targets) -> persistent.put(key, TreePSet.fromSortedSet(targets)));
    return new DirectRoutes(TreePMap.fromSortedMap(persistent));
  }

  @Override
  public DirectRoutes with(Binding binding) {
    TreePSet<Target> targets = byKey.get(binding.routingKey());
    Target target = Target.of(binding);
    return new DirectRoutes(
        byKey.plus(
            binding.routingKey(),
            targets == null ? TreePSet.singleton(Target.ORDER, target) : targets.plus(target)));
  }

  @Override
  public DirectRoutes without(Binding binding) {
    TreePSet<Target> targets = byKey.get(binding.routingKey());
    if (targets == null) {
      return this;
    }
    TreePSet<Target> others = targets.minus(Target.of(binding));
    return new DirectRoutes(
        others.isEmpty()
            ? byKey.minus(binding.routingKey())
            : byKey.plus(binding.routingKey(), others));
  }

  @Override
  public boolean isEmpty() {
    return byKey.isEmpty();
  }

  @Override
  public Set<Target> route(String key) {
    TreePSet<Target> targets = byKey.get(key);
    return targets == null ? Set.of() : targets;
  }
}
