// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

/// Something that waits at a stream until its time is up. Those of one shard are in the order in
/// which that happens. Touched by the shard's executor alone.
abstract sealed class Wait implements Comparable<Wait> permits Receiving, Replaying, WaitingSend {
  // By the monotonic clock.
  private long deadlineNs;
  // Tells those with the same deadline apart.
  private long ordinal;
  private boolean waiting;

  /// It begins to wait until `deadline`.
  final void begin(long deadline, long number) {
    deadlineNs = deadline;
    ordinal = number;
    waiting = true;
  }

  /// It waits no longer.
  final void end() {
    waiting = false;
  }

  final boolean isWaiting() {
    return waiting;
  }

  final long deadlineNs() {
    return deadlineNs;
  }

  @Override
  public final int compareTo(Wait other) {
    return deadlineNs == other.deadlineNs
        ? Long.compare(ordinal, other.ordinal)
        : Long.compare(deadlineNs, other.deadlineNs);
  }

  @Override
  public final boolean equals(Object other) {
    return this == other;
  }

  @Override
  public final int hashCode() {
    return System.identityHashCode(this);
  }
}
