// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

/// Neighbouring sequences of one log.
///
/// @param first the lowest
/// @param last the highest, not below `first`
public record SequenceRange(long first, long last) {
  public SequenceRange {
    if (first > last) {
      throw new IllegalArgumentException(
          "range: " + first + " to " + last + " (expected: the lowest first)");
    }
  }

  /// How many they are.
  public long size() {
    return last - first + 1;
  }
}
