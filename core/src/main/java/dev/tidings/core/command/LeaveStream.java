// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.StreamCall;

/// Calls off a call that waits at a stream, if it still does: its caller is gone. It gets no
/// answer; one that is on its way already is given nevertheless.
///
/// @param call which
public record LeaveStream(StreamCall call) implements StreamFollowUp<Boolean> {

  @Override
  public String stream() {
    return call.stream();
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    return Step.done(state.streams().leave(call));
  }
}
