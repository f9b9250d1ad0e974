// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// Opens a login of a user whose password was checked. At the bound the least recently used login
/// is forgotten: it cannot be renewed any more, and its access tokens end by themselves.
///
/// @param user as it was when its password was checked: with another password, or barred since, it
///   gets no login
/// @param id the login's, a UUID that was never used
/// @param hint how the login comes about
/// @param lifetimeMs for how long it can be renewed, in milliseconds
/// @param maxLogins how many the user may have that are not revoked, 1 or more
public record OpenLogin(User user, String id, String hint, long lifetimeMs, int maxLogins)
    implements UserCommand<Login> {
  private static final long OVERHEAD = 600;

  private static final Comparator<Login> LEAST_RECENTLY_USED_FIRST =
      Comparator.comparingLong(Login::usedAt).thenComparing(Login::id);

  @Override
  public String username() {
    return user.username();
  }

  @Override
  public String userId() {
    return user.id();
  }

  @Override
  public long size() {
    return OVERHEAD + hint.length();
  }

  @Override
  public Step<Login> handle(ShardState state, User existing) {
    if (!existing.active() || !existing.passwordHash().equals(user.passwordHash())) {
      return Step.refused(
          Refusal.Code.STALE_AUTHORITY,
          "user '" + user.username() + "' has changed meanwhile; try again");
    }
    List<Login> logins = state.loginsOf(existing);
    Optional<String> noRoom = RevokeLogin.noRoomForRevoked(existing, logins);
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    List<Login> usable =
        logins.stream()
            .filter(login -> !login.isRevoked())
            .sorted(LEAST_RECENTLY_USED_FIRST)
            .toList();
    int over = usable.size() + 1 - maxLogins;
    for (Login forgotten : usable.subList(0, Math.max(0, over))) {
      state.remove(forgotten);
    }
    long now = state.time().wallMs();
    Login login =
        new Login(
            id,
            existing.id(),
            existing.username(),
            now,
            now + lifetimeMs,
            Optional.empty(),
            0,
            hint,
            Optional.empty());
    state.put(login);
    return Step.done(login);
  }
}
