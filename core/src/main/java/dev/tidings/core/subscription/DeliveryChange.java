// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.message.Ordering;
import java.util.List;

/// How the deliveries of one subscription were changed by one command, as the store remembers it.
///
/// The state of a subscription is a cursor and the exceptions to it, so a change tells them
/// outright, and applying one decides nothing: first what is `settled` is no longer outstanding or
/// dead, then what is `outstanding` and `dead` is that from now on, then the cursor is at `next`.
/// What is settled above `next` stays known, so that it is passed over later.
///
/// @param ordinal 1 for the first change of a subscription, and one more for each after it
/// @param whole whether it tells the whole state, so that the changes before it are not needed
/// @param next the lowest sequence that was never leased
/// @param passed how many messages the log was ever given below `next`
/// @param totals what has been settled so far
/// @param settled sequences that need no delivery any more
/// @param outstanding sequences that are leased, or wait to be delivered again
/// @param dead sequences that are dead letters
public record DeliveryChange(
    long ordinal,
    boolean whole,
    long next,
    long passed,
    Totals totals,
    List<SequenceRange> settled,
    List<Outstanding> outstanding,
    List<Dead> dead) {

  public DeliveryChange {
    settled = List.copyOf(settled);
    outstanding = List.copyOf(outstanding);
    dead = List.copyOf(dead);
  }

  /// How many messages a subscription has settled since it was created.
  ///
  /// @param acked by consumers
  /// @param expired because their `ttl` had passed
  /// @param lost because they were no longer retained or could not be read, or because there were
  ///   too many dead letters
  public record Totals(long acked, long expired, long lost) {
    /// Nothing yet.
    public static final Totals NONE = new Totals(0, 0, 0);

    Totals plus(long moreAcked, long moreExpired, long moreLost) {
      return new Totals(acked + moreAcked, expired + moreExpired, lost + moreLost);
    }
  }

  /// Neighbouring messages that are leased, or wait to be delivered again.
  ///
  /// @param range which
  /// @param attempts how often they were delivered
  /// @param lease the ordinal of the change that leased them; 0 if they wait
  /// @param since when that began, milliseconds since 1970
  /// @param forMs how long it lasts, milliseconds
  /// @param kept whether the messages are among the dead letters' copies rather than in the log
  /// @param orderings what was asked of the order of each; empty if nothing was of any
  public record Outstanding(
      SequenceRange range,
      int attempts,
      long lease,
      long since,
      long forMs,
      boolean kept,
      List<Ordering> orderings) {
    public Outstanding {
      orderings = checked(orderings, range);
    }

    /// Messages for whose order nothing was asked.
    public Outstanding(
        SequenceRange range, int attempts, long lease, long since, long forMs, boolean kept) {
      this(range, attempts, lease, since, forMs, kept, List.of());
    }

    /// What was asked of the order of the one with that sequence.
    Ordering ordering(long sequence) {
      return DeliveryChange.ordering(orderings, range, sequence);
    }
  }

  private static List<Ordering> checked(List<Ordering> orderings, SequenceRange range) {
    if (!orderings.isEmpty() && orderings.size() != range.size()) {
      throw new IllegalArgumentException(
          "orderings: " + orderings.size() + " (expected: none or " + range.size() + ")");
    }
    return List.copyOf(orderings);
  }

  private static Ordering ordering(List<Ordering> orderings, SequenceRange range, long sequence) {
    return orderings.isEmpty() ? Ordering.NONE : orderings.get((int) (sequence - range.first()));
  }

  /// Neighbouring dead letters.
  ///
  /// @param range which
  /// @param attempts how often they were delivered
  /// @param orderings what was asked of the order of each; empty if nothing was of any
  public record Dead(SequenceRange range, int attempts, List<Ordering> orderings) {
    public Dead {
      orderings = checked(orderings, range);
    }

    /// Dead letters for whose order nothing was asked.
    public Dead(SequenceRange range, int attempts) {
      this(range, attempts, List.of());
    }

    /// What was asked of the order of the one with that sequence.
    Ordering ordering(long sequence) {
      return DeliveryChange.ordering(orderings, range, sequence);
    }
  }
}
