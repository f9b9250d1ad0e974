// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Lets go of a stream with everything it holds, in memory and in the store. Senders who wait are
/// refused; receivers wait on for the next stream of that id.
///
/// @param stream its id
public record DeleteStream(String stream) implements StreamCommand<Boolean> {

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    Optional<Step<Boolean>> damaged = damaged(state);
    if (damaged.isPresent()) {
      return damaged.get();
    }
    Optional<DurableStream> entry = state.stream(stream);
    boolean wasInMemory = state.streams().delete(stream);
    if (entry.isEmpty() && !wasInMemory) {
      return Step.refused(Refusal.Code.STREAM_MISSING, "there is no stream '" + stream + "'");
    }
    entry.ifPresent(state::remove);
    return Step.done(true);
  }
}
