// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.WaitingSend;
import java.util.Optional;

/// Stores a message that has waited for room in its stream, and has got it. The shard hands it in
/// itself.
///
/// @param send what has waited
public record StoreSending(WaitingSend send) implements StreamFollowUp<Boolean> {

  @Override
  public String stream() {
    return send.sending().stream();
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    if (!state.streams().isWanted(send)) {
      return Step.refused(Refusal.Code.STREAM_DELETED, "stream '" + stream() + "' was deleted");
    }
    Optional<Load> missing = missing(state);
    if (missing.isPresent()) {
      return new Step.Needs<>(missing.get());
    }
    return state.streams().store(send);
  }
}
