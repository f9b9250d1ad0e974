// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Client;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;

/// A change of one client, which ends its tokens.
///
/// @param <R> what it yields when done
interface ClientCommand<R> extends Command<R> {

  /// The client's id.
  String clientId();

  @Override
  default int slot() {
    return Slot.of(Slot.Kind.CLIENT, clientId());
  }

  @Override
  default boolean writes() {
    return true;
  }

  @Override
  default boolean takesAuthority() {
    return true;
  }

  @Override
  default Step<R> handle(ShardState state) {
    return state
        .client(clientId())
        .map(client -> handle(state, client))
        .orElseGet(() -> Step.refused(Refusal.Code.CLIENT_MISSING, "Client not found"));
  }

  /// Does it to `existing`, which is that client.
  Step<R> handle(ShardState state, Client existing);
}
