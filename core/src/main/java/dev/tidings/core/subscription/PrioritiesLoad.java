// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;
import java.util.Optional;

/// The next stretch of a queue's log that was not searched for messages of a priority above 0.
///
/// @param log of the queue
/// @param number of the queue's subscription
/// @param from the first sequence that was not looked at
public record PrioritiesLoad(TopicLog log, int number, long from) implements Load {
  private static final int MAX_MESSAGES = 10_000;
  private static final long MAX_BYTES = 4 << 20;

  @Override
  public String what() {
    return "the log of topic '" + log.topic() + "'";
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    // Before the store is read: what becomes durable later may be missing.
    long through = log.watermark();
    List<Message> read = store.read(log.incarnation(), from, MAX_MESSAGES, MAX_BYTES).messages();
    List<Message> durable =
        read.stream().takeWhile(message -> message.sequence() <= through).toList();
    boolean whole = read.isEmpty() || durable.size() < read.size();
    long searchedTo = whole ? through : durable.getLast().sequence();
    return state -> {
      state.subscriptions().find(number).ifPresent(it -> it.searched(durable, from, searchedTo));
      return Optional.empty();
    };
  }
}
