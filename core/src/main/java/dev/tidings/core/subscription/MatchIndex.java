// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.filter.Filter;
import org.roaringbitmap.longlong.LongIterator;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/// Which messages of a log match one filter, from some place on: a bitmap that is filled once, as
/// messages become durable, so that no consumer looks at what it does not want. Subscriptions of
/// equal filters share it.
final class MatchIndex implements Matches {
  // So many sequences share one container of the bitmap.
  private static final long WORTH_FORGETTING = 1 << 16;

  final Filter filter;

  private long evaluatedTo;
  private final Roaring64Bitmap matching = new Roaring64Bitmap();
  private long forgottenBelow;
  private long lookedBelow;
  // How many subscriptions use it.
  int users;

  MatchIndex(Filter filter, long from) {
    this.filter = filter;
    this.evaluatedTo = from - 1;
    this.forgottenBelow = from;
    this.lookedBelow = from;
  }

  void match(long sequence) {
    matching.addLong(sequence);
  }

  /// Whether nothing at or after `sequence` is left out or forgotten.
  boolean knowsFrom(long sequence) {
    return forgottenBelow <= sequence;
  }

  /// Everything up to `sequence` was evaluated.
  void evaluated(long sequence) {
    evaluatedTo = Math.max(evaluatedTo, sequence);
  }

  /// Whether, with one of its users at `sequence`, it is time to look for what nobody needs any
  /// more: so seldom that it costs nothing.
  boolean isWorthForgetting(long sequence) {
    if (sequence - lookedBelow < WORTH_FORGETTING) {
      return false;
    }
    lookedBelow = sequence;
    return true;
  }

  /// Lets go of what lies below `sequence`, which nobody needs any more.
  void forgetBelow(long sequence) {
    if (sequence > forgottenBelow && !matching.isEmpty() && matching.first() < sequence) {
      Roaring64Bitmap below = new Roaring64Bitmap();
      below.addRange(matching.first(), sequence);
      matching.andNot(below);
      forgottenBelow = sequence;
    }
  }

  /// How many matches it holds.
  long size() {
    return matching.getLongCardinality();
  }

  @Override
  public long firstFrom(long sequence) {
    LongIterator matches = matching.getLongIteratorFrom(sequence);
    return matches.hasNext() ? matches.next() : Long.MAX_VALUE;
  }

  @Override
  public long evaluatedTo() {
    return evaluatedTo;
  }

  @Override
  public boolean isFiltered() {
    return true;
  }

  @Override
  public long count(long first, long last) {
    if (first > last) {
      return 0;
    }
    return matching.rankLong(last) - (first > 0 ? matching.rankLong(first - 1) : 0);
  }
}
