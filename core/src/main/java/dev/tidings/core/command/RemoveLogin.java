// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Login;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;

/// Removes a login that is over, unless it has changed since.
///
/// @param login as it was seen
public record RemoveLogin(Login login) implements Command<Login> {
  private static final long SIZE = 400;

  @Override
  public int slot() {
    return login.slot();
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Login> handle(ShardState state) {
    if (state.isPresent(login)) {
      state.remove(login);
    }
    return Step.done(login);
  }
}
