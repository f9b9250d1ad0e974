// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.filter.Filter;
import dev.tidings.core.filter.FilterEvaluator;
import dev.tidings.core.filter.FilterSet;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The filters of one topic's subscriptions, and what of its log matches them. A message that
/// becomes durable is read once for all of them.
final class TopicMatches {
  // So many recent messages are evaluated at once on the shard; more are left to another thread.
  private static final int CATCH_UP = 1000;

  private final TopicLog log;
  private final FilterEvaluator evaluator;
  private final List<MatchIndex> indexes = new ArrayList<>();
  // Null after a change, until it is needed: many may come and go at once, as with their topic.
  private @Nullable FilterSet compiled;
  private final BitSet result = new BitSet();

  TopicMatches(TopicLog log, FilterEvaluator evaluator) {
    this.log = log;
    this.evaluator = evaluator;
  }

  /// What matches `filter` from `from` on.
  MatchIndex join(Filter filter, long from) {
    MatchIndex joined =
        indexes.stream()
            .filter(index -> index.filter.equals(filter) && index.knowsFrom(from))
            .findFirst()
            .orElseGet(() -> add(new MatchIndex(filter, from)));
    joined.users++;
    return joined;
  }

  private MatchIndex add(MatchIndex index) {
    indexes.add(index);
    compiled = null;
    return index;
  }

  void leave(MatchIndex index) {
    if (--index.users == 0) {
      indexes.remove(index);
      compiled = null;
    }
  }

  private FilterSet filters() {
    FilterSet known = compiled;
    if (known == null) {
      known = FilterSet.of(indexes.stream().map(it -> it.filter).toList());
      compiled = known;
    }
    return known;
  }

  boolean isEmpty() {
    return indexes.isEmpty();
  }

  /// Messages have become durable.
  void appended(List<Message> messages) {
    long first = messages.getFirst().sequence();
    long last = messages.getLast().sequence();
    boolean anyUpToDate = false;
    for (MatchIndex index : indexes) {
      anyUpToDate |= index.evaluatedTo() >= first - 1 && index.evaluatedTo() < last;
    }
    if (!anyUpToDate) {
      return;
    }
    FilterSet filters = filters();
    for (Message message : messages) {
      evaluator.evaluate(filters, message.payload(), result);
      for (MatchIndex index : indexes) {
        boolean follows =
            index.evaluatedTo() >= message.sequence() - 1
                && index.evaluatedTo() < message.sequence();
        if (follows) {
          if (result.get(filters.placeOf(index.filter))) {
            index.match(message.sequence());
          }
          index.evaluated(message.sequence());
        }
      }
    }
  }

  /// Evaluates what `index` lacks, if it is in memory and not too much.
  ///
  /// @return what has to be loaded and evaluated, if it still lacks something
  Optional<EvaluationLoad> catchUp(MatchIndex index) {
    long from = index.evaluatedTo() + 1;
    long last = log.watermark();
    if (from > last) {
      return Optional.empty();
    }
    if (last - from < CATCH_UP) {
      Optional<List<Message>> recent = log.readRecent(from, CATCH_UP, Long.MAX_VALUE);
      if (recent.isPresent()) {
        evaluate(index, recent.get());
        return Optional.empty();
      }
    }
    return Optional.of(new EvaluationLoad(log, index.filter, from));
  }

  private void evaluate(MatchIndex index, List<Message> messages) {
    FilterSet one = FilterSet.of(List.of(index.filter));
    for (Message message : messages) {
      evaluator.evaluate(one, message.payload(), result);
      if (result.get(0)) {
        index.match(message.sequence());
      }
      index.evaluated(message.sequence());
    }
  }

  /// The indexes that begin at or before `from`, of that filter, and have come to the place before
  /// it.
  List<MatchIndex> thatAreAt(Filter filter, long from) {
    return indexes.stream()
        .filter(index -> index.filter.equals(filter) && index.evaluatedTo() == from - 1)
        .toList();
  }
}
