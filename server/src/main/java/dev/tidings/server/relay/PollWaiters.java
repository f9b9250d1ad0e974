// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/// The polls that wait, over all event loops: how many, for which topics, and the bounds on them,
/// all together and of one user.
public final class PollWaiters {
  /// Topics whose counts one answer tells, and those it looks at to find them.
  private static final int MAX_COUNTED = 1000;

  private static final int MAX_LOOKED_AT = 10_000;

  private final int max;
  private final AtomicInteger waiting = new AtomicInteger();
  private final PerUser byUser;
  private final ConcurrentMap<String, Integer> byTopic = new ConcurrentHashMap<>();

  /// At most `max` polls, at most `maxPerUser` of one user.
  public PollWaiters(int max, int maxPerUser) {
    this.max = max;
    this.byUser = new PerUser(maxPerUser);
  }

  /// Whether a further poll of the user, for `topics`, may wait; if so it counts until it leaves.
  public boolean enter(String userId, Collection<String> topics) {
    if (waiting.incrementAndGet() > max) {
      waiting.decrementAndGet();
      return false;
    }
    if (!byUser.enter(userId)) {
      waiting.decrementAndGet();
      return false;
    }
    topics.forEach(topic -> byTopic.merge(topic, 1, Integer::sum));
    return true;
  }

  /// A poll of the user, for `topics`, is over.
  public void leave(String userId, Collection<String> topics) {
    topics.forEach(
        topic -> byTopic.computeIfPresent(topic, (_, count) -> count > 1 ? count - 1 : null));
    byUser.leave(userId);
    waiting.decrementAndGet();
  }

  /// How many polls wait. Any thread.
  public int waiting() {
    return waiting.get();
  }

  /// For how many topics.
  int topics() {
    return byTopic.size();
  }

  /// How many polls wait for each of the topics that `shown` admits: at most 1000 of these, and
  /// only among the first 10,000, since the answer is made on an event loop.
  Map<String, Integer> countsOf(Predicate<String> shown) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    int lookedAt = 0;
    for (Map.Entry<String, Integer> entry : byTopic.entrySet()) {
      if (++lookedAt > MAX_LOOKED_AT || counts.size() == MAX_COUNTED) {
        break;
      }
      if (shown.test(entry.getKey())) {
        counts.put(entry.getKey(), entry.getValue());
      }
    }
    return counts;
  }

  /// What a refused caller is told.
  public String refusal() {
    return "too many polls wait (limits: "
        + max
        + " in all, "
        + byUser.max()
        + " of one user); wait for one to be answered";
  }
}
