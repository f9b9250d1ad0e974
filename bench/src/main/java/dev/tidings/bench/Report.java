// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/// All figures of one call of `tidings bench`, and what a reader must know beside them.
final class Report {
  private record Key(String scenario, String name) {}

  private final Map<Key, Figure> figures = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  /// Adds one run's value.
  void add(String scenario, String name, String unit, double value) {
    figure(scenario, name, unit).add(value);
  }

  /// Adds one run's value, with what it is to reach.
  void add(String scenario, String name, String unit, double value, Goal goal) {
    figure(scenario, name, unit).add(value, goal);
  }

  /// Adds the median and the 99th percentile of one run's latencies, which are in nanoseconds.
  ///
  /// @param what the figures' names begin with
  void addLatencies(String scenario, String what, Histogram latencies) {
    for (int percentile : List.of(50, 99)) {
      double ms = latencies.getValueAtPercentile(percentile) / 1e6;
      add(scenario, what + " p" + percentile, "ms", ms);
    }
  }

  /// A sentence printed under the table, once however often it is said.
  void note(String sentence) {
    if (!notes.contains(sentence)) {
      notes.add(sentence);
    }
  }

  Collection<Figure> figures() {
    return Collections.unmodifiableCollection(figures.values());
  }

  List<String> notes() {
    return Collections.unmodifiableList(notes);
  }

  private Figure figure(String scenario, String name, String unit) {
    return figures.computeIfAbsent(new Key(scenario, name), _ -> new Figure(scenario, name, unit));
  }
}
