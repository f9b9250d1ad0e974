// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;

/// Reads the scheduled messages of one shard that are due soon.
///
/// @param slot one of the shard's slots
public record LoadSchedule(int slot) implements Command<Boolean> {
  @Override
  public long size() {
    return 0;
  }

  @Override
  public boolean writes() {
    return false;
  }

  @Override
  public boolean followsUp() {
    return true;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    return state
        .schedule()
        .nextLoad()
        .<Step<Boolean>>map(Step.Needs::new)
        .orElseGet(() -> Step.done(true));
  }
}
