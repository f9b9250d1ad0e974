// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// One measured quantity over all runs.
final class Figure {
  private final String scenario;
  private final String name;
  private final String unit;
  private final List<Double> values = new ArrayList<>();
  private final List<Goal> goals = new ArrayList<>();

  Figure(String scenario, String name, String unit) {
    this.scenario = scenario;
    this.name = name;
    this.unit = unit;
  }

  void add(double value) {
    values.add(value);
  }

  void add(double value, Goal goal) {
    values.add(value);
    goals.add(goal);
  }

  String scenario() {
    return scenario;
  }

  String name() {
    return name;
  }

  String unit() {
    return unit;
  }

  /// In the order of the runs.
  List<Double> values() {
    return Collections.unmodifiableList(values);
  }

  List<Goal> goals() {
    return Collections.unmodifiableList(goals);
  }

  Optional<String> goalText() {
    return goals.isEmpty() ? Optional.empty() : Optional.of(goals.getFirst().text());
  }

  long runsThatMetTheGoal() {
    long met = 0;
    for (int i = 0; i < goals.size(); i++) {
      met += goals.get(i).isMetBy(values.get(i)) ? 1 : 0;
    }
    return met;
  }

  double min() {
    return Collections.min(values);
  }

  double max() {
    return Collections.max(values);
  }

  double median() {
    List<Double> sorted = values.stream().sorted().toList();
    int half = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(half)
        : (sorted.get(half - 1) + sorted.get(half)) / 2;
  }
}
