// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// A person or program that logs in with a password.
///
/// @param id a UUID that is never reused
/// @param username unique among users
/// @param email as given, not verified
/// @param passwordHash an Argon2id hash in PHC format
/// @param permissions what it may do
/// @param active whether it may log in and act
/// @param createdAt milliseconds since 1970
/// @param tokenVersion how often all of its tokens have been ended: those of an earlier version
///   count no more
public record User(
    String id,
    String username,
    Optional<String> email,
    String passwordHash,
    Set<Permission> permissions,
    boolean active,
    long createdAt,
    int tokenVersion)
    implements Entry, Principal {

  public User {
    permissions =
        permissions.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(permissions));
  }

  /// A user whose tokens have never been ended together.
  public User(
      String id,
      String username,
      Optional<String> email,
      String passwordHash,
      Set<Permission> permissions,
      boolean active,
      long createdAt) {
    this(id, username, email, passwordHash, permissions, active, createdAt, 0);
  }

  @Override
  public Kind kind() {
    return Kind.USER;
  }

  @Override
  public String key() {
    return username;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.USER, username);
  }

  @Override
  public String displayName() {
    return username;
  }

  /// Whether `earlier`, the same user before a change, could do something that this may not.
  public boolean narrows(User earlier) {
    return (earlier.active && !active)
        || !permissions.containsAll(earlier.permissions)
        || tokenVersion > earlier.tokenVersion;
  }

  /// Whether it has `permission`, which `ADMIN` implies.
  public boolean has(Permission permission) {
    return permissions.contains(permission) || permissions.contains(Permission.ADMIN);
  }

  @Override
  public String toString() {
    // Hashes stay out of logs.
    return "User[" + username + ", " + id + ", " + permissions + "]";
  }
}
