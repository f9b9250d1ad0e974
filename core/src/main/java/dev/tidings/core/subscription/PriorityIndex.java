// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import java.util.TreeMap;
import org.roaringbitmap.longlong.Roaring64Bitmap;

/// Which messages of a work queue, from some place on, have a priority above 0 and were never given
/// out: a bitmap for each priority, filled as messages become durable.
final class PriorityIndex {
  private final TreeMap<Integer, Roaring64Bitmap> byPriority = new TreeMap<>();
  private long evaluatedTo;

  /// @param from the first sequence that is looked at
  PriorityIndex(long from) {
    this.evaluatedTo = from - 1;
  }

  /// Everything up to this sequence was looked at.
  long evaluatedTo() {
    return evaluatedTo;
  }

  /// Everything up to `sequence` was looked at.
  void evaluated(long sequence) {
    evaluatedTo = Math.max(evaluatedTo, sequence);
  }

  void add(long sequence, int priority) {
    byPriority.computeIfAbsent(priority, _ -> new Roaring64Bitmap()).addLong(sequence);
  }

  void remove(long sequence, int priority) {
    Roaring64Bitmap of = byPriority.get(priority);
    if (of != null) {
      of.removeLong(sequence);
      if (of.isEmpty()) {
        byPriority.remove(priority);
      }
    }
  }

  /// The highest priority of a message in it; 0 if there is none.
  int highest() {
    return byPriority.isEmpty() ? 0 : byPriority.lastKey();
  }

  /// The first message of that priority, which is one that there is.
  long first(int priority) {
    Roaring64Bitmap of = byPriority.get(priority);
    if (of == null) {
      throw new IllegalStateException("no message has priority " + priority);
    }
    return of.first();
  }

  /// Messages of that priority in order.
  ///
  /// @param max at most so many
  long[] firsts(int priority, int max) {
    Roaring64Bitmap of = byPriority.get(priority);
    return of == null ? new long[0] : of.stream().limit(max).toArray();
  }

  /// Forgets what is below `sequence`.
  void forgetBelow(long sequence) {
    byPriority
        .values()
        .removeIf(of -> {
          while (!of.isEmpty() && of.first() < sequence) {
            of.removeLong(of.first());
          }
          return of.isEmpty();
        });
  }

  /// Forgets a message of whatever priority.
  void forget(long sequence) {
    byPriority
        .values()
        .removeIf(of -> {
          of.removeLong(sequence);
          return of.isEmpty();
        });
  }
}
