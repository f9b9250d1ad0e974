// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Measures how much processor time it takes to route one message, and to add and remove one
/// binding, with 1 to 100,000 bindings of a direct and of a topic exchange.
///
/// Run it after `./mvnw -pl core test-compile` with `java -cp
/// core/target/classes:core/target/test-classes:<pcollections>
/// dev.tidings.core.exchange.RoutingSpeed`.
final class RoutingSpeed {
  private static final int KEYS = 1000;
  private static final int PASSES = 100;

  private RoutingSpeed() {}

  private static List<Binding> bindings(Exchange exchange, int count) {
    List<Binding> bindings = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String key =
          exchange.type() == Exchange.Type.DIRECT
              ? "tenant." + i + ".orders.created"
              : switch (i % 4) {
                case 0 -> "tenant." + i + ".orders.*";
                case 1 -> "tenant." + i + ".#";
                case 2 -> "*." + i + ".#.created";
                default -> "#.kind-" + i;
              };
      bindings.add(RoutingTableTest.binding(exchange, i + 10, key));
    }
    return bindings;
  }

  public static void main(String[] args) {
    ThreadMXBean cpu = ManagementFactory.getThreadMXBean();
    for (Exchange.Type type : List.of(Exchange.Type.DIRECT, Exchange.Type.TOPIC)) {
      Exchange exchange = new Exchange("e", 1, type, "owner", 0);
      for (int count : new int[] {1, 100, 10_000, 100_000}) {
        List<Binding> bindings = bindings(exchange, count);
        RoutingTable table = RoutingTable.of(bindings);
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < KEYS; i++) {
          keys.add("tenant." + (i * 37) % count + ".orders.created");
        }
        Binding further = RoutingTableTest.binding(exchange, 5, "tenant.x.orders.created");
        double route = Double.MAX_VALUE;
        double change = Double.MAX_VALUE;
        long found = 0;
        for (int round = 0; round < 20; round++) {
          long start = cpu.getCurrentThreadCpuTime();
          found = 0;
          for (int pass = 0; pass < PASSES; pass++) {
            for (String key : keys) {
              found += table.route(exchange, key).size();
            }
          }
          long routed = cpu.getCurrentThreadCpuTime();
          for (int i = 0; i < KEYS; i++) {
            table = table.with(further).without(further);
          }
          long changed = cpu.getCurrentThreadCpuTime();
          route = Math.min(route, (routed - start) / (double) (PASSES * KEYS));
          change = Math.min(change, (changed - routed) / (double) KEYS);
        }
        System.out.printf(
            Locale.ROOT,
            "%s, %,d bindings: %.0f ns to route, %.2f queues; %.0f ns to add and remove one%n",
            type,
            count,
            route,
            found / (double) (PASSES * KEYS),
            change);
      }
    }
  }
}
