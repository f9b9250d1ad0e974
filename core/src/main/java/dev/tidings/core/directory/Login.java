// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// One login of a user: what its access tokens belong to and its refresh token renews. The relay's
/// API calls it a session.
///
/// @param id a UUID that is never reused
/// @param userId the id of the user
/// @param username the user's name, in whose slot it lies
/// @param issuedAt when the user logged in, milliseconds since 1970
/// @param expiresAt when it can be renewed no longer, milliseconds since 1970
/// @param lastUsedAt when it was last renewed, milliseconds since 1970; empty if it never was
/// @param generation how often it was renewed: a refresh token of an earlier generation has been
///   used before
/// @param hint how the login came about
/// @param revokedAt since when its tokens count no more, milliseconds since 1970; empty while they
///   do
public record Login(
    String id,
    String userId,
    String username,
    long issuedAt,
    long expiresAt,
    Optional<Long> lastUsedAt,
    int generation,
    String hint,
    Optional<Long> revokedAt)
    implements Entry {

  @Override
  public Kind kind() {
    return Kind.LOGIN;
  }

  @Override
  public String key() {
    return id;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.USER, username);
  }

  /// The same login, renewed once more.
  public Login renewed(long now, long newExpiresAt) {
    return new Login(
        id,
        userId,
        username,
        issuedAt,
        newExpiresAt,
        Optional.of(Math.max(now, usedAt())),
        generation + 1,
        hint,
        revokedAt);
  }

  /// The same login, ended.
  public Login revoked(long now) {
    // Never before its youngest access token was issued, also if the clock was set back.
    long since = Math.max(now, usedAt());
    return new Login(
        id,
        userId,
        username,
        issuedAt,
        expiresAt,
        lastUsedAt,
        generation,
        hint,
        Optional.of(since));
  }

  /// When it was last opened or renewed, milliseconds since 1970: when the youngest of its access
  /// tokens was issued.
  public long usedAt() {
    return lastUsedAt.orElse(issuedAt);
  }

  /// Whether its tokens count no more.
  public boolean isRevoked() {
    return revokedAt.isPresent();
  }
}
