// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// Holds back the answers to commands that took authority away until nothing that was authorised
/// before can still happen.
///
/// First every event loop has to pass: it has ended what the change leaves no right to, and whoever
/// asks the access policy there afterwards gets the new answer. Then every shard: it has handled
/// all commands that the loops had authorised before they passed, and what they wrote is shown.
final class AuthorityBarrier {
  private final List<Submission<?>> held;
  private final List<Shard> shards;
  private final AtomicInteger loopsToPass;
  private final AtomicInteger shardsToPass;

  AuthorityBarrier(List<Submission<?>> held, List<Shard> shards, int loops) {
    this.held = held;
    this.shards = shards;
    this.loopsToPass = new AtomicInteger(loops);
    this.shardsToPass = new AtomicInteger(shards.size());
  }

  /// One event loop has passed. Called on it, once.
  void loopPassed() {
    if (loopsToPass.decrementAndGet() == 0) {
      for (Shard shard : shards) {
        CommitLane.hand(shard.executor(), () -> shard.pass(this::shardPassed));
      }
    }
  }

  private void shardPassed() {
    if (shardsToPass.decrementAndGet() == 0) {
      for (Submission<?> submission : held) {
        CommitLane.hand(submission.home(), submission::release);
      }
    }
  }
}
