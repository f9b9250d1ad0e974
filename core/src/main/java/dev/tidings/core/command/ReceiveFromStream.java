// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Received;
import dev.tidings.core.stream.Receiving;

/// Takes messages from the memory of a stream, or waits for one. Yields nothing if the time is up.
/// What it yields has to be [given back][ReturnReceived] if it does not reach the receiver, or
/// [confirmed][ConfirmReceived] where it needs that.
///
/// @param receiving what is wanted; by it the call can be [called off][LeaveStream]
public record ReceiveFromStream(Receiving receiving) implements StreamCommand<Received> {

  @Override
  public String stream() {
    return receiving.stream();
  }

  @Override
  public Step<Received> handle(ShardState state) {
    return state.streams().receive(receiving);
  }
}
