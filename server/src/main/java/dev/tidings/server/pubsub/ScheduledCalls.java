// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.CancelScheduled;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// Listing and cancelling the messages of a topic that wait until they are due.
final class ScheduledCalls {
  private static final String PATH = "/topics/{id}/scheduled";
  private static final int MAX_LISTED = 100;
  private static final int DEFAULT_LISTED = 10;
  private static final int MAX_OFFSET = 10_000;
  private static final int MAX_IDS = 10_000;

  private final PubsubApi api;
  private final Services services;

  ScheduledCalls(PubsubApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, PATH, this::list);
    routes.add(HttpMethod.DELETE, PATH, this::cancelSome);
    routes.add(HttpMethod.DELETE, PATH + "/{scheduled_id}", this::cancelOne);
  }

  // ---- listing ----

  /// What the query of a list asks for.
  ///
  /// @param from the lowest id
  /// @param offset how many from there on are left out
  /// @param limit how many to show at most
  record Asked(ScheduledId from, int offset, int limit) {
    static Asked read(Fields query) {
      int limit = (int) query.integer("limit", 1, MAX_LISTED, DEFAULT_LISTED);
      long offset = query.integer("offset", 0, Long.MAX_VALUE, 0);
      if (offset > MAX_OFFSET) {
        query.invalid(
            "offset",
            "at most "
                + MAX_OFFSET
                + " can be left out; go on behind a message with after=<its id> instead");
      }
      Optional<String> text = query.optionalString("after", 0, Integer.MAX_VALUE);
      Optional<ScheduledId> after = text.flatMap(ScheduledId::parse);
      if (text.isPresent() && after.isEmpty()) {
        query.invalid("after", "not the id of a scheduled message (expected: one from this list)");
      }
      return new Asked(
          after.map(ScheduledId::next).orElse(ScheduledId.FIRST),
          (int) Math.min(offset, MAX_OFFSET),
          limit);
    }
  }

  private void list(Call call) {
    mayRead(
        call,
        caller -> {
          Fields query = Fields.ofQuery(call.request());
          Asked asked = Asked.read(query);
          if (!PubsubApi.answeredInvalid(call, query)) {
            readable(call, caller, topic -> list(call, topic, asked));
          }
        });
  }

  private void readable(Call call, Authenticator.Caller caller, Consumer<Topic> then) {
    api.topic(
        call,
        call.pathParameter("id"),
        topic -> AccessPolicy.mayRead(caller.principal(), Optional.of(topic)),
        then);
  }

  private void list(Call call, Topic topic, Asked asked) {
    services
        .node()
        .history()
        .scheduled(
            topic.incarnation(),
            asked.from(),
            asked.offset(),
            asked.limit(),
            call.loop(),
            outcome ->
                call.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<List<ScheduledMessage>>(List<ScheduledMessage> found) ->
                        answer(call, topic, found);
                    case Outcome.Refused<List<ScheduledMessage>>(Refusal refusal) ->
                        PubsubApi.refused(call, refusal);
                  }
                }));
  }

  /// Asks once more who may read: what was revoked or deleted while the store was read must not be
  /// shown afterwards.
  private void answer(Call call, Topic topic, List<ScheduledMessage> found) {
    mayRead(
        call,
        caller ->
            readable(
                call,
                caller,
                present ->
                    call.json(
                        200,
                        PubsubJson.data(
                            present.incarnation() == topic.incarnation() ? found : List.of(),
                            it -> PubsubJson.scheduled(it, call.loop().timestamps())))));
  }

  /// As for messages that are in the topic already: a scope that is about one subscription is not
  /// enough.
  private void mayRead(Call call, Consumer<Authenticator.Caller> then) {
    api.permitted(call, Scope.SUBSCRIPTIONS_CONSUME, Optional.empty(), then);
  }

  // ---- cancelling ----

  private void mayCancel(Call call, Consumer<Topic> then) {
    api.permitted(
        call,
        Scope.TOPICS_PUBLISH,
        Optional.of(call.pathParameter("id")),
        caller -> cancellable(call, caller, then));
  }

  private void cancelOne(Call call) {
    mayCancel(
        call,
        topic -> {
          Optional<ScheduledId> id = ScheduledId.parse(call.pathParameter("scheduled_id"));
          if (id.isEmpty()) {
            missing(call);
            return;
          }
          api.submit(
              call,
              new CancelScheduled(topic.name(), topic.incarnation(), List.of(id.get())),
              cancelled -> {
                if (cancelled == 0) {
                  missing(call);
                } else {
                  call.empty(204);
                }
              });
        });
  }

  private static void missing(Call call) {
    call.detail(
        404, "Scheduled message not found: it was delivered or cancelled, or there never was one");
  }

  private void cancelSome(Call call) {
    api.withBody(
        call,
        Scope.TOPICS_PUBLISH,
        Optional.of(call.pathParameter("id")),
        1,
        (caller, body) -> {
          Fields fields = Fields.ofList(body);
          List<ScheduledId> ids = scheduled(fields.uuids(MAX_IDS));
          if (!PubsubApi.answeredInvalid(call, fields)) {
            cancellable(call, caller, topic -> cancel(call, topic, ids));
          }
        });
  }

  /// Those that may be of scheduled messages.
  private static List<ScheduledId> scheduled(List<UUID> uuids) {
    List<ScheduledId> ids = new ArrayList<>(uuids.size());
    uuids.forEach(uuid -> ScheduledId.parse(uuid.toString()).ifPresent(ids::add));
    return ids;
  }

  /// As many at a time as one command takes, and no more of them once the right to it is gone.
  private void cancel(Call call, Topic topic, List<ScheduledId> ids) {
    int now = Math.min(ids.size(), CancelScheduled.MAX);
    List<ScheduledId> later = ids.subList(now, ids.size());
    api.submit(
        call,
        new CancelScheduled(topic.name(), topic.incarnation(), ids.subList(0, now)),
        _ -> {
          if (later.isEmpty()) {
            call.empty(204);
          } else {
            mayCancel(call, present -> cancel(call, present, later));
          }
        });
  }

  private void cancellable(Call call, Authenticator.Caller caller, Consumer<Topic> then) {
    api.topic(
        call,
        call.pathParameter("id"),
        topic -> AccessPolicy.mayPublish(caller.principal(), topic.name(), Optional.of(topic)),
        then);
  }
}
