// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/// Counts something by user, up to a bound for each; over all event loops.
public final class PerUser {
  private final int max;
  private final ConcurrentMap<String, Integer> counts = new ConcurrentHashMap<>();

  /// At most `max` of one user.
  public PerUser(int max) {
    this.max = max;
  }

  /// Counts one more of the user, until it leaves; false, and nothing is counted, at the bound.
  public boolean enter(String userId) {
    if (counts.merge(userId, 1, Integer::sum) > max) {
      leave(userId);
      return false;
    }
    return true;
  }

  /// One of the user is over.
  public void leave(String userId) {
    counts.computeIfPresent(userId, (_, count) -> count > 1 ? count - 1 : null);
  }

  /// The bound.
  public int max() {
    return max;
  }
}
