// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Received;

/// Gives back to a stream what did not reach its receiver: as if it had not been taken.
///
/// @param received what was not
public record ReturnReceived(Received received) implements StreamFollowUp<Boolean> {

  @Override
  public String stream() {
    return received.stream();
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    state.streams().giveBack(received);
    return Step.done(true);
  }
}
