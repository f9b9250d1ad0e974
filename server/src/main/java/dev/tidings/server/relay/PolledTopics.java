// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Predicate;

/// Which topics polls wait for, and how many for each; over all event loops.
public final class PolledTopics {
  /// Topics whose counts one answer tells, and those it looks at to find them.
  private static final int MAX_COUNTED = 1000;

  private static final int MAX_LOOKED_AT = 10_000;

  private final ConcurrentMap<String, Integer> polls = new ConcurrentHashMap<>();

  /// A poll for `topics` begins.
  void add(Collection<String> topics) {
    topics.forEach(topic -> polls.merge(topic, 1, Integer::sum));
  }

  /// A poll for `topics` is over.
  void remove(Collection<String> topics) {
    topics.forEach(
        topic -> polls.computeIfPresent(topic, (_, count) -> count > 1 ? count - 1 : null));
  }

  /// How many topics there are.
  int size() {
    return polls.size();
  }

  /// How many polls wait for each of the topics that `shown` admits: at most 1000 of these, and
  /// only among the first 10,000, since the answer is made on an event loop.
  Map<String, Integer> countsOf(Predicate<String> shown) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    int lookedAt = 0;
    for (Map.Entry<String, Integer> entry : polls.entrySet()) {
      if (++lookedAt > MAX_LOOKED_AT || counts.size() == MAX_COUNTED) {
        break;
      }
      if (shown.test(entry.getKey())) {
        counts.put(entry.getKey(), entry.getValue());
      }
    }
    return counts;
  }
}
