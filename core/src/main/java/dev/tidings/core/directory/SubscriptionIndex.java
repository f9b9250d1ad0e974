// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.Set;
import org.pcollections.TreePMap;

/// The subscriptions of the directory, by id and by the name of their topic.
record SubscriptionIndex(TreePMap<String, Subscription> byId, SetIndex byTopic) {
  static final SubscriptionIndex EMPTY = new SubscriptionIndex(TreePMap.empty(), SetIndex.EMPTY);

  Set<String> ofTopic(String topic) {
    return byTopic.get(topic);
  }

  SubscriptionIndex with(Subscription subscription) {
    return new SubscriptionIndex(
        byId.plus(subscription.id(), subscription),
        byTopic.with(subscription.topic(), subscription.id()));
  }

  SubscriptionIndex without(Subscription subscription) {
    return new SubscriptionIndex(
        byId.minus(subscription.id()), byTopic.without(subscription.topic(), subscription.id()));
  }
}
