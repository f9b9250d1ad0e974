// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

/// The bounds of all exchanges and queues together.
///
/// @param exchanges exchanges there may be
/// @param queues queues there may be
/// @param bindings bindings there may be
/// @param transientBytes of heap for the messages of transient queues, 1 or more
public record ExchangeLimits(int exchanges, int queues, int bindings, long transientBytes) {
  /// The bounds unless others are given.
  public static final ExchangeLimits DEFAULT =
      new ExchangeLimits(10_000, 100_000, 1_000_000, 256L << 20);
}
