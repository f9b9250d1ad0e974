// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import java.util.Collection;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.pcollections.TreePMap;
import org.pcollections.TreePSet;

/// The routes of a fanout exchange: to every queue that is bound, under whatever keys.
///
/// @param keys those that a queue is bound under; no empty sets: a queue leaves with the last
record FanoutRoutes(TreePMap<Target, TreePSet<String>> keys) implements Routes {

  static FanoutRoutes of(Collection<Binding> bindings) {
    TreeMap<Target, TreeSet<String>> keys = new TreeMap<>(Target.ORDER);
    for (Binding binding : bindings) {
      keys.computeIfAbsent(Target.of(binding), _ -> new TreeSet<>()).add(binding.routingKey());
    }
    TreeMap<Target, TreePSet<String>> persistent = new TreeMap<>(Target.ORDER);
    keys.forEach((target, all) -> persistent.put(target, TreePSet.fromSortedSet(all)));
    return new FanoutRoutes(TreePMap.fromSortedMap(persistent));
  }

  @Override
  public FanoutRoutes with(Binding binding) {
    Target target = Target.of(binding);
    TreePSet<String> bound = keys.get(target);
    return new FanoutRoutes(
        keys.plus(
            target,
            bound == null
                ? TreePSet.singleton(binding.routingKey())
                : bound.plus(binding.routingKey())));
  }

  @Override
  public FanoutRoutes without(Binding binding) {
    Target target = Target.of(binding);
    TreePSet<String> bound = keys.get(target);
    if (bound == null) {
      return this;
    }
    TreePSet<String> others = bound.minus(binding.routingKey());
    return new FanoutRoutes(others.isEmpty() ? keys.minus(target) : keys.plus(target, others));
  }

  @Override
  public boolean isEmpty() {
    return keys.isEmpty();
  }

  @Override
  public Set<Target> route(String key) {
    return keys.keySet();
  }
}
