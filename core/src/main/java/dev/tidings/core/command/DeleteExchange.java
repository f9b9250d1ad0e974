// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Exchange;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Deletes an exchange. Its bindings count no more at once; they are removed later.
///
/// @param exchange the one the caller was authorised for
public record DeleteExchange(Exchange exchange) implements Command<Exchange> {
  private static final long SIZE = 300;

  @Override
  public int slot() {
    return exchange.slot();
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
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Exchange> handle(ShardState state) {
    Optional<Exchange> existing =
        state.exchange(exchange.name()).filter(it -> it.number() == exchange.number());
    if (existing.isEmpty()) {
      return Step.refused(Refusal.Code.EXCHANGE_MISSING, "Exchange doesn't exist");
    }
    state.remove(existing.get());
    return Step.done(existing.get());
  }
}
