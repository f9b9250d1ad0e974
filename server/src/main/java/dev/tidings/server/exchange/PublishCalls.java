// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.exchange.ExchangePublisher.Routed;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;

/// Publishing to exchanges.
final class PublishCalls {
  private static final String QUEUE_FULL = "Q003";

  private final ExchangeApi api;

  PublishCalls(ExchangeApi api) {
    this.api = api;
  }

  void route(Routes routes) {
    routes.add(
        HttpMethod.POST,
        "/publish",
        RateLimits.Kind.PUBLISH,
        call -> api.withBody(call, (caller, fields) -> publish(call, caller, fields)));
  }

  private void publish(Call call, Principal caller, RequestFields fields) {
    String name = fields.name("exchange_name");
    Payload payload = fields.payload("payload");
    String key = fields.key("key");
    Ordering priority = priority(fields);
    if (!fields.answeredFault(call)) {
      api.exchange(
          call,
          caller,
          Scope.EXCHANGES_PUBLISH,
          name,
          exchange -> AccessPolicy.mayPublish(caller, exchange),
          exchange -> publish(call, exchange, key, payload, priority));
    }
  }

  /// The priority of a message: 0 to 9, 0 if not sent.
  static Ordering priority(RequestFields fields) {
    return Ordering.ofPriority((int) fields.count("priority", 0, Ordering.MAX_PRIORITY).orElse(0));
  }

  private void publish(
      Call call, Exchange exchange, String key, Payload payload, Ordering priority) {
    api.services()
        .publisher()
        .publish(
            exchange,
            key,
            payload,
            priority,
            call.loop(),
            outcome ->
                ExchangeApi.answered(
                    call,
                    outcome,
                    routed -> {
                      api.services().metrics().published(routed);
                      answer(call, routed);
                    }));
  }

  private static void answer(Call call, Routed routed) {
    if (routed.full().isEmpty()) {
      call.empty(200);
      return;
    }
    call.json(
        429,
        new JsonOut(256)
            .raw("{\"code\":\"" + QUEUE_FULL + "\",\"message\":")
            .string(
                "Queue is full: "
                    + String.join(", ", routed.full())
                    + "; all other bound queues have got the message (expected: fewer than"
                    + " max_length messages that are not acked)")
            .raw(",\"queues\":")
            .strings(routed.full())
            .raw("}"));
  }
}
