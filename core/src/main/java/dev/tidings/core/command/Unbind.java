// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Ends the binding of a queue to an exchange.
///
/// @param queue the one the caller was authorised for
/// @param exchange the one the caller was authorised for
/// @param routingKey the key or pattern it is bound with
public record Unbind(Queue queue, Exchange exchange, String routingKey)
    implements QueueCommand<Binding> {
  private static final long OVERHEAD = 500;

  @Override
  public long size() {
    return OVERHEAD + 2L * routingKey.length();
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Binding> handle(ShardState state, Queue existing) {
    Optional<Binding> present =
        state.binding(Binding.keyOf(exchange.number(), existing.incarnation(), routingKey));
    if (present.isEmpty()) {
      return Step.refused(
          Refusal.Code.BINDING_MISSING,
          "queue '"
              + existing.name()
              + "' is not bound to exchange '"
              + exchange.name()
              + "' with the key '"
              + routingKey
              + "'");
    }
    state.remove(present.get());
    return Step.done(present.get());
  }
}
