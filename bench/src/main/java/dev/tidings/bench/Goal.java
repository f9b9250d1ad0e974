// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

/// What a figure is to reach in one run.
record Goal(String text, Bound bound, double limit) {
  enum Bound {
    AT_LEAST,
    AT_MOST
  }

  static Goal atLeast(String text, double limit) {
    return new Goal(text, Bound.AT_LEAST, limit);
  }

  static Goal atMost(String text, double limit) {
    return new Goal(text, Bound.AT_MOST, limit);
  }

  boolean isMetBy(double value) {
    return switch (bound) {
      case AT_LEAST -> value >= limit;
      case AT_MOST -> value <= limit;
    };
  }
}
