// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;

/// A program that gets its tokens for an id and a secret, and may do what its scopes say (OAuth 2,
/// client credentials).
///
/// @param id a UUIDv7 that is never reused
/// @param name for people; not unique
/// @param scopes all it may do: owning something gives it no rights
/// @param secretHash an Argon2id hash in PHC format
/// @param active whether it may get tokens and act
/// @param tokenVersion 1 at first, one more at every change: tokens of an earlier version count no
///   more
/// @param createdAt milliseconds since 1970
/// @param updatedAt when it was last changed, milliseconds since 1970
public record Client(
    String id,
    String name,
    Scopes scopes,
    String secretHash,
    boolean active,
    int tokenVersion,
    long createdAt,
    long updatedAt)
    implements Entry, Principal {

  @Override
  public Kind kind() {
    return Kind.CLIENT;
  }

  @Override
  public String key() {
    return id;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.CLIENT, id);
  }

  @Override
  public String displayName() {
    return name;
  }

  /// The same client after a change, which ends its tokens whatever it was.
  public Client changed(String newName, Scopes newScopes, boolean nowActive, long now) {
    return new Client(
        id, newName, newScopes, secretHash, nowActive, tokenVersion + 1, createdAt, now);
  }

  @Override
  public String toString() {
    // Hashes stay out of logs.
    return "Client[" + name + ", " + id + ", " + scopes + "]";
  }
}
