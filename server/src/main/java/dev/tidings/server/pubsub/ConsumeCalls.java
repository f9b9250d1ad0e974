// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.ExtendLeases;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.ReleaseMessages;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.subscription.Deliveries.Meant;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/// Taking messages of a subscription and saying what became of them (API of fastpubsub, and
/// waiting, leases, release and extension).
final class ConsumeCalls {
  private static final String PATH = "/subscriptions/{id}";
  private static final int MAX_BATCH = 100;
  private static final int DEFAULT_BATCH = 10;
  private static final long MAX_DELAY_S = 604_800;

  private final PubsubApi api;
  private final Services services;
  // On this event loop.
  private final Set<Consumption> waiting = new LinkedHashSet<>();

  ConsumeCalls(PubsubApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, PATH + "/messages", this::consume);
    routes.add(HttpMethod.POST, PATH + "/acks", this::ack);
    routes.add(HttpMethod.POST, PATH + "/nacks", this::nack);
    routes.add(HttpMethod.POST, PATH + "/release", this::release);
    routes.add(HttpMethod.POST, PATH + "/extend", this::extend);
  }

  /// Answers those who wait because the server stops.
  void goAway() {
    List.copyOf(waiting).forEach(Consumption::goAway);
  }

  /// Looks at those who wait again, whose rights have become fewer.
  void recheck(String principalId) {
    List.copyOf(waiting).forEach(consumption -> consumption.recheck(principalId));
  }

  // ---- taking messages ----

  private void consume(Call call) {
    api.permitted(
        call,
        Scope.SUBSCRIPTIONS_CONSUME,
        Optional.of(call.pathParameter("id")),
        caller -> consume(call, caller, Fields.ofQuery(call.request())));
  }

  private void consume(Call call, Authenticator.Caller caller, Fields query) {
    // Who of several consumers takes a message makes no difference.
    String _ = query.string("consumer_id", 0, Integer.MAX_VALUE);
    int batch = (int) query.integer("batch_size", 1, MAX_BATCH, DEFAULT_BATCH);
    long waitS = query.integer("wait_seconds", 0, services.settings().maxWait().toSeconds(), 0);
    OptionalLong deadlineS =
        query.optionalInteger("ack_deadline_seconds", 1, SubscriptionCalls.MAX_ACK_DEADLINE_S);
    if (PubsubApi.answeredInvalid(call, query)) {
      return;
    }
    OptionalLong deadlineMs =
        deadlineS.isEmpty() ? deadlineS : OptionalLong.of(deadlineS.getAsLong() * 1000);
    api.subscription(
        call,
        caller.principal(),
        AccessPolicy::mayConsume,
        subscription -> {
          String principal = caller.principal().id();
          if (waitS > 0 && !services.waiters().enter(principal)) {
            call.detail(429, services.waiters().refusal());
            return;
          }
          Consumption consumption =
              new Consumption(
                  api,
                  services,
                  call,
                  caller,
                  subscription,
                  new Consumption.Wanted(batch, deadlineMs, waitS * 1000),
                  finished -> {
                    if (waitS > 0) {
                      boolean _ = waiting.remove(finished);
                      services.waiters().leave(principal);
                    }
                  });
          if (waitS > 0) {
            waiting.add(consumption);
          }
          consumption.start();
        });
  }

  // ---- what became of them ----

  private void ack(Call call) {
    named(
        call,
        NamedMessages::fields,
        fields -> {
          NamedMessages named = NamedMessages.read(fields);
          return subscription ->
              api.submit(
                  call,
                  new AckMessages(subscription, named.of(subscription)),
                  _ -> call.empty(204));
        });
  }

  private void nack(Call call) {
    named(
        call,
        NamedMessages::fields,
        fields -> {
          NamedMessages named = NamedMessages.read(fields);
          OptionalLong delayS = fields.optionalInteger("delay_seconds", 0, MAX_DELAY_S);
          OptionalLong delayMs =
              delayS.isEmpty() ? delayS : OptionalLong.of(delayS.getAsLong() * 1000);
          return subscription -> {
            Meant meant = named.of(subscription);
            services.metrics().nacked(meant.sequences().size());
            nack(call, subscription, meant, delayMs);
          };
        });
  }

  /// Those that become dead letters are handled as many at a time as their copies allow.
  private void nack(Call call, Subscription subscription, Meant meant, OptionalLong delayMs) {
    api.submit(
        call,
        new NackMessages(subscription, meant, delayMs),
        rest -> {
          if (rest.isEmpty()) {
            call.empty(204);
          } else {
            nack(call, subscription, new Meant(rest, meant.lease()), delayMs);
          }
        });
  }

  private void release(Call call) {
    named(
        call,
        NamedMessages::fields,
        fields -> {
          NamedMessages named = NamedMessages.read(fields);
          return subscription ->
              api.submit(
                  call,
                  new ReleaseMessages(subscription, named.of(subscription)),
                  _ -> call.empty(204));
        });
  }

  private void extend(Call call) {
    named(
        call,
        Fields::of,
        fields -> {
          NamedMessages named = NamedMessages.readObject(fields);
          long forS =
              fields.requiredInteger(
                  "ack_deadline_seconds", 1, SubscriptionCalls.MAX_ACK_DEADLINE_S);
          return subscription ->
              api.submit(
                  call,
                  new ExtendLeases(subscription, named.of(subscription), forS * 1000),
                  _ -> call.empty(204));
        });
  }

  /// A call about messages of the subscription in the path.
  ///
  /// @param of takes the body's fields
  /// @param read reads and checks them, and returns what is to be done to the subscription
  private void named(
      Call call, Function<JsonValue, Fields> of, Function<Fields, Consumer<Subscription>> read) {
    api.withBody(
        call,
        Scope.SUBSCRIPTIONS_CONSUME,
        Optional.of(call.pathParameter("id")),
        NamedMessages.DEPTH,
        (caller, body) -> {
          Fields fields = of.apply(body);
          Consumer<Subscription> then = read.apply(fields);
          if (!PubsubApi.answeredInvalid(call, fields)) {
            api.subscription(call, caller.principal(), AccessPolicy::mayConsume, then);
          }
        });
  }
}
