// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// A change of one user: refused if the name belongs to another by now.
///
/// @param <R> what it yields when done
interface UserCommand<R> extends Command<R> {

  /// The user's name.
  String username();

  /// The user's id.
  String userId();

  @Override
  default int slot() {
    return Slot.of(Slot.Kind.USER, username());
  }

  @Override
  default boolean writes() {
    return true;
  }

  @Override
  default Step<R> handle(ShardState state) {
    Optional<User> existing = state.user(username()).filter(user -> user.id().equals(userId()));
    return existing
        .map(user -> handle(state, user))
        .orElseGet(() ->
            Step.refused(Refusal.Code.USER_MISSING, "User with ID '" + userId() + "' not found"));
  }

  /// Does it to `existing`, which is that user.
  Step<R> handle(ShardState state, User existing);
}
