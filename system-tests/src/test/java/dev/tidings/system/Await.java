// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// Bounded waits.
final class Await {

  /// How long anything may take that should happen at once, on a busy machine.
  static final Duration SOON = Duration.ofSeconds(10);

  private Await() {}

  static <T> T result(CompletableFuture<T> future) {
    return result(future, SOON);
  }

  static <T> T result(CompletableFuture<T> future, Duration limit) {
    try {
      return future.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("nothing within " + limit, e);
    } catch (ExecutionException e) {
      throw new AssertionError("failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// Waits for something that is true from outside only (a counter of another process), which can
  /// only be asked again and again. The condition itself does the asking, over a socket.
  static void until(String what, BooleanSupplier condition) {
    until(what, SOON, condition);
  }

  static void until(String what, Duration limit, BooleanSupplier condition) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("not within " + limit + ": " + what);
      }
      // Who waits leaves the processor to what is waited for.
      LockSupport.parkNanos(Duration.ofMillis(2).toNanos());
    }
  }
}
