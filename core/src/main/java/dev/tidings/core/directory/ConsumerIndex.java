// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import org.pcollections.TreePMap;

/// The consumers of the directory, by the number of their topic's log and then by their key.
record ConsumerIndex(TreePMap<Integer, TreePMap<String, Consumer>> byLog, int count) {
  static final ConsumerIndex EMPTY = new ConsumerIndex(TreePMap.empty(), 0);

  TreePMap<String, Consumer> of(int incarnation) {
    TreePMap<String, Consumer> known = byLog.get(incarnation);
    return known == null ? TreePMap.empty() : known;
  }

  ConsumerIndex with(Consumer consumer) {
    TreePMap<String, Consumer> before = of(consumer.incarnation());
    TreePMap<String, Consumer> after = before.plus(consumer.key(), consumer);
    return new ConsumerIndex(
        byLog.plus(consumer.incarnation(), after), count + after.size() - before.size());
  }

  ConsumerIndex without(Consumer consumer) {
    TreePMap<String, Consumer> before = of(consumer.incarnation());
    TreePMap<String, Consumer> others = before.minus(consumer.key());
    return new ConsumerIndex(
        others.isEmpty()
            ? byLog.minus(consumer.incarnation())
            : byLog.plus(consumer.incarnation(), others),
        count + others.size() - before.size());
  }
}
