// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Binds a queue to an exchange; nothing happens if it is bound so already.
///
/// The exchange lies in another slot, so it may be deleted at the same time: the binding then names
/// an exchange that is gone, counts for nothing and is removed with the others.
///
/// @param queue the one the caller was authorised for
/// @param exchange the one the caller was authorised for
/// @param routingKey the key, or, for a topic exchange, the pattern it has to match
public record Bind(Queue queue, Exchange exchange, String routingKey)
    implements QueueCommand<Binding> {
  private static final long OVERHEAD = 500;

  @Override
  public long size() {
    return OVERHEAD + 2L * routingKey.length();
  }

  @Override
  public Step<Binding> handle(ShardState state, Queue existing) {
    if (!state.isShown(exchange)) {
      return Step.refused(Refusal.Code.EXCHANGE_MISSING, "Exchange doesn't exist");
    }
    Binding binding = Binding.of(exchange, existing, routingKey, state.time().wallMs());
    Optional<Binding> present = state.binding(binding.key());
    if (present.isPresent()) {
      return Step.done(present.get());
    }
    Optional<String> noRoom = state.noRoomForBinding();
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    state.put(binding);
    return Step.done(binding);
  }
}
