// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import java.util.Collection;
import java.util.Set;

/// Which queues one exchange routes to: immutable. Two bindings are the same if they have the same
/// queue and key.
sealed interface Routes permits DirectRoutes, FanoutRoutes, TopicRoutes {

  /// The routes of an exchange of that type with these bindings.
  static Routes of(Exchange.Type type, Collection<Binding> bindings) {
    return switch (type) {
      case DIRECT -> DirectRoutes.of(bindings);
      case FANOUT -> FanoutRoutes.of(bindings);
      case TOPIC -> TopicRoutes.of(bindings);
    };
  }

  /// These and `binding`, which may be among them already.
  Routes with(Binding binding);

  /// These without `binding`, which need not be among them.
  Routes without(Binding binding);

  /// Whether there are no bindings.
  boolean isEmpty();

  /// The queues that a message published under `key` goes into: each once, in a set that does not
  /// change.
  Set<Target> route(String key);
}
