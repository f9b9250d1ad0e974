// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.Slot;

/// A secret that the server made for itself and keeps in the store, so that what it signs outlives
/// a restart.
///
/// @param name what it signs; unique among signing keys
/// @param secret random bytes
/// @param createdAt milliseconds since 1970
public record SigningKey(String name, Payload secret, long createdAt) implements Entry {

  @Override
  public Kind kind() {
    return Kind.KEY;
  }

  @Override
  public String key() {
    return name;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.KEY, name);
  }

  @Override
  public String toString() {
    // Secrets stay out of logs.
    return "SigningKey[" + name + "]";
  }
}
