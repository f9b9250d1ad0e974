// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Creates a user.
///
/// @param user its username must be free; its id and hash are made by the caller, since hashing
///   takes long
public record CreateUser(User user) implements Command<User> {
  private static final long OVERHEAD = 600;

  @Override
  public int slot() {
    return user.slot();
  }

  @Override
  public long size() {
    return OVERHEAD;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<User> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.USER, user.username());
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    if (state.user(user.username()).isPresent()) {
      return Step.refused(
          Refusal.Code.USER_EXISTS, "Username '" + user.username() + "' already exists");
    }
    state.put(user);
    return Step.done(user);
  }
}
