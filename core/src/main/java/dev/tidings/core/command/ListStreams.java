// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Streams;
import java.util.List;

/// Lists streams of one shard that are in memory, in the order of their ids.
///
/// @param slot one of the shard's slots
/// @param prefix what their ids begin with
/// @param after ids that come after this; empty for all
/// @param max so many at most
public record ListStreams(int slot, String prefix, String after, int max)
    implements Command<List<Streams.Info>> {

  @Override
  public long size() {
    return 100L * max;
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
  public Step<List<Streams.Info>> handle(ShardState state) {
    return Step.done(state.streams().list(prefix, after, max));
  }
}
