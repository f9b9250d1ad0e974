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
    R make(SequenceRange range, List<T> elements);
  }

  /// What `make` makes of each run of `sorted`, whose sequences rise: of neighbours that are
  /// `alike`.
  static <T, R> List<R> of(
      Iterable<T> sorted, ToLongFunction<T> sequence, BiPredicate<T, T> alike, Maker<T, R> make) {
    List<R> made = new ArrayList<>();
    List<T> run = new ArrayList<>();
    for (T each : sorted) {
      boolean ends =
          !run.isEmpty()
              && (sequence.applyAsLong(each) != sequence.applyAsLong(run.getLast()) + 1
                  || !alike.test(run.getFirst(), each));
      if (ends) {
        made.add(make.make(range(sequence, run), run));
        run.clear();
      }
      run.add(each);
    }
    if (!run.isEmpty()) {
      made.add(make.make(range(sequence, run), run));
    }
    return made;
  }

  private static <T> SequenceRange range(ToLongFunction<T> sequence, List<T> run) {
    return new SequenceRange(
        sequence.applyAsLong(run.getFirst()), sequence.applyAsLong(run.getLast()));
  }

  /// The ranges of `sorted`.
  static List<SequenceRange> of(Iterable<Long> sorted) {
    return of(sorted, it -> it, (_, _) -> true, (range, _) -> range);
  }
}
