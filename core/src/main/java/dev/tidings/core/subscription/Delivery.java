// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Ordering;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/// One message that a subscription has come to and that is not settled: it is leased, or waits to
/// be delivered again, or has failed for the last time and is about to become a dead letter; or it
/// is parked behind another of its key.
final class Delivery {
  /// The order of those that wait: who may be delivered first.
  static final Comparator<Delivery> BY_DUE =
      Comparator.<Delivery>comparingLong(it -> it.dueNs).thenComparingLong(it -> it.sequence);

  final long sequence;
  // Its message is a dead letter's copy rather than in the log.
  final boolean kept;
  final Ordering ordering;
  // Behind another of its key.
  boolean parked;
  int attempts;
  // Null while it waits.
  @Nullable Lease lease;
  // The number of its last lease, if that was the last attempt and has ended; otherwise 0.
  long endedLease;
  // Until when it waits, by the monotonic clock.
  long dueNs;
  // The same for the store: when its wait began, by the wall clock, and how long it is.
  long since;
  long forMs;

  // When its message expires, as far as that is known: milliseconds since 1970.
  long expiresAt = Message.NEVER;

  Delivery(long sequence, boolean kept, Ordering ordering) {
    this.sequence = sequence;
    this.kept = kept;
    this.ordering = ordering;
  }

  /// Whether it was given to somebody, and not given back as if it had not been.
  boolean isTaken() {
    return lease != null || attempts > 0;
  }
}
