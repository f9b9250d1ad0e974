// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends the process in good order when it is told to by a signal.
///
/// A JVM that ends by SIGTERM or SIGINT reports 143 or 130 whatever its hooks do; halting at the
/// end of the hook is what makes the exit code 0.
final class Shutdown implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);

  private final Thread hook;

  private Shutdown(Thread hook) {
    this.hook = hook;
  }

  /// From now on a signal runs `stop` and ends the process: with 0, or with 1 if stopping failed or
  /// took too long.
  static Shutdown onSignal(Duration limit, Runnable stop) {
    Thread hook = new Thread(() -> Runtime.getRuntime().halt(stopWithin(limit, stop)), "shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    return new Shutdown(hook);
  }

  /// Leaves signals and exits to the JVM again.
  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException _) {
      // The process is ending already, by the hook.
    }
  }

  private static int stopWithin(Duration limit, Runnable stop) {
    FutureTask<Boolean> stopping = new FutureTask<>(stop, true);
    Thread.ofPlatform().daemon().name("stop").start(stopping);
    try {
      stopping.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return 0;
    } catch (TimeoutException _) {
      LOG.error("stopping took longer than {} s; the process ends now", limit.toSeconds());
    } catch (ExecutionException e) {
      LOG.error("stopping failed", e.getCause());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    return 1;
  }
}
