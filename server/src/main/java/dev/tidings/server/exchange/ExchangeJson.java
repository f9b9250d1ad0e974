// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.OptionalLong;

/// Exchanges, queues and bindings as JSON.
final class ExchangeJson {
  private static final int SIZE = 256;

  private ExchangeJson() {}

  static JsonOut exchange(Exchange exchange) {
    return fields(exchange).raw("}");
  }

  /// @param bindings how many it has
  static JsonOut exchange(Exchange exchange, int bindings) {
    return fields(exchange).raw(",\"bindings\":").number(bindings).raw("}");
  }

  private static JsonOut fields(Exchange exchange) {
    JsonOut out =
        new JsonOut(SIZE)
            .raw("{\"name\":")
            .string(exchange.name())
            .raw(",\"type\":")
            .string(RequestFields.spelt(exchange.type()));
    return made(out, exchange.ownerId(), exchange.createdAt());
  }

  static JsonOut queue(Queue queue) {
    return fields(queue).raw("}");
  }

  /// @param bindings how many it has
  static JsonOut queue(Queue queue, Counts counts, long bindings) {
    return fields(queue)
        .raw(",\"messages\":")
        .number(counts.available())
        .raw(",\"delivered\":")
        .number(counts.delivered())
        .raw(",\"dead_letters\":")
        .number(counts.dead())
        .raw(",\"bindings\":")
        .number(bindings)
        .raw("}");
  }

  private static JsonOut fields(Queue queue) {
    Queue.Bounds bounds = queue.bounds();
    JsonOut out =
        new JsonOut(SIZE)
            .raw("{\"name\":")
            .string(queue.name())
            .raw(",\"durable\":")
            .bool(queue.durable())
            .raw(",\"mode\":")
            .string(RequestFields.spelt(queue.mode()));
    number(out.raw(",\"max_length\":"), bounds.maxLength(), 1);
    number(out.raw(",\"message_ttl\":"), bounds.messageTtlMs(), QueueCalls.MS_PER_S);
    out.raw(",\"overflow\":").string(RequestFields.spelt(bounds.overflow()));
    return made(out, queue.ownerId(), queue.createdAt());
  }

  private static void number(JsonOut out, OptionalLong value, long unit) {
    if (value.isPresent()) {
      out.number(value.getAsLong() / unit);
    } else {
      out.nothing();
    }
  }

  private static JsonOut made(JsonOut out, String ownerId, long createdAt) {
    return out.raw(",\"owner\":")
        .string(ownerId)
        .raw(",\"created_at\":\"")
        .raw(Timestamps.utc(createdAt))
        .raw("\"");
  }

  static JsonOut binding(Binding binding) {
    return new JsonOut(SIZE)
        .raw("{\"exchange_name\":")
        .string(binding.exchange())
        .raw(",\"queue_name\":")
        .string(binding.queue())
        .raw(",\"key\":")
        .string(binding.routingKey())
        .raw("}");
  }
}
