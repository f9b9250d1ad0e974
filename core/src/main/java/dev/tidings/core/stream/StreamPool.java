// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

/// What the streams of all shards share: their bounds and figures.
public final class StreamPool {
  private final StreamLimits limits;
  private final StreamBudget budget;
  private final StreamFigures figures;

  /// Nothing yet, to be kept within `limits`.
  public StreamPool(StreamLimits limits) {
    this.limits = limits;
    this.budget = new StreamBudget(limits);
    this.figures = new StreamFigures(budget);
  }

  /// The bounds.
  public StreamLimits limits() {
    return limits;
  }

  /// The figures.
  public StreamFigures figures() {
    return figures;
  }

  StreamBudget budget() {
    return budget;
  }
}
