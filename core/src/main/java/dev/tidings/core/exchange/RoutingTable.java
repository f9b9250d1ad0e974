// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.pcollections.TreePMap;

/// Which queues the exchanges route to: immutable, so that any thread may route without locks.
///
/// What a change costs grows with the logarithm of the number of bindings, what routing costs with
/// the queues found and, for a topic exchange, the words of the key and the patterns that fit their
/// beginning; never with all bindings.
public final class RoutingTable {
  /// No bindings.
  public static final RoutingTable EMPTY = new RoutingTable(TreePMap.empty());

  /// By the numbers of exchanges; none that are empty.
  private final TreePMap<Integer, Routes> byExchange;

  private RoutingTable(TreePMap<Integer, Routes> byExchange) {
    this.byExchange = byExchange;
  }

  /// The table of these bindings, far cheaper than one after another.
  public static RoutingTable of(Collection<Binding> bindings) {
    TreeMap<Integer, List<Binding>> ofExchanges = new TreeMap<>();
    for (Binding binding : bindings) {
      ofExchanges.computeIfAbsent(binding.exchangeNumber(), _ -> new ArrayList<>()).add(binding);
    }
    TreeMap<Integer, Routes> byExchange = new TreeMap<>();
    ofExchanges.forEach(
        (number, all) -> byExchange.put(number, Routes.of(all.getFirst().type(), all)));
    return new RoutingTable(TreePMap.fromSortedMap(byExchange));
  }

  /// This table and `binding`, which may be in it already.
  public RoutingTable with(Binding binding) {
    Routes routes = byExchange.get(binding.exchangeNumber());
    return new RoutingTable(
        byExchange.plus(
            binding.exchangeNumber(),
            routes == null ? Routes.of(binding.type(), List.of(binding)) : routes.with(binding)));
  }

  /// This table without `binding`, which need not be in it.
  public RoutingTable without(Binding binding) {
    Routes routes = byExchange.get(binding.exchangeNumber());
    if (routes == null) {
      return this;
    }
    Routes others = routes.without(binding);
    return new RoutingTable(
        others.isEmpty()
            ? byExchange.minus(binding.exchangeNumber())
            : byExchange.plus(binding.exchangeNumber(), others));
  }

  /// This table without the bindings of the exchange with that number.
  public RoutingTable withoutExchange(int number) {
    return new RoutingTable(byExchange.minus(number));
  }

  /// The queues that a message published to `exchange` under `key` goes into: each once, however
  /// many bindings match, in no order. The set does not change.
  public Set<Target> route(Exchange exchange, String key) {
    Routes routes = byExchange.get(exchange.number());
    return routes == null ? Set.of() : routes.route(key);
  }

  /// Whether no exchange routes anywhere.
  boolean isEmpty() {
    return byExchange.isEmpty();
  }
}
