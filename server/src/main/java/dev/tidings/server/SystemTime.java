// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server;

import dev.tidings.core.runtime.TimeSource;

/// The machine's clocks.
final class SystemTime implements TimeSource {
  @Override
  public long monotonicNs() {
    return System.nanoTime();
  }

  @Override
  public long wallMs() {
    return System.currentTimeMillis();
  }
}
