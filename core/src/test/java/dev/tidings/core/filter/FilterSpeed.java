// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import dev.tidings.core.message.Payload;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/// Measures how much processor time one payload of about 300 bytes takes with 1, 10, 100 and 1000
/// distinct filters of one to three keys.
///
/// Run it after `./mvnw -pl core test-compile` with `java -cp
/// core/target/classes:core/target/test-classes dev.tidings.core.filter.FilterSpeed`.
final class FilterSpeed {
  private static final int PAYLOADS = 1000;

  private FilterSpeed() {}

  /// That many distinct filters over the keys of [#payloads].
  static FilterSet filters(int count) {
    List<Filter> filters = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder json =
          new StringBuilder("{\"tenant\":[\"tenant-" + i + "\",\"all-" + i + "\"]");
      if (i % 3 > 0) {
        json.append(",\"priority\":[1,2,").append(i % 10).append(']');
      }
      if (i % 3 > 1) {
        json.append(",\"paid\":[true]");
      }
      filters.add(Filter.parse(Payload.of(json.append('}').toString())).orElseThrow());
    }
    return FilterSet.of(filters);
  }

  /// Different payloads of about 300 bytes.
  static List<Payload> payloads() {
    Random random = new Random(1);
    List<Payload> payloads = new ArrayList<>();
    for (int i = 0; i < PAYLOADS; i++) {
      payloads.add(
          Payload.of(
              """
              {"event_type": "order.created", "order_id": "%016x", "tenant": "tenant-%d", \
              "priority": %d, "paid": %s, "amount": %d.50, "currency": "EUR", \
              "customer": {"name": "Jos\\u00e9 Álvarez", "city": "S\u00e3o Paulo", "tags": ["new", "vip"]}, \
              "items": [{"sku": "A-1", "n": 2}, {"sku": "B-7", "n": 1}], "note": "no \\"rush\\""}\
              """
                  .formatted(
                      random.nextLong(),
                      random.nextInt(100),
                      random.nextInt(10),
                      random.nextBoolean(),
                      random.nextInt(1000))));
    }
    return payloads;
  }

  public static void main(String[] args) {
    List<Payload> payloads = payloads();
    double size = payloads.stream().mapToInt(Payload::size).average().orElseThrow();
    System.out.printf(Locale.ROOT, "payloads of %.0f bytes%n", size);
    ThreadMXBean cpu = ManagementFactory.getThreadMXBean();
    FilterEvaluator evaluator = new FilterEvaluator();
    BitSet into = new BitSet();
    for (int count : new int[] {1, 10, 100, 1000}) {
      FilterSet set = filters(count);
      double best = Double.MAX_VALUE;
      long matches = 0;
      for (int round = 0; round < 20; round++) {
        long start = cpu.getCurrentThreadCpuTime();
        matches = 0;
        for (int i = 0; i < 200; i++) {
          for (Payload payload : payloads) {
            evaluator.evaluate(set, payload, into);
            matches += into.cardinality();
          }
        }
        best = Math.min(best, (cpu.getCurrentThreadCpuTime() - start) / (200.0 * PAYLOADS));
      }
      System.out.printf(
          Locale.ROOT,
          "%4d filters: %.0f ns a payload, %.2f match%n",
          count,
          best,
          matches / (200.0 * PAYLOADS));
    }
  }
}
