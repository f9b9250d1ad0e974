// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.concurrent.atomic.AtomicInteger;

/// The bounds on calls that wait until there is something to answer, all together and of one user
/// or client; over all event loops.
public final class WaitingCalls {
  private final int max;
  private final AtomicInteger waiting = new AtomicInteger();
  private final PerUser byUser;

  /// At most `max` calls, at most `maxPerUser` of one user or client.
  public WaitingCalls(int max, int maxPerUser) {
    this.max = max;
    this.byUser = new PerUser(maxPerUser);
  }

  /// Whether a further call of the user may wait; if so it counts until it leaves.
  public boolean enter(String userId) {
    if (waiting.incrementAndGet() > max) {
      waiting.decrementAndGet();
      return false;
    }
    if (!byUser.enter(userId)) {
      waiting.decrementAndGet();
      return false;
    }
    return true;
  }

  /// A call of the user is over.
  public void leave(String userId) {
    byUser.leave(userId);
    waiting.decrementAndGet();
  }

  /// How many wait. Any thread.
  public int waiting() {
    return waiting.get();
  }

  /// What a refused caller is told.
  public String refusal() {
    return "too many calls wait (limits: "
        + max
        + " in all, "
        + byUser.max()
        + " of one user); wait for one to be answered";
  }
}
