// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Consumer;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;

/// Forgets a consumer that was not heard of for long, unless it has been heard of since.
///
/// @param consumer as it was seen
public record ForgetConsumer(Consumer consumer) implements Command<Consumer> {
  private static final long SIZE = 400;

  @Override
  public int slot() {
    return consumer.slot();
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Consumer> handle(ShardState state) {
    if (state.isPresent(consumer)) {
      state.remove(consumer);
    }
    return Step.done(consumer);
  }
}
