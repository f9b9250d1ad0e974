// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Ordering;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.SequenceRange;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/// Values as they can come from anywhere.
final class Generated {
  private Generated() {}

  /// Strings of any characters, among them many that databases and JSON have trouble with.
  static Arbitrary<String> texts() {
    Arbitrary<Character> trouble =
        Arbitraries.of(
            '\0', '\\', '"', '/', 'u', '0', 'D', '8', '\n', '\u001f', '\u007f', '\u2028', '\uD83D',
            '\uDE00', '\uD800', '\uDFFF', '\uFEFF', '\uFFFF', 'ä');
    return Arbitraries.frequencyOf(
            Tuple.of(3, trouble),
            Tuple.of(1, Arbitraries.chars().all()),
            Tuple.of(1, Arbitraries.chars().ascii()))
        .list()
        .ofMaxSize(80)
        .map(chars -> {
          StringBuilder text = new StringBuilder();
          chars.forEach(text::append);
          return text.toString();
        });
  }

  static Arbitrary<List<SequenceRange>> settled() {
    return ranges().list().ofMaxSize(20);
  }

  static Arbitrary<List<Outstanding>> outstanding() {
    return Combinators.combine(
            ranges(),
            Arbitraries.integers().greaterOrEqual(0),
            Arbitraries.longs().greaterOrEqual(0),
            Arbitraries.longs(),
            Arbitraries.longs(),
            Arbitraries.of(true, false),
            orderings())
        .as((range, attempts, lease, since, forMs, kept, orderings) ->
            new Outstanding(
                fitting(range, orderings), attempts, lease, since, forMs, kept, orderings))
        .list()
        .ofMaxSize(20);
  }

  static Arbitrary<List<Dead>> dead() {
    return Combinators.combine(ranges(), Arbitraries.integers().greaterOrEqual(0), orderings())
        .as((range, attempts, orderings) ->
            new Dead(fitting(range, orderings), attempts, orderings))
        .list()
        .ofMaxSize(20);
  }

  private static Arbitrary<SequenceRange> ranges() {
    return Combinators.combine(
            Arbitraries.longs().between(0, 1L << 48), Arbitraries.longs().between(0, 1L << 48))
        .as((first, more) -> new SequenceRange(first, first + more));
  }

  private static Arbitrary<List<Ordering>> orderings() {
    Arbitrary<String> keys = Arbitraries.oneOf(Arbitraries.just(""), texts());
    Arbitrary<Integer> priorities =
        Arbitraries.oneOf(Arbitraries.just(0), Arbitraries.integers().between(0, 9));
    return Combinators.combine(keys, priorities).as(Ordering::new).list().ofMaxSize(4);
  }

  /// The range, or one that begins there and has as many as there are orderings.
  private static SequenceRange fitting(SequenceRange range, List<Ordering> orderings) {
    return orderings.isEmpty()
        ? range
        : new SequenceRange(range.first(), range.first() + orderings.size() - 1);
  }
}
