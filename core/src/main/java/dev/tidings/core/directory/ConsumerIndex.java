// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import org.pcollections.TreePMap;

/// The consumers of the directory, by the number of their topic's log and then by their key.
record ConsumerIndex(TreePMap<Integer, TreePMap<String, Consumer>> byLog) {
  static final ConsumerIndex EMPTY = new ConsumerIndex(TreePMap.empty());

  TreePMap<String, Consumer> of(int incarnation) {
    TreePMap<String, Consumer> known = byLog.get(incarnation);
    return known == null ? TreePMap.empty() : known;
  }

  ConsumerIndex with(Consumer consumer) {
    return new ConsumerIndex(
        byLog.plus(
            consumer.incarnation(), of(consumer.incarnation()).plus(consumer.key(), consumer)));
  }

  ConsumerIndex without(Consumer consumer) {
    TreePMap<String, Consumer> others = of(consumer.incarnation()).minus(consumer.key());
    return new ConsumerIndex(
        others.isEmpty()
            ? byLog.minus(consumer.incarnation())
            : byLog.plus(consumer.incarnation(), others));
  }
}
