// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Creates a client.
///
/// @param client its id must be new; id and hash are made by the caller, since hashing takes long
public record CreateClient(Client client) implements Command<Client> {
  private static final long OVERHEAD = 600;

  @Override
  public int slot() {
    return client.slot();
  }

  @Override
  public long size() {
    return OVERHEAD + client.name().length() + client.scopes().text().length();
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<Client> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.CLIENT, client.id());
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    if (state.client(client.id()).isPresent()) {
      return Step.refused(
          Refusal.Code.INTERNAL, "the id " + client.id() + " was given to two clients");
    }
    state.put(client);
    return Step.done(client);
  }
}
