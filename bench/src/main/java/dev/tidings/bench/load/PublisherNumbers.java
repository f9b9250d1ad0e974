// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// Gives each publishing connection of a measurement a number of its own, so that its stamps can be
/// told apart.
public final class PublisherNumbers {
  private static final int LIMIT = 10_000;
  private int next;

  int take(int count) {
    if (next + count > LIMIT) {
      throw new BenchException(
          "more than "
              + LIMIT
              + " publishing connections in one measurement (expected: fewer; lower runs)");
    }
    int first = next;
    next += count;
    return first;
  }
}
