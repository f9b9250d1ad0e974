// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.OptionalLong;

/// How often and how soon a subscription delivers a message again that was not acked.
///
/// @param maxAttempts deliveries of a message before it goes to the dead letters, 1 or more
/// @param backoffMinMs how long a message waits after its first failure, milliseconds, 0 or more
/// @param backoffMaxMs the longest that it waits, milliseconds, 0 or more; where it is below
///   `backoffMinMs`, it counts from the first failure on
/// @param ackDeadlineMs how long a lease lasts that does not say so itself, milliseconds, 1 or
///   more; empty where the server's default counts
public record DeliveryPolicy(
    int maxAttempts, long backoffMinMs, long backoffMaxMs, OptionalLong ackDeadlineMs) {

  // Beyond it every doubling is above any longest wait.
  private static final int MAX_DOUBLINGS = 62;

  public DeliveryPolicy {
    check("maxAttempts", maxAttempts, 1);
    check("backoffMinMs", backoffMinMs, 0);
    check("backoffMaxMs", backoffMaxMs, 0);
    check("ackDeadlineMs", ackDeadlineMs.orElse(1), 1);
  }

  private static void check(String name, long value, long min) {
    if (value < min) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + min + " or more)");
    }
  }

  /// How long a message waits after it has failed `failures` times, milliseconds: `min(max, min ×
  /// 2^(failures-1))`.
  ///
  /// @param failures 1 or more
  public long backoffMs(int failures) {
    int doublings = Math.min(failures - 1, MAX_DOUBLINGS);
    long limit = Long.MAX_VALUE >> doublings;
    return backoffMinMs > limit ? backoffMaxMs : Math.min(backoffMaxMs, backoffMinMs << doublings);
  }
}
