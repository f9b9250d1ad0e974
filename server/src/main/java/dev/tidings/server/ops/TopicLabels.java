// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/// The topics that metrics show one by one: those used first, up to a bound. All others are counted
/// together.
final class TopicLabels {
  /// The label of all others.
  static final String OTHER = "_other";

  private final int max;
  private final AtomicInteger count = new AtomicInteger();
  private final ConcurrentMap<String, Boolean> shown = new ConcurrentHashMap<>();

  /// At most `max` topics of their own.
  TopicLabels(int max) {
    this.max = max;
  }

  /// The label that `topic` is counted under.
  String of(String topic) {
    if (shown.containsKey(topic)) {
      return topic;
    }
    if (count.get() >= max) {
      return OTHER;
    }
    // Asked once for each topic, under the lock of its place in the map.
    boolean isShown =
        shown.computeIfAbsent(topic, _ -> count.getAndIncrement() < max ? Boolean.TRUE : null)
            != null;
    return isShown ? topic : OTHER;
  }

  /// Those shown one by one.
  Set<String> shown() {
    return shown.keySet();
  }
}
