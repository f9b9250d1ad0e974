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
import dev.tidings.server.wire.Call;
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

  private void list(Call call) {
    permitted(
        call,
        then ->
            PubsubApi.Page.of(call)
                .ifPresent(page ->
                    then.accept(subscription ->
                        api.submit(
                            call,
                            new ListDeadLetters(
                                subscription, new Which.Page(page.offset(), page.limit())),
                            found ->
                                call.json(
                                    200,
                                    PubsubJson.data(
                                        found, it -> write(call, subscription, it)))))));
  }

  private void get(Call call) {
    permitted(
        call,
        then ->
            then.accept(subscription -> {
              OptionalLong sequence =
                  NamedMessages.sequence(call.pathParameter("message_id"), subscription);
              if (sequence.isEmpty()) {
                missing(call);
                return;
              }
              api.submit(
                  call,
                  new ListDeadLetters(subscription, new Which.One(sequence.getAsLong())),
                  found -> {
                    if (found.isEmpty()) {
                      missing(call);
                    } else {
                      call.json(200, write(call, subscription, found.getFirst()));
                    }
                  });
            }));
  }

  private static void missing(Call call) {
    call.detail(404, "Message not found");
  }

  private static JsonOut write(Call call, Subscription subscription, Delivered delivered) {
    return PubsubJson.message(subscription, delivered, call.loop().timestamps());
  }

  private void purgeAll(Call call) {
    permitted(
        call,
        then ->
            then.accept(subscription ->
                api.submit(
                    call,
                    new PurgeDeadLetters(subscription, Optional.empty()),
                    _ -> call.empty(204))));
  }

  private void reprocess(Call call) {
    named(call, ReprocessDeadLetters::new);
  }

  private void purge(Call call) {
    named(
        call,
        (subscription, sequences) -> new PurgeDeadLetters(subscription, Optional.of(sequences)));
  }

  /// A call without a body.
  ///
  /// @param asked checks its parameters and hands on what is to be done to the subscription
  private void permitted(Call call, Consumer<Consumer<Consumer<Subscription>>> asked) {
    api.permitted(
        call,
        Scope.SUBSCRIPTIONS_CONSUME,
        Optional.of(call.pathParameter("id")),
        caller ->
            asked.accept(then ->
                api.subscription(call, caller.principal(), AccessPolicy::mayConsume, then)));
  }

  /// A call that names dead letters and is answered with 204.
  private void named(Call call, BiFunction<Subscription, List<Long>, Command<Boolean>> command) {
    api.withBody(
        call,
        Scope.SUBSCRIPTIONS_CONSUME,
        Optional.of(call.pathParameter("id")),
        1,
        (caller, body) -> {
          Fields fields = Fields.ofList(body);
          NamedMessages named = NamedMessages.ofArray(fields);
          if (!PubsubApi.answeredInvalid(call, fields)) {
            api.subscription(
                call,
                caller.principal(),
                AccessPolicy::mayConsume,
                subscription ->
                    api.submit(
                        call,
                        command.apply(subscription, named.sequencesIn(subscription)),
                        _ -> call.empty(204)));
          }
        });
  }
}
