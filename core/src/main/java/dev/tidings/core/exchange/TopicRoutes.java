// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import java.util.Collection;
import java.util.Set;

/// The routes of a topic exchange: by patterns that the words of the key match.
///
/// @param root of the tree of all patterns
record TopicRoutes(PatternNode root) implements Routes {

  static TopicRoutes of(Collection<Binding> bindings) {
    return new TopicRoutes(PatternNode.of(bindings));
  }

  @Override
  public TopicRoutes with(Binding binding) {
    return new TopicRoutes(root.with(binding.routingKey(), 0, Target.of(binding)));
  }

  @Override
  public TopicRoutes without(Binding binding) {
    return new TopicRoutes(root.without(binding.routingKey(), 0, Target.of(binding)));
  }

  @Override
  public boolean isEmpty() {
    return root.isEmpty();
  }

  @Override
  public Set<Target> route(String key) {
    return PatternWalk.of(root, key).targets();
  }
}
