// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Collection;
import java.util.Optional;
import java.util.OptionalInt;

/// Revokes a login: it cannot be renewed any more and its access tokens count no more. One that was
/// revoked before stays as it is; one that was forgotten comes back as revoked, since its access
/// tokens may live on.
///
/// @param login as the caller knows it
/// @param generation if given, a login of another generation stays as it is
public record RevokeLogin(Login login, OptionalInt generation) implements UserCommand<Login> {

  /// How many revoked logins of one user there may be when a further login is opened. They have to
  /// be remembered as long as their access tokens live.
  public static final int MAX_REVOKED = 10_000;

  private static final long SIZE = 600;

  @Override
  public String username() {
    return login.username();
  }

  @Override
  public String userId() {
    return login.userId();
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
  public Step<Login> handle(ShardState state, User existing) {
    Optional<Login> known = state.login(login.id());
    if (known.isEmpty()) {
      Optional<String> noRoom = noRoomForRevoked(existing, state.loginsOf(existing));
      if (noRoom.isPresent()) {
        return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
      }
    }
    Login now = known.orElse(login);
    if (now.isRevoked() || (generation.isPresent() && generation.getAsInt() != now.generation())) {
      return Step.done(now);
    }
    Login revoked = now.revoked(state.time().wallMs());
    state.put(revoked);
    return Step.done(revoked);
  }

  /// Why no further login of `user`, who has `logins`, may be opened or remembered as revoked, if
  /// so.
  static Optional<String> noRoomForRevoked(User user, Collection<Login> logins) {
    long revoked = logins.stream().filter(Login::isRevoked).count();
    return revoked < MAX_REVOKED
        ? Optional.empty()
        : Optional.of(
            revoked
                + " logins of user '"
                + user.username()
                + "' have been ended lately (limit: "
                + MAX_REVOKED
                + " within the lifetime of an access token); renew a login instead of ending it,"
                + " or wait");
  }
}
