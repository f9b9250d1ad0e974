// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.concurrent.Executor;

/// Runs tasks one after the other in the order they were handed in. In the server it is an event
/// loop; in tests it is cranked by hand.
public interface SerialExecutor extends Executor {

  /// Runs `task` after `delayNs` nanoseconds, as soon afterwards as it can: not earlier.
  void executeAfter(long delayNs, Runnable task);

  /// Whether the caller is running inside it.
  boolean isCurrent();

  /// Fails if the caller is not running inside it: state that belongs to it is being touched from
  /// elsewhere.
  default void checkCurrent() {
    if (!isCurrent()) {
      throw new IllegalStateException(
          "touched from thread "
              + Thread.currentThread().getName()
              + " (expected: only from its own executor "
              + this
              + ")");
    }
  }
}
