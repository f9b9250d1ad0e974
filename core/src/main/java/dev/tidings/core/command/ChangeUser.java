// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;
import java.util.Set;

/// Changes a user; what is empty stays. A new password ends all logins, and all tokens, also those
/// of logins that are forgotten.
///
/// @param username the user's name
/// @param userId the user's id
/// @param change what is to change
public record ChangeUser(String username, String userId, Change change)
    implements UserCommand<User> {
  private static final long SIZE = 800;

  /// What is to change of a user.
  ///
  /// @param email the new address, which may be none
  /// @param passwordHash an Argon2id hash in PHC format
  /// @param permissions all that it is to have
  /// @param active whether it may log in and act
  public record Change(
      Optional<Optional<String>> email,
      Optional<String> passwordHash,
      Optional<Set<Permission>> permissions,
      Optional<Boolean> active) {

    @Override
    public String toString() {
      // Hashes stay out of logs.
      return "Change[email " + email + ", permissions " + permissions + ", active " + active + "]";
    }
  }

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
    User changed =
        new User(
            existing.id(),
            existing.username(),
            change.email().orElse(existing.email()),
            change.passwordHash().orElse(existing.passwordHash()),
            change.permissions().orElse(existing.permissions()),
            change.active().orElse(existing.active()),
            existing.createdAt(),
            existing.tokenVersion() + (change.passwordHash().isPresent() ? 1 : 0));
    if (change.passwordHash().isPresent()) {
      long now = state.time().wallMs();
      for (Login login : state.loginsOf(existing)) {
        if (!login.isRevoked()) {
          state.put(login.revoked(now));
        }
      }
    }
    if (!changed.equals(existing)) {
      state.put(changed);
    }
    return Step.done(changed);
  }
}
