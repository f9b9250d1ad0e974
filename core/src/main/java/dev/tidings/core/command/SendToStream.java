// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Sending;
import java.util.Optional;

/// Sends a message to a stream, which is made if it is not there. Yields whether the stream took it
/// before the time was up.
///
/// @param sending what is sent; by it the call can be [called off][LeaveStream]
public record SendToStream(Sending sending) implements StreamCommand<Boolean> {

  @Override
  public String stream() {
    return sending.stream();
  }

  @Override
  public long size() {
    return SIZE + sending.payload().size();
  }

  @Override
  public boolean writes() {
    return sending.isDurable();
  }

  @Override
  public boolean takesEffectWhenDurable() {
    return sending.isDurable();
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    if (sending.isCalledOff()) {
      return Step.done(false);
    }
    if (sending.isDurable()) {
      Optional<Step<Boolean>> damaged = damaged(state);
      if (damaged.isPresent()) {
        return damaged.get();
      }
      Optional<Load> missing = missing(state);
      if (missing.isPresent()) {
        return new Step.Needs<>(missing.get());
      }
      Optional<String> noRoom =
          state.stream(stream()).isPresent() ? Optional.empty() : state.noRoomForDurableStream();
      if (noRoom.isPresent()) {
        return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
      }
    }
    return state.streams().send(sending);
  }
}
