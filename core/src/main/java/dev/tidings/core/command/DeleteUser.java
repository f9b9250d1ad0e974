// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.ShardState;

/// Deletes a user with all logins. Topics it owned stay, and only administrators may change them.
///
/// @param username the user's name
/// @param userId the user's id
public record DeleteUser(String username, String userId) implements UserCommand<User> {
  private static final long SIZE = 400;

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean takesAuthority() {
    return true;
  }

  @Override
  public Step<User> handle(ShardState state, User existing) {
    for (Login login : state.loginsOf(existing)) {
      state.remove(login);
    }
    state.remove(existing);
    return Step.done(existing);
  }
}
