// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/// Everything that did not go as it must: unexpected answers, which are counted while the load goes
/// on, and broken connections, which end the measurement at once.
public final class Failures {
  private final LongAdder count = new LongAdder();
  private final AtomicReference<Optional<String>> first = new AtomicReference<>(Optional.empty());
  private final CountDownLatch broken = new CountDownLatch(1);

  /// An answer other than the expected one; the load goes on.
  public void unexpected(String what) {
    count.increment();
    if (first.get().isEmpty()) {
      first.compareAndSet(Optional.empty(), Optional.of(what));
    }
  }

  /// Something after which the figures mean nothing.
  public void broken(String what) {
    unexpected(what);
    broken.countDown();
  }

  /// Waits for `time`, or for less if something breaks; true if something broke.
  public boolean awaitBroken(Duration time) throws InterruptedException {
    return broken.await(time.toNanos(), TimeUnit.NANOSECONDS);
  }

  public boolean isBroken() {
    return broken.getCount() == 0;
  }

  public long count() {
    return count.sum();
  }

  public Optional<String> first() {
    return first.get();
  }
}
