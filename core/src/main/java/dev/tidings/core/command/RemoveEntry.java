// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;

/// Removes an entry of the directory if it is still just as it was seen: for what is over and that
/// nobody has touched meanwhile.
///
/// @param entry as it was seen
public record RemoveEntry(Entry entry) implements Command<Boolean> {
  private static final long SIZE = 400;

  @Override
  public int slot() {
    return entry.slot();
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

  /// Yields whether it was.
  @Override
  public Step<Boolean> handle(ShardState state) {
    boolean isPresent = state.isPresent(entry);
    if (isPresent) {
      state.remove(entry);
    }
    return Step.done(isPresent);
  }
}
