// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Messages that one command gave to one consumer, until a deadline.
final class Lease {
  /// Which ends first.
  static final Comparator<Lease> BY_END =
      Comparator.<Lease>comparingLong(it -> it.endNs)
          .thenComparingLong(it -> it.number)
          .thenComparingLong(it -> it.made);

  /// The ordinal of the change that leased them.
  final long number;

  /// The ordinal of the change that gave it this deadline: an extension makes another lease of the
  /// same number.
  final long made;

  final long since;
  final long forMs;
  final List<Delivery> deliveries = new ArrayList<>();
  // Those that are still leased.
  int live;
  // By the monotonic clock; never before the answer is given.
  long endNs = Long.MAX_VALUE;

  Lease(long number, long made, long since, long forMs) {
    this.number = number;
    this.made = made;
    this.since = since;
    this.forMs = forMs;
  }

  void add(Delivery delivery) {
    deliveries.add(delivery);
    delivery.lease = this;
    live++;
  }
}
