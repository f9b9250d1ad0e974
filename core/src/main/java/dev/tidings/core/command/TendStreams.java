// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;

/// Lets go of one shard's streams that are idle.
///
/// @param slot one of the shard's slots
public record TendStreams(int slot) implements Command<Boolean> {
  // At once; those that are left come next time.
  private static final int MAX = 10_000;

  @Override
  public long size() {
    return 0;
  }

  @Override
  public boolean writes() {
    return false;
  }

  @Override
  public boolean isTransient() {
    return true;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    state.streams().tend(MAX);
    return Step.done(true);
  }
}
