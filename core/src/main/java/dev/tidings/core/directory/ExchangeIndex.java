// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.exchange.RoutingTable;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import org.pcollections.TreePMap;

/// The exchanges, queues and bindings of the directory.
///
/// @param ofQueue keys of bindings by the name of their queue
/// @param routes what the bindings come to
record ExchangeIndex(
    TreePMap<String, Exchange> exchanges,
    TreePMap<String, Queue> queues,
    TreePMap<String, Binding> bindings,
    SetIndex ofQueue,
    RoutingTable routes) {

  static ExchangeIndex of(
      Collection<Exchange> exchanges, Collection<Queue> queues, Collection<Binding> bindings) {
    TreeMap<String, Exchange> exchangesByName = new TreeMap<>();
    exchanges.forEach(exchange -> exchangesByName.put(exchange.name(), exchange));
    TreeMap<String, Queue> queuesByName = new TreeMap<>();
    queues.forEach(queue -> queuesByName.put(queue.name(), queue));
    TreeMap<String, Binding> bindingsByKey = new TreeMap<>();
    Map<String, TreeSet<String>> ofQueue = new HashMap<>();
    for (Binding binding : bindings) {
      bindingsByKey.put(binding.key(), binding);
      ofQueue.computeIfAbsent(binding.queue(), _ -> new TreeSet<>()).add(binding.key());
    }
    return new ExchangeIndex(
        TreePMap.fromSortedMap(exchangesByName),
        TreePMap.fromSortedMap(queuesByName),
        TreePMap.fromSortedMap(bindingsByKey),
        SetIndex.of(ofQueue),
        RoutingTable.of(bindings));
  }

  List<Binding> of(Queue queue) {
    return ofQueue.get(queue.name()).stream()
        .map(key -> Objects.requireNonNull(bindings.get(key)))
        .toList();
  }

  ExchangeIndex with(Exchange exchange) {
    return new ExchangeIndex(
        exchanges.plus(exchange.name(), exchange), queues, bindings, ofQueue, routes);
  }

  /// Its bindings stay until they are removed, but count no more.
  ExchangeIndex without(Exchange exchange) {
    return new ExchangeIndex(
        exchanges.minus(exchange.name()),
        queues,
        bindings,
        ofQueue,
        routes.withoutExchange(exchange.number()));
  }

  ExchangeIndex with(Queue queue) {
    return new ExchangeIndex(
        exchanges, queues.plus(queue.name(), queue), bindings, ofQueue, routes);
  }

  ExchangeIndex without(Queue queue) {
    return new ExchangeIndex(exchanges, queues.minus(queue.name()), bindings, ofQueue, routes);
  }

  ExchangeIndex with(Binding binding) {
    return new ExchangeIndex(
        exchanges,
        queues,
        bindings.plus(binding.key(), binding),
        ofQueue.with(binding.queue(), binding.key()),
        routes.with(binding));
  }

  ExchangeIndex without(Binding binding) {
    return new ExchangeIndex(
        exchanges,
        queues,
        bindings.minus(binding.key()),
        ofQueue.without(binding.queue(), binding.key()),
        routes.without(binding));
  }
}
