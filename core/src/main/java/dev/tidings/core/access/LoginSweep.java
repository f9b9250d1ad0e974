// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.access;

import dev.tidings.core.command.RemoveEntry;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Login;
import dev.tidings.core.runtime.Round;
import dev.tidings.core.runtime.TimeSource;
import java.time.Duration;

/// Removes logins that are over: those that can be renewed no longer, and revoked ones once all of
/// their access tokens have ended by themselves.
///
/// One thread that may block calls it, some logins at a time.
public final class LoginSweep {
  private final Directory directory;
  private final TimeSource time;
  private final long accessLifetimeMs;
  private final Remover remover;
  private final Round<Login> round;

  /// Hands a command to the shard that owns its login.
  public interface Remover {
    /// Removes a login and calls `answered`, from any thread, when the command has its answer. What
    /// that is, also a refusal, needs no attention, since a later sweep looks again.
    void remove(RemoveEntry command, Runnable answered);
  }

  /// A sweep of the logins in `directory`, whose access tokens live for at most `accessLifetime`.
  public LoginSweep(
      Directory directory, TimeSource time, Duration accessLifetime, Remover remover) {
    this.directory = directory;
    this.time = time;
    this.accessLifetimeMs = accessLifetime.toMillis();
    this.remover = remover;
    this.round = new Round<>(directory::loginAfter);
  }

  /// Looks at the next `maxLogins` logins in the order of their ids, going on where the last sweep
  /// ended and at most once round. An interrupt ends the sweep.
  public void sweep(int maxLogins) {
    long now = time.wallMs();
    // It reads nothing from the store, so nobody is passed over.
    Round.Went _ =
        round.on(
            Math.min(maxLogins, directory.logins().size()),
            login -> {
              if (isOver(login, now)) {
                round.submit(answered -> remover.remove(new RemoveEntry(login), answered));
              }
            });
  }

  private boolean isOver(Login login, long now) {
    return login
        .revokedAt()
        .map(revokedAt -> revokedAt + accessLifetimeMs <= now)
        .orElse(login.expiresAt() <= now);
  }
}
