// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/// The bounds on polls that wait, over all event loops: all together, and those of one user.
public final class PollWaiters {
  private final int max;
  private final int maxPerUser;
  private final AtomicInteger waiting = new AtomicInteger();
  private final ConcurrentMap<String, Integer> byUser = new ConcurrentHashMap<>();

  /// At most `max` polls, at most `maxPerUser` of one user.
  public PollWaiters(int max, int maxPerUser) {
    this.max = max;
    this.maxPerUser = maxPerUser;
  }

  /// Whether a further poll of the user may wait; if so it counts until it leaves.
  boolean enter(String userId) {
    if (waiting.incrementAndGet() > max) {
      waiting.decrementAndGet();
      return false;
    }
    if (byUser.merge(userId, 1, Integer::sum) > maxPerUser) {
      leave(userId);
      return false;
    }
    return true;
  }

  /// A poll of the user is over.
  void leave(String userId) {
    byUser.computeIfPresent(userId, (_, count) -> count > 1 ? count - 1 : null);
    waiting.decrementAndGet();
  }

  /// How many wait. Any thread.
  public int waiting() {
    return waiting.get();
  }

  /// What a refused caller is told.
  String refusal() {
    return "too many polls wait (limits: "
        + max
        + " in all, "
        + maxPerUser
        + " of one user); wait for one to be answered";
  }
}
