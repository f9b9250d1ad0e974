// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.message.Ordering;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.function.Function;

/// How deliveries are told in a [DeliveryChange]: neighbours that are alike in one entry.
final class Telling {
  private Telling() {}

  /// A dead letter.
  ///
  /// @param attempts how often it was delivered
  /// @param ordering what was asked of its order
  record DeadLetter(int attempts, Ordering ordering) {}

  /// Those that are outstanding or parked, in the order of their sequences.
  static List<Outstanding> outstanding(Collection<Delivery> sorted) {
    return Ranges.of(
        sorted,
        it -> it.sequence,
        Telling::alike,
        (range, all) -> {
          Delivery first = all.getFirst();
          Lease lease = first.lease;
          List<Ordering> orderings = orderings(all, it -> it.ordering);
          return lease == null
              ? new Outstanding(
                  range,
                  first.attempts,
                  first.endedLease,
                  first.since,
                  first.forMs,
                  first.kept,
                  orderings)
              : new Outstanding(
                  range,
                  first.attempts,
                  lease.number,
                  lease.since,
                  lease.forMs,
                  first.kept,
                  orderings);
        });
  }

  private static boolean alike(Delivery one, Delivery other) {
    return one.attempts == other.attempts
        && one.kept == other.kept
        && one.lease == other.lease
        && (one.lease != null
            || (one.endedLease == other.endedLease
                && one.since == other.since
                && one.forMs == other.forMs));
  }

  /// Dead letters, in the order of their sequences.
  static List<Dead> dead(NavigableMap<Long, DeadLetter> sorted) {
    return Ranges.of(
        sorted.entrySet(),
        Map.Entry::getKey,
        (one, other) -> one.getValue().attempts() == other.getValue().attempts(),
        (range, all) ->
            new Dead(
                range,
                all.getFirst().getValue().attempts(),
                orderings(all, it -> it.getValue().ordering())));
  }

  private static <T> List<Ordering> orderings(List<T> all, Function<T, Ordering> of) {
    List<Ordering> orderings = all.stream().map(of).toList();
    return orderings.stream().allMatch(Ordering::isNone) ? List.of() : orderings;
  }
}
