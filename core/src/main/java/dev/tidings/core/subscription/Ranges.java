// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.ToLongFunction;

/// Gathers neighbours into ranges, so that a change of many messages is told in few words.
final class Ranges {
  private Ranges() {}

  /// Makes something of a range and the elements in it.
  interface Maker<T, R> {
    R make(SequenceRange range, T first);
  }

  /// What `make` makes of each run of `sorted`, whose sequences rise: of neighbours that are
  /// `alike`.
  static <T, R> List<R> of(
      Iterable<T> sorted, ToLongFunction<T> sequence, BiPredicate<T, T> alike, Maker<T, R> make) {
    List<R> made = new ArrayList<>();
    T first = null;
    T last = null;
    for (T each : sorted) {
      if (first == null || last == null) {
        first = each;
      } else if (sequence.applyAsLong(each) != sequence.applyAsLong(last) + 1
          || !alike.test(first, each)) {
        made.add(make.make(range(sequence, first, last), first));
        first = each;
      }
      last = each;
    }
    if (first != null && last != null) {
      made.add(make.make(range(sequence, first, last), first));
    }
    return made;
  }

  private static <T> SequenceRange range(ToLongFunction<T> sequence, T first, T last) {
    return new SequenceRange(sequence.applyAsLong(first), sequence.applyAsLong(last));
  }

  /// The ranges of `sorted`.
  static List<SequenceRange> of(Iterable<Long> sorted) {
    return of(sorted, it -> it, (_, _) -> true, (range, _) -> range);
  }
}
