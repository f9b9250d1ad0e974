// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Prints a report as an aligned table that reads as Markdown too.
final class ReportTable {
  private static final List<String> HEAD =
      List.of("scenario", "figure", "unit", "target", "min", "median", "max", "met in runs");
  private static final int FIRST_NUMBER = 4;

  private ReportTable() {}

  static String render(Report report) {
    var rows = new ArrayList<List<String>>();
    rows.add(HEAD);
    for (Figure figure : report.figures()) {
      rows.add(
          List.of(
              figure.scenario(),
              figure.name(),
              figure.unit(),
              figure.goalText().orElse(""),
              number(figure.min()),
              number(figure.median()),
              number(figure.max()),
              figure.goals().isEmpty()
                  ? ""
                  : figure.runsThatMetTheGoal() + " of " + figure.goals().size()));
    }
    int[] widths = new int[HEAD.size()];
    rows.forEach(row -> widen(widths, row));
    var text = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      line(text, rows.get(i), widths);
      if (i == 0) {
        rule(text, widths);
      }
    }
    report.notes().forEach(note -> text.append('\n').append(note).append('\n'));
    return text.toString();
  }

  /// Whole numbers from a hundred on, two decimals below.
  static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%,.0f" : "%.2f", value);
  }

  private static void widen(int[] widths, List<String> row) {
    for (int i = 0; i < widths.length; i++) {
      widths[i] = Math.max(widths[i], row.get(i).length());
    }
  }

  private static void line(StringBuilder text, List<String> row, int[] widths) {
    for (int i = 0; i < widths.length; i++) {
      String cell = row.get(i);
      String space = " ".repeat(widths[i] - cell.length());
      text.append("| ").append(i < FIRST_NUMBER ? cell + space : space + cell).append(' ');
    }
    text.append("|\n");
  }

  private static void rule(StringBuilder text, int[] widths) {
    for (int i = 0; i < widths.length; i++) {
      String dashes = "-".repeat(widths[i] + 1);
      text.append('|').append(i < FIRST_NUMBER ? dashes + "-" : dashes + ":");
    }
    text.append("|\n");
  }
}
