// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.runtime.ShardState;

/// Changes a client and ends its tokens, also if nothing is different.
///
/// @param clientId the client's id
/// @param name for people
/// @param scopes all it may do
/// @param active whether it may get tokens and act
public record ChangeClient(String clientId, String name, Scopes scopes, boolean active)
    implements ClientCommand<Client> {
  private static final long OVERHEAD = 600;

  @Override
  public long size() {
    return OVERHEAD + name.length() + scopes.text().length();
  }

  @Override
  public Step<Client> handle(ShardState state, Client existing) {
    Client changed = existing.changed(name, scopes, active, state.time().wallMs());
    state.put(changed);
    return Step.done(changed);
  }
}
