// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Renews a login, once for each generation: of two that ask with the same one the first wins, and
/// the second has copied its token or had it copied, so the login ends.
///
/// @param username the user's name
/// @param userId the user's id
/// @param id the login's
/// @param generation that of the refresh token
/// @param lifetimeMs for how long it can be renewed again, in milliseconds
public record RenewLogin(String username, String userId, String id, int generation, long lifetimeMs)
    implements UserCommand<RenewLogin.Result> {
  private static final long SIZE = 600;

  /// What asking to renew came to.
  public sealed interface Result {

    /// The login was renewed.
    ///
    /// @param user whose it is, as stored
    /// @param login with its new generation
    record Renewed(User user, Login login) implements Result {}

    /// The generation was used before; the login is revoked now.
    ///
    /// @param login as it was
    record Replayed(Login login) implements Result {}

    /// The user may not act; the login is revoked now.
    record Barred() implements Result {}

    /// There is no such login any more: it has expired, was revoked or forgotten.
    record Over() implements Result {}
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public Step<Result> handle(ShardState state, User existing) {
    long now = state.time().wallMs();
    Optional<Login> usable =
        state.login(id).filter(login -> login.userId().equals(existing.id()) && !login.isRevoked());
    if (usable.isEmpty()) {
      return Step.done(new Result.Over());
    }
    Login login = usable.get();
    if (generation < login.generation()) {
      state.put(login.revoked(now));
      return Step.done(new Result.Replayed(login));
    }
    if (login.expiresAt() <= now || generation > login.generation()) {
      // A later generation than is known was lost, with what a restored or unsynced store lost.
      return Step.done(new Result.Over());
    }
    if (!existing.active()) {
      state.put(login.revoked(now));
      return Step.done(new Result.Barred());
    }
    Login renewed = login.renewed(now, now + lifetimeMs);
    state.put(renewed);
    return Step.done(new Result.Renewed(existing, renewed));
  }
}
