// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.time.Duration;

/// Time that passes when a test says so.
public final class ManualTime implements TimeSource {
  /// Where the wall clock begins: 2026-01-01T00:00:00Z.
  public static final long BEGINNING_MS = 1_767_225_600_000L;

  private long monotonicNs;
  private long wallMs = BEGINNING_MS;

  @Override
  public long monotonicNs() {
    return monotonicNs;
  }

  @Override
  public long wallMs() {
    return wallMs;
  }

  /// Lets time pass, on both clocks.
  public void advance(Duration by) {
    monotonicNs += by.toNanos();
    wallMs += by.toMillis();
  }

  /// Sets the wall clock alone, as an operator may, also back.
  public void jumpWall(Duration by) {
    wallMs += by.toMillis();
  }
}
