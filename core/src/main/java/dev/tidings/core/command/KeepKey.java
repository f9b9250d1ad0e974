// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Keeps a signing key, unless there is one of that name already. Yields the one there is then.
///
/// @param key to be kept
public record KeepKey(SigningKey key) implements Command<SigningKey> {
  private static final long SIZE = 200;

  @Override
  public int slot() {
    return key.slot();
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return true;
  }

  /// It is needed for the start, after which space can be freed.
  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<SigningKey> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.KEY, key.name());
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    Optional<SigningKey> present = state.signingKey(key.name());
    if (present.isEmpty()) {
      state.put(key);
    }
    return Step.done(present.orElse(key));
  }
}
