// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.filter.Filter;
import dev.tidings.core.filter.FilterEvaluator;
import dev.tidings.core.filter.FilterSet;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// The next stretch of a log that a filter has not been evaluated on.
///
/// @param log of which
/// @param filter to be evaluated
/// @param from the first sequence that was not
public record EvaluationLoad(TopicLog log, Filter filter, long from) implements Load {
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
    FilterEvaluator evaluator = new FilterEvaluator();
    FilterSet one = FilterSet.of(List.of(filter));
    BitSet result = new BitSet();
    List<Long> matching = new ArrayList<>();
    for (Message message : durable) {
      evaluator.evaluate(one, message.payload(), result);
      if (result.get(0)) {
        matching.add(message.sequence());
      }
    }
    boolean whole = read.isEmpty() || durable.size() < read.size();
    long evaluatedTo = whole ? through : durable.getLast().sequence();
    return state -> state.subscriptions().evaluated(this, matching, evaluatedTo);
  }
}
