// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateQueue;
import dev.tidings.core.command.DeleteQueue;
import dev.tidings.core.command.PurgeQueue;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Subscription;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Creating, listing, showing, purging and deleting queues.
final class QueueCalls {
  static final long MS_PER_S = 1000;

  private static final String PATH = "/queues/{name}";

  /// The highest bounds that can be set: beyond them there might as well be none.
  private static final long MAX_LENGTH = 1_000_000_000_000L;

  private static final long MAX_TTL_S = 1_000_000_000_000L;

  /// The longest lease, seconds.
  private static final long MAX_ACK_DEADLINE_S = 86_400;

  private final ExchangeApi api;
  private final Directory directory;

  QueueCalls(ExchangeApi api) {
    this.api = api;
    this.directory = api.services().directory();
  }

  void route(Routes routes) {
    routes.add(
        HttpMethod.POST,
        "/queues",
        call -> api.withBody(call, (caller, fields) -> create(call, caller, fields)));
    routes.add(
        HttpMethod.GET, "/queues", call -> api.identified(call, caller -> list(call, caller)));
    routes.add(HttpMethod.GET, PATH, call -> api.identified(call, caller -> show(call, caller)));
    routes.add(
        HttpMethod.DELETE, PATH, call -> api.identified(call, caller -> delete(call, caller)));
    routes.add(
        HttpMethod.POST,
        PATH + "/purge",
        call -> api.identified(call, caller -> purge(call, caller)));
  }

  // ---- creating ----

  private void create(Call call, Principal caller, RequestFields fields) {
    CreateQueue command = read(fields, api.services().settings().policy(), caller.id());
    if (fields.answeredFault(call)) {
      return;
    }
    if (!AccessPolicy.mayCreate(caller, Scope.QUEUES_MANAGE, command.name())) {
      ExchangeApi.denied(call, caller, Scope.QUEUES_MANAGE, command.name());
      return;
    }
    api.submit(call, command, _ -> call.empty(200));
  }

  /// The queue that `fields` ask for.
  ///
  /// @param standard how it delivers again where they do not say
  static CreateQueue read(RequestFields fields, DeliveryPolicy standard, String ownerId) {
    return new CreateQueue(
        fields.newName("name"),
        fields.flag("durable"),
        fields.word("mode", Queue.Mode.values(), Queue.Mode.BROADCAST),
        new Queue.Bounds(
            fields.count("max_length", MAX_LENGTH),
            milliseconds(fields.count("message_ttl", MAX_TTL_S)),
            fields.word("overflow", Queue.Overflow.values(), Queue.Overflow.DROP_OLDEST)),
        policy(fields, standard),
        ownerId);
  }

  private static DeliveryPolicy policy(RequestFields fields, DeliveryPolicy standard) {
    OptionalLong deadline = milliseconds(fields.count("ack_deadline_seconds", MAX_ACK_DEADLINE_S));
    return new DeliveryPolicy(
        (int)
            fields.count("max_delivery_attempts", Integer.MAX_VALUE).orElse(standard.maxAttempts()),
        milliseconds(fields.count("backoff_min_seconds", Integer.MAX_VALUE))
            .orElse(standard.backoffMinMs()),
        milliseconds(fields.count("backoff_max_seconds", Integer.MAX_VALUE))
            .orElse(standard.backoffMaxMs()),
        deadline.isPresent() ? deadline : standard.ackDeadlineMs());
  }

  private static OptionalLong milliseconds(OptionalLong seconds) {
    return seconds.isPresent() ? OptionalLong.of(seconds.getAsLong() * MS_PER_S) : seconds;
  }

  // ---- showing ----

  private void list(Call call, Principal caller) {
    if (ExchangeApi.answeredDenied(call, caller, Scope.QUEUES_MANAGE)) {
      return;
    }
    new Listing<>("queues", after -> visibleAfter(caller, after), Queue::name, ExchangeJson::queue)
        .answer(call, Optional.ofNullable(Listing.query(call).get("after")).orElse(""));
  }

  private Stream<Queue> visibleAfter(Principal caller, String name) {
    return directory.queues().tailMap(name, /* inclusive= */ false).values().stream()
        .filter(queue -> AccessPolicy.mayManage(caller, queue));
  }

  private void show(Call call, Principal caller) {
    api.managedQueue(
        call,
        caller,
        call.pathParameter("name"),
        queue -> {
          // It comes and goes with its queue, if not in the same moment.
          Optional<Subscription> subscription =
              directory
                  .subscription(queue.name())
                  .filter(it -> it.incarnation() == queue.incarnation());
          if (subscription.isEmpty()) {
            ExchangeApi.noQueue(call);
            return;
          }
          api.submit(
              call,
              new CountMessages(subscription.get()),
              counts ->
                  Listing.away(
                      call,
                      () ->
                          ExchangeJson.queue(queue, counts, BindingCalls.count(directory, queue))));
        });
  }

  // ---- emptying and deleting ----

  private void purge(Call call, Principal caller) {
    api.managedQueue(
        call,
        caller,
        call.pathParameter("name"),
        queue ->
            api.submit(
                call,
                new PurgeQueue(queue),
                purged ->
                    call.json(200, new JsonOut(32).raw("{\"purged\":").number(purged).raw("}"))));
  }

  private void delete(Call call, Principal caller) {
    api.managedQueue(
        call,
        caller,
        call.pathParameter("name"),
        queue -> api.submit(call, new DeleteQueue(queue), _ -> call.empty(204)));
  }
}
