// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/// Puts the figures of one scenario on several stores beside each other.
final class StoreComparison {
  /// Rates that are compared; others are shown as they are.
  private static final Set<String> RATES = Set.of("published", "leased and acked");

  private static final Goal THIRD = Goal.atLeast(">= 1/3", 1.0 / 3);

  private record Key(String scenario, String name) {}

  private StoreComparison() {}

  /// One report of them all: each figure on the first store, on the others, and what share of the
  /// first one's rate the others reached in each run. The report of a single store stays as it is.
  ///
  /// @param reports of the stores, the one first to which the others are compared
  static Report of(SequencedMap<String, Report> reports) {
    if (reports.size() == 1) {
      return reports.firstEntry().getValue();
    }
    Report all = new Report();
    Set<Key> keys = new LinkedHashSet<>();
    for (Report report : reports.values()) {
      report.figures().forEach(figure -> keys.add(new Key(figure.scenario(), figure.name())));
      report.notes().forEach(all::note);
    }
    for (Key key : keys) {
      reports.forEach(
          (store, report) -> find(report, key).ifPresent(figure -> copy(all, figure, store)));
      if (RATES.contains(key.name())) {
        addShares(all, key, reports);
      }
    }
    return all;
  }

  private static Optional<Figure> find(Report report, Key key) {
    return report.figures().stream()
        .filter(it -> it.scenario().equals(key.scenario()) && it.name().equals(key.name()))
        .findFirst();
  }

  private static String on(Key key, String store) {
    return key.scenario() + ", " + store;
  }

  private static void copy(Report all, Figure figure, String store) {
    String scenario = on(new Key(figure.scenario(), figure.name()), store);
    for (int i = 0; i < figure.values().size(); i++) {
      double value = figure.values().get(i);
      if (figure.goals().isEmpty()) {
        all.add(scenario, figure.name(), figure.unit(), value);
      } else {
        all.add(scenario, figure.name(), figure.unit(), value, figure.goals().get(i));
      }
    }
  }

  private static void addShares(Report all, Key key, SequencedMap<String, Report> reports) {
    Map.Entry<String, Report> first = reports.firstEntry();
    Optional<Figure> base = find(first.getValue(), key);
    reports.sequencedEntrySet().stream()
        .skip(1)
        .forEach(other -> {
          Optional<Figure> figure = find(other.getValue(), key);
          if (base.isPresent() && figure.isPresent()) {
            addShares(all, on(key, other.getKey()), first.getKey(), base.get(), figure.get());
          }
        });
  }

  private static void addShares(
      Report all, String scenario, String first, Figure base, Figure figure) {
    int runs = Math.min(base.values().size(), figure.values().size());
    for (int i = 0; i < runs; i++) {
      double share = figure.values().get(i) / base.values().get(i);
      all.add(scenario, figure.name() + ", share of " + first, "ratio", share, THIRD);
    }
  }
}
