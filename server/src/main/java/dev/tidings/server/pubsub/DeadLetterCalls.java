// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.ListDeadLetters;
import dev.tidings.core.command.ListDeadLetters.Which;
import dev.tidings.core.command.PurgeDeadLetters;
import dev.tidings.core.command.ReprocessDeadLetters;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/// Listing, showing, reprocessing and dropping dead letters (API of fastpubsub, and the latter).
final class DeadLetterCalls {
  private static final String PATH = "/subscriptions/{id}/dlq";

  private final PubsubApi api;

  DeadLetterCalls(PubsubApi api, Services services) {
    this.api = api;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, PATH, this::list);
    routes.add(HttpMethod.DELETE, PATH, this::purgeAll);
    routes.add(HttpMethod.POST, PATH + "/reprocess", this::reprocess);
    routes.add(HttpMethod.POST, PATH + "/purge", this::purge);
    routes.add(HttpMethod.GET, PATH + "/{message_id}", this::get);
  }

  private void list(Exchange exchange) {
    permitted(
        exchange,
        then ->
            PubsubApi.Page.of(exchange)
                .ifPresent(page ->
                    then.accept(subscription ->
                        api.submit(
                            exchange,
                            new ListDeadLetters(
                                subscription, new Which.Page(page.offset(), page.limit())),
                            found ->
                                exchange.json(
                                    200,
                                    PubsubJson.data(
                                        found, it -> write(exchange, subscription, it)))))));
  }

  private void get(Exchange exchange) {
    permitted(
        exchange,
        then ->
            then.accept(subscription -> {
              OptionalLong sequence =
                  NamedMessages.sequence(exchange.pathParameter("message_id"), subscription);
              if (sequence.isEmpty()) {
                missing(exchange);
                return;
              }
              api.submit(
                  exchange,
                  new ListDeadLetters(subscription, new Which.One(sequence.getAsLong())),
                  found -> {
                    if (found.isEmpty()) {
                      missing(exchange);
                    } else {
                      exchange.json(200, write(exchange, subscription, found.getFirst()));
                    }
                  });
            }));
  }

  private static void missing(Exchange exchange) {
    exchange.detail(404, "Message not found");
  }

  private static JsonOut write(Exchange exchange, Subscription subscription, Delivered delivered) {
    return PubsubJson.message(subscription, delivered, exchange.loop().timestamps());
  }

  private void purgeAll(Exchange exchange) {
    permitted(
        exchange,
        then ->
            then.accept(subscription ->
                api.submit(
                    exchange,
                    new PurgeDeadLetters(subscription, Optional.empty()),
                    _ -> exchange.empty(204))));
  }

  private void reprocess(Exchange exchange) {
    named(exchange, ReprocessDeadLetters::new);
  }

  private void purge(Exchange exchange) {
    named(
        exchange,
        (subscription, sequences) -> new PurgeDeadLetters(subscription, Optional.of(sequences)));
  }

  /// A call without a body.
  ///
  /// @param call checks its parameters and hands on what is to be done to the subscription
  private void permitted(Exchange exchange, Consumer<Consumer<Consumer<Subscription>>> call) {
    api.permitted(
        exchange,
        Scope.SUBSCRIPTIONS_CONSUME,
        Optional.of(exchange.pathParameter("id")),
        caller ->
            call.accept(then ->
                api.subscription(exchange, caller.principal(), AccessPolicy::mayConsume, then)));
  }

  /// A call that names dead letters and is answered with 204.
  private void named(
      Exchange exchange, BiFunction<Subscription, List<Long>, Command<Boolean>> command) {
    api.withBody(
        exchange,
        Scope.SUBSCRIPTIONS_CONSUME,
        Optional.of(exchange.pathParameter("id")),
        1,
        (caller, body) -> {
          Fields fields = Fields.ofList(body);
          NamedMessages named = NamedMessages.ofArray(fields);
          if (!PubsubApi.answeredInvalid(exchange, fields)) {
            api.subscription(
                exchange,
                caller.principal(),
                AccessPolicy::mayConsume,
                subscription ->
                    api.submit(
                        exchange,
                        command.apply(subscription, named.sequencesIn(subscription)),
                        _ -> exchange.empty(204)));
          }
        });
  }
}
