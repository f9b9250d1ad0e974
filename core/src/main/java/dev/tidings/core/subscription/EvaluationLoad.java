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
  @Override
  public String what() {
    return "the log of topic '" + log.topic() + "'";
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    DurableStretch stretch = DurableStretch.read(store, log, from);
    FilterEvaluator evaluator = new FilterEvaluator();
    FilterSet one = FilterSet.of(List.of(filter));
    BitSet result = new BitSet();
    List<Long> matching = new ArrayList<>();
    for (Message message : stretch.messages()) {
      evaluator.evaluate(one, message.payload(), result);
      if (result.get(0)) {
        matching.add(message.sequence());
      }
    }
    return state -> state.subscriptions().evaluated(this, matching, stretch.through());
  }
}
