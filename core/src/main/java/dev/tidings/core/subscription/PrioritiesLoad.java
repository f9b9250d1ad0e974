// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.Optional;

/// The next stretch of a queue's log that was not searched for messages of a priority above 0.
///
/// @param log of the queue
/// @param number of the queue's subscription
/// @param from the first sequence that was not looked at
public record PrioritiesLoad(TopicLog log, int number, long from) implements Load {
  @Override
  public String what() {
    return "the log of topic '" + log.topic() + "'";
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    DurableStretch stretch = DurableStretch.read(store, log, from);
    return state -> {
      state
          .subscriptions()
          .find(number)
          .ifPresent(it -> it.searched(stretch.messages(), from, stretch.through()));
      return Optional.empty();
    };
  }
}
