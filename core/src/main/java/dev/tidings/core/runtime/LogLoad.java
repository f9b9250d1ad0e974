// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.Optional;

/// The log of a topic, without its messages.
///
/// @param topic the name
/// @param incarnation the number of the log
public record LogLoad(String topic, int incarnation) implements Load {

  /// The log of `topic`.
  public static LogLoad of(Topic topic) {
    return new LogLoad(topic.name(), topic.incarnation());
  }

  @Override
  public String what() {
    return "the log of topic '" + topic + "'";
  }

  @Override
  public boolean isForPublishers() {
    return true;
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    LogExtent extent = store.extent(incarnation);
    return state -> {
      // Otherwise it was deleted meanwhile, and those who wait find that out themselves.
      if (state.isPresent(topic, incarnation)) {
        TopicLog _ = state.load(topic, incarnation, extent);
      }
      return Optional.empty();
    };
  }
}
