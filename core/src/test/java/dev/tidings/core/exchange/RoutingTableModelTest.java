// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/// Random bindings and keys against a model that tries every way to match every binding.
class RoutingTableModelTest {
  private static final List<String> PATTERN_WORDS =
      List.of("a", "a", "b", "", "*", "*", "#", "#", "#", "a*", "##");
  private static final List<String> KEY_WORDS =
      List.of("a", "a", "a", "b", "b", "", "*", "#", "a*", "##");
  private static final List<Exchange> EXCHANGES =
      List.of(
          new Exchange("d", 1, Exchange.Type.DIRECT, "owner", 0),
          new Exchange("f", 2, Exchange.Type.FANOUT, "owner", 0),
          new Exchange("t", 3, Exchange.Type.TOPIC, "owner", 0),
          new Exchange("u", 4, Exchange.Type.TOPIC, "owner", 0));

  @Property(tries = 2000)
  void patterns_matchLikeTheModel(@ForAll long seed) {
    Random random = new Random(seed);
    Exchange exchange = EXCHANGES.get(2);
    List<Binding> bindings = new ArrayList<>();
    for (int i = random.nextInt(1, 30); i > 0; i--) {
      bindings.add(
          RoutingTableTest.binding(exchange, random.nextInt(8), words(random, PATTERN_WORDS, 7)));
    }
    RoutingTable table = RoutingTable.of(bindings);
    for (int i = 0; i < 10; i++) {
      String key = words(random, KEY_WORDS, 9);
      assertThat(Set.copyOf(table.route(exchange, key)))
          .as(() -> key + " of " + bindings)
          .isEqualTo(expected(bindings, exchange, key));
    }
  }

  @Property(tries = 200)
  void changes_inAnyOrder_leaveWhatTheModelHas(@ForAll long seed) {
    Random random = new Random(seed);
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      keys.add(words(random, i % 2 == 0 ? PATTERN_WORDS : KEY_WORDS, 4));
    }
    Map<String, Binding> model = new LinkedHashMap<>();
    RoutingTable table = RoutingTable.EMPTY;
    List<Version> versions = new ArrayList<>();
    for (int i = random.nextInt(60); i > 0; i--) {
      Exchange exchange = EXCHANGES.get(random.nextInt(EXCHANGES.size()));
      Binding binding =
          RoutingTableTest.binding(
              exchange, random.nextInt(4), keys.get(random.nextInt(keys.size())));
      switch (random.nextInt(20)) {
        case 0 -> {
          table = table.withoutExchange(exchange.number());
          model.values().removeIf(it -> it.exchangeNumber() == exchange.number());
        }
        case 1, 2, 3, 4, 5, 6, 7, 8 -> {
          table = table.without(binding);
          model.remove(binding.key());
        }
        default -> {
          table = table.with(binding);
          model.put(binding.key(), binding);
        }
      }
      versions.add(new Version(table, List.copyOf(model.values())));
    }
    // All of them only now: no later change may have touched an earlier version.
    for (Version version : versions) {
      version.check(keys);
      new Version(RoutingTable.of(version.bindings()), version.bindings()).check(keys);
    }
    List<Binding> rest = new ArrayList<>(model.values());
    Collections.shuffle(rest, random);
    for (Binding binding : rest) {
      table = table.without(binding);
    }
    assertThat(table.isEmpty()).isTrue();
  }

  /// A table and what should be in it.
  private record Version(RoutingTable table, List<Binding> bindings) {
    void check(List<String> keys) {
      assertThat(table.isEmpty()).isEqualTo(bindings.isEmpty());
      for (Exchange exchange : EXCHANGES) {
        for (String key : keys) {
          assertThat(Set.copyOf(table.route(exchange, key)))
              .as(() -> key + " of " + bindings)
              .isEqualTo(expected(bindings, exchange, key));
        }
      }
    }
  }

  // ---- the model ----

  private static String words(Random random, List<String> from, int max) {
    List<String> words = new ArrayList<>();
    for (int i = random.nextInt(1, max + 1); i > 0; i--) {
      words.add(from.get(random.nextInt(from.size())));
    }
    return String.join(".", words);
  }

  private static Set<Target> expected(Collection<Binding> bindings, Exchange exchange, String key) {
    Set<Target> targets = new HashSet<>();
    for (Binding binding : bindings) {
      boolean matches =
          binding.exchangeNumber() == exchange.number()
              && switch (exchange.type()) {
                case DIRECT -> binding.routingKey().equals(key);
                case FANOUT -> true;
                case TOPIC ->
                    matches(
                        List.of(binding.routingKey().split("\\.", -1)),
                        List.of(key.split("\\.", -1)));
              };
      if (matches) {
        targets.add(new Target(binding.queue(), binding.incarnation()));
      }
    }
    return targets;
  }

  private static boolean matches(List<String> pattern, List<String> key) {
    if (pattern.isEmpty()) {
      return key.isEmpty();
    }
    List<String> rest = pattern.subList(1, pattern.size());
    String word = pattern.getFirst();
    if (word.equals("#") && matches(rest, key)) {
      return true;
    }
    if (key.isEmpty()) {
      return false;
    }
    List<String> further = key.subList(1, key.size());
    return switch (word) {
      case "#" -> matches(pattern, further);
      case "*" -> matches(rest, further);
      default -> word.equals(key.getFirst()) && matches(rest, further);
    };
  }
}
