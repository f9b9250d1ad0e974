// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Client;
import dev.tidings.core.runtime.ShardState;

/// Deletes a client. What it created stays, and belongs to administrators.
///
/// @param clientId the client's id
public record DeleteClient(String clientId) implements ClientCommand<Client> {
  private static final long SIZE = 400;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public Step<Client> handle(ShardState state, Client existing) {
    state.remove(existing);
    return Step.done(existing);
  }
}
