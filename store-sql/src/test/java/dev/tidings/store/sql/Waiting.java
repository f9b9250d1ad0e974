// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/// Bounded waits for what can only be asked for again and again.
final class Waiting {
  /// How long anything may take that should happen at once, on a busy machine.
  private static final Duration SOON = Duration.ofSeconds(20);

  private Waiting() {}

  /// Asks until the answer is true.
  ///
  /// @throws Exception what a question threw
  static void until(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + SOON.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime() - deadline)
          .describedAs("not within %s: %s", SOON, what)
          .isNegative();
      // Who waits leaves the processor to what is waited for.
      LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
    }
  }
}
