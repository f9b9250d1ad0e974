// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Received;

/// Tells the senders who wait to hear of it that their messages have been received.
///
/// @param received what was
public record ConfirmReceived(Received received) implements StreamFollowUp<Boolean> {

  @Override
  public String stream() {
    return received.stream();
  }

  @Override
  public Step<Boolean> handle(ShardState state) {
    state.streams().confirm(received);
    return Step.done(true);
  }
}
