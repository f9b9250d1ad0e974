// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.pcollections.HashTreePMap;
import org.pcollections.PMap;

/// Which queues the exchanges route to: immutable, so that any thread may route without locks.
public final class RoutingTable {
  /// No bindings.
  public static final RoutingTable EMPTY = new RoutingTable(HashTreePMap.empty());

  private final PMap<Integer, PMap<String, Binding>> byExchange;

  private RoutingTable(PMap<Integer, PMap<String, Binding>> byExchange) {
    this.byExchange = byExchange;
  }

  /// The table of these bindings.
  public static RoutingTable of(Collection<Binding> bindings) {
    RoutingTable table = EMPTY;
    for (Binding binding : bindings) {
      table = table.with(binding);
    }
    return table;
  }

  /// This table and `binding`, which may be in it already.
  public RoutingTable with(Binding binding) {
    PMap<String, Binding> of =
        byExchange.getOrDefault(binding.exchangeNumber(), HashTreePMap.empty());
    return new RoutingTable(
        byExchange.plus(binding.exchangeNumber(), of.plus(binding.key(), binding)));
  }

  /// This table without `binding`, which need not be in it.
  public RoutingTable without(Binding binding) {
    PMap<String, Binding> of = byExchange.get(binding.exchangeNumber());
    if (of == null) {
      return this;
    }
    PMap<String, Binding> others = of.minus(binding.key());
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
  /// many bindings match, in no order.
  public Set<Target> route(Exchange exchange, String key) {
    Set<Target> targets = new LinkedHashSet<>();
    for (Binding binding :
        byExchange.getOrDefault(exchange.number(), HashTreePMap.empty()).values()) {
      if (matches(binding, key)) {
        targets.add(new Target(binding.queue(), binding.incarnation()));
      }
    }
    return targets;
  }

  private static boolean matches(Binding binding, String key) {
    return switch (binding.type()) {
      case DIRECT -> binding.routingKey().equals(key);
      case FANOUT -> true;
      case TOPIC -> matches(words(binding.routingKey()), words(key));
    };
  }

  private static List<String> words(String text) {
    return Arrays.stream(text.split("\\.", -1)).collect(Collectors.toList());
  }

  private static boolean matches(List<String> pattern, List<String> key) {
    if (pattern.isEmpty()) {
      return key.isEmpty();
    }
    List<String> rest = pattern.subList(1, pattern.size());
    return switch (pattern.getFirst()) {
      case "#" ->
          matches(rest, key) || (!key.isEmpty() && matches(pattern, key.subList(1, key.size())));
      case "*" -> !key.isEmpty() && matches(rest, key.subList(1, key.size()));
      case String word ->
          !key.isEmpty()
              && word.equals(key.getFirst())
              && matches(rest, key.subList(1, key.size()));
    };
  }
}
