// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoutingTableTest {
  private static final Exchange DIRECT = exchange("d", 1, Exchange.Type.DIRECT);
  private static final Exchange FANOUT = exchange("f", 2, Exchange.Type.FANOUT);
  private static final Exchange TOPIC = exchange("t", 3, Exchange.Type.TOPIC);

  private static Exchange exchange(String name, int number, Exchange.Type type) {
    return new Exchange(name, number, type, "owner", 0);
  }

  /// A binding of the queue with that number.
  static Binding binding(Exchange exchange, int queue, String key) {
    return new Binding(
        exchange.name(), exchange.number(), exchange.type(), "q" + queue, queue, key, 0);
  }

  private static Set<String> queues(RoutingTable table, Exchange exchange, String key) {
    return table.route(exchange, key).stream().map(Target::queue).collect(Collectors.toSet());
  }

  @Test
  void nothing_routesNowhere() {
    assertThat(RoutingTable.EMPTY.route(DIRECT, "")).isEmpty();
    assertThat(RoutingTable.of(List.of()).route(TOPIC, "a")).isEmpty();
  }

  @Test
  void direct_takesExactlyTheKey() {
    RoutingTable table =
        RoutingTable.of(
            List.of(
                binding(DIRECT, 10, "red"),
                binding(DIRECT, 11, "red"),
                binding(DIRECT, 12, "blue"),
                binding(DIRECT, 13, ""),
                binding(DIRECT, 14, "#"),
                binding(DIRECT, 15, "*")));
    assertThat(queues(table, DIRECT, "red")).containsExactlyInAnyOrder("q10", "q11");
    assertThat(queues(table, DIRECT, "blue")).containsExactly("q12");
    assertThat(queues(table, DIRECT, "")).containsExactly("q13");
    assertThat(queues(table, DIRECT, "#")).containsExactly("q14");
    assertThat(queues(table, DIRECT, "Red")).isEmpty();
    assertThat(table.route(FANOUT, "red")).isEmpty();
  }

  @Test
  void direct_gathersNothing() {
    RoutingTable table =
        RoutingTable.of(List.of(binding(DIRECT, 10, "red"), binding(DIRECT, 11, "red")));
    assertThat(table.route(DIRECT, "red")).isSameAs(table.route(DIRECT, "red"));
  }

  @Test
  void fanout_takesEveryQueueOnce_untilItsLastBindingGoes() {
    RoutingTable table =
        RoutingTable.EMPTY
            .with(binding(FANOUT, 10, "a"))
            .with(binding(FANOUT, 10, "b"))
            .with(binding(FANOUT, 10, "b"))
            .with(binding(FANOUT, 11, ""));
    assertThat(table.route(FANOUT, "x")).hasSize(2);
    assertThat(queues(table, FANOUT, "")).containsExactlyInAnyOrder("q10", "q11");
    table = table.without(binding(FANOUT, 10, "b"));
    assertThat(queues(table, FANOUT, "b")).containsExactlyInAnyOrder("q10", "q11");
    table = table.without(binding(FANOUT, 10, "b"));
    assertThat(queues(table, FANOUT, "b")).containsExactlyInAnyOrder("q10", "q11");
    table = table.without(binding(FANOUT, 10, "a"));
    assertThat(queues(table, FANOUT, "a")).containsExactly("q11");
    table = table.without(binding(FANOUT, 11, ""));
    assertThat(table.route(FANOUT, "a")).isEmpty();
    assertThat(table.isEmpty()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "'', '', true",
    "'', a, false",
    "'', ., false",
    "*, '', true",
    "*, a, true",
    "*, a.b, false",
    "*, ., false",
    "#, '', true",
    "#, a, true",
    "#, a.b.c, true",
    "#, .., true",
    "a.#, a, true",
    "a.#, a.b, true",
    "a.#, a.b.c, true",
    "a.#, a., true",
    "a.#, ab, false",
    "a.#, b.a, false",
    "#.a, a, true",
    "#.a, .a, true",
    "#.a, b.c.a, true",
    "#.a, a.b, false",
    "a.#.b, a.b, true",
    "a.#.b, a.x.y.b, true",
    "a.#.b, a.b.c, false",
    "a.#.b, a, false",
    "a.*.b, a.x.b, true",
    "a.*.b, a..b, true",
    "a.*.b, a.b, false",
    "a.*, a., true",
    "a.*, a, false",
    "#.#, '', true",
    "#.*, '', true",
    "*.#, a.b, true",
    "#.*.#.*, a, false",
    "#.*.#.*, a.b, true",
    "#.a.#.b.#, x.a.y.b.z, true",
    "#.a.#.b.#, a.b, true",
    "#.a.#.b.#, b.a, false",
    "a*, a*, true",
    "a*, ab, false",
    "##, a, false",
    "##, ##, true",
    "**, a, false",
    "*a.#b, xa.b, false",
    ".a, a, false",
    ".a, .a, true",
    "a..b, a..b, true",
    "a..b, a.b, false",
    "A, a, false",
  })
  void topic_takesWhatThePatternMatches(String pattern, String key, boolean matches) {
    RoutingTable table = RoutingTable.EMPTY.with(binding(TOPIC, 10, pattern));
    assertThat(queues(table, TOPIC, key)).isEqualTo(matches ? Set.of("q10") : Set.of());
  }

  /// Wildcards are of patterns: in the key of a message they are text.
  @ParameterizedTest
  @CsvSource({"*, true", "#, true", "a, false", "b.c, false"})
  void topic_takesWildcardsInTheKeyAsText(String pattern, boolean matches) {
    RoutingTable table = RoutingTable.of(List.of(binding(TOPIC, 10, pattern)));
    assertThat(table.route(TOPIC, "*")).hasSize(matches ? 1 : 0);
    assertThat(table.route(TOPIC, "#")).hasSize(matches ? 1 : 0);
    assertThat(table.route(TOPIC, "#.*")).hasSize(pattern.equals("#") ? 1 : 0);
  }

  @Test
  void topic_takesAQueueOnce_howeverManyPatternsMatch() {
    RoutingTable table =
        RoutingTable.of(
            List.of(
                binding(TOPIC, 10, "a.b"),
                binding(TOPIC, 10, "a.*"),
                binding(TOPIC, 10, "#"),
                binding(TOPIC, 11, "#.b")));
    assertThat(table.route(TOPIC, "a.b"))
        .containsExactlyInAnyOrder(new Target("q10", 10), new Target("q11", 11));
    assertThat(table.without(binding(TOPIC, 10, "a.b")).route(TOPIC, "a.b")).hasSize(2);
  }

  @Test
  void topic_keepsPatternsApart_thatMatchTheSame() {
    RoutingTable table =
        RoutingTable.EMPTY.with(binding(TOPIC, 10, "#")).with(binding(TOPIC, 10, "#.#"));
    table = table.without(binding(TOPIC, 10, "#"));
    assertThat(queues(table, TOPIC, "a")).containsExactly("q10");
    table = table.without(binding(TOPIC, 10, "#.#"));
    assertThat(table.isEmpty()).isTrue();
  }

  /// What the tree has kept for a pattern goes with it.
  @Test
  void topic_forgetsPatternsThatAreGone() {
    RoutingTable table = RoutingTable.EMPTY.with(binding(TOPIC, 10, "a.b"));
    RoutingTable more = table.with(binding(TOPIC, 10, "a.b.#.c")).with(binding(TOPIC, 11, "*"));
    RoutingTable less =
        more.without(binding(TOPIC, 11, "*"))
            .without(binding(TOPIC, 10, "a.b.#.c"))
            .without(binding(TOPIC, 10, "a.x"));
    assertThat(less.without(binding(TOPIC, 10, "a.b")).isEmpty()).isTrue();
    assertThat(queues(more, TOPIC, "a.b.c")).containsExactly("q10");
    assertThat(queues(less, TOPIC, "a.b.c")).isEmpty();
  }

  @Test
  void aQueueMadeAgain_isAnother() {
    Binding before = binding(TOPIC, 10, "a");
    Binding after =
        new Binding(TOPIC.name(), TOPIC.number(), TOPIC.type(), before.queue(), 20, "a", 1);
    RoutingTable table = RoutingTable.EMPTY.with(before).with(after);
    assertThat(table.route(TOPIC, "a"))
        .containsExactlyInAnyOrder(new Target("q10", 10), new Target("q10", 20));
    assertThat(table.without(before).route(TOPIC, "a")).containsExactly(new Target("q10", 20));
  }

  @Test
  void anExchangeThatGoes_takesItsBindingsAlong() {
    RoutingTable table =
        RoutingTable.of(List.of(binding(DIRECT, 10, "a"), binding(TOPIC, 10, "a")));
    RoutingTable without = table.withoutExchange(DIRECT.number());
    assertThat(without.route(DIRECT, "a")).isEmpty();
    assertThat(without.route(TOPIC, "a")).hasSize(1);
    assertThat(without.without(binding(DIRECT, 10, "a")).route(DIRECT, "a")).isEmpty();
    assertThat(table.route(DIRECT, "a")).hasSize(1);
  }

  // ---- what it costs ----

  private static TopicRoutes topicRoutes(int bindings) {
    List<Binding> all = new ArrayList<>();
    for (int i = 0; i < bindings; i++) {
      int queue = 10 + i;
      all.add(
          binding(
              TOPIC,
              queue,
              switch (i % 5) {
                case 0 -> "tenant." + i + ".orders.*";
                case 1 -> "tenant." + i + ".#";
                case 2 -> "#.warehouse-" + i;
                case 3 -> "*." + i + ".#.created";
                default -> "tenant.*.orders.kind-" + i;
              }));
    }
    return TopicRoutes.of(all);
  }

  @Test
  void topic_costsTheSame_howeverManyBindingsThereAre() {
    for (String key : List.of("tenant.1.orders.created", "tenant.0.orders.new", "x", "")) {
      PatternWalk ofFew = PatternWalk.of(topicRoutes(10).root(), key);
      PatternWalk ofMany = PatternWalk.of(topicRoutes(10_000).root(), key);
      assertThat(ofMany.steps()).as(key).isEqualTo(ofFew.steps()).isLessThan(40);
      assertThat(ofMany.targets()).isEqualTo(ofFew.targets());
    }
  }

  /// There are more ways to match than could ever be tried, but few nodes.
  @Test
  void topic_neverTriesEveryWayToMatch() {
    int words = 128;
    for (String unit : List.of("#.a", "#.*", "*.#", "#", "#.#.a")) {
      for (int repeats : new int[] {1, 4, 16, 40}) {
        String pattern = String.join(".", Collections.nCopies(repeats, unit));
        int nodes = 1 + pattern.split("\\.").length;
        TopicRoutes routes =
            TopicRoutes.of(
                List.of(binding(TOPIC, 10, pattern + ".end"), binding(TOPIC, 11, pattern)));
        String key = String.join(".", Collections.nCopies(words, "a"));
        PatternWalk walk = PatternWalk.of(routes.root(), key);
        assertThat(walk.targets()).as(pattern).contains(new Target("q11", 11)).hasSize(1);
        assertThat(walk.steps()).as(pattern).isLessThanOrEqualTo(2 * (words + 1) * (nodes + 1));
      }
    }
  }

  @Test
  void topic_endsTheWalk_whereNoPatternGoesOn() {
    TopicRoutes routes =
        TopicRoutes.of(List.of(binding(TOPIC, 10, "a.b"), binding(TOPIC, 11, "a.#")));
    String key = "a." + String.join(".", Collections.nCopies(127, "c"));
    PatternWalk walk = PatternWalk.of(routes.root(), key);
    assertThat(walk.targets()).containsExactly(new Target("q11", 11));
    assertThat(walk.steps()).isLessThan(10);
  }
}
