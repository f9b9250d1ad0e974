// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import java.util.Optional;

/// Creates an exchange.
///
/// @param name must be free
/// @param type how it routes
/// @param ownerId the id of the user or client who will own it
public record CreateExchange(String name, Exchange.Type type, String ownerId)
    implements Command<Exchange> {
  private static final long SIZE = 400;

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.EXCHANGE, name);
  }

  @Override
  public long size() {
    return SIZE;
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public Step<Exchange> handle(ShardState state) {
    Optional<String> damage = state.damage(Entry.Kind.EXCHANGE, name);
    if (damage.isPresent()) {
      return Step.refused(Refusal.Code.DAMAGED, damage.get());
    }
    Optional<Exchange> existing = state.exchange(name);
    if (existing.isPresent()) {
      return Step.refused(Refusal.Code.EXCHANGE_EXISTS, "Exchange already exists");
    }
    Optional<String> noRoom = state.noRoomForExchange();
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    return state
        .createExchange(name, type, ownerId)
        .map(Step::done)
        .orElseGet(() ->
            Step.refused(
                Refusal.Code.EXHAUSTED, "all 2^26 numbers are used; no exchange can be created"));
  }
}
