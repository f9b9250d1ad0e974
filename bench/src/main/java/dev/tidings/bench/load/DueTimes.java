// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// When so many messages, numbered from 0 on, are due: spread evenly over a while, in an order that
/// is not that of their numbers.
///
/// @param startMs when the first is due, milliseconds since 1970
/// @param overMs how long it is from there to after the last one
/// @param messages how many there are, at most [#MAX_MESSAGES]
public record DueTimes(long startMs, long overMs, long messages) {
  /// So many that nothing here overflows.
  public static final int MAX_MESSAGES = 100_000_000;

  /// A prime number above all counts, so that every place is taken once.
  private static final long STRIDE = 1_000_000_007;

  public DueTimes {
    if (messages < 1 || messages > MAX_MESSAGES) {
      throw new BenchException("messages: " + messages + " (expected: 1 to " + MAX_MESSAGES + ")");
    }
  }

  /// When message `number` is due, milliseconds since 1970.
  long of(long number) {
    return startMs + overMs * (number * STRIDE % messages) / messages;
  }
}
