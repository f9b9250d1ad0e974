// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/// Finds the name somebody probably meant.
public final class Nearest {
  private Nearest() {}

  /// The candidate with the fewest edits to the name, unless a third of it would have to change.
  public static Optional<String> to(String name, Collection<String> candidates) {
    return candidates.stream()
        .filter(candidate -> edits(name, candidate) <= Math.max(2, name.length() / 3))
        .min(Comparator.comparingInt(candidate -> edits(name, candidate)));
  }

  private static int edits(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
