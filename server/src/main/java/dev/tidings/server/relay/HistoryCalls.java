// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.History;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Reading a topic's retained messages page by page, as versions of the relay after v0.1.0 do.
final class HistoryCalls {
  private static final int MAX_LIMIT = 100;
  private static final int DEFAULT_LIMIT = 10;
  private static final String ASCENDING = "asc";
  private static final String DESCENDING = "desc";
  private static final Set<String> ORDERS = Set.of(ASCENDING, DESCENDING);

  private final RelayApi api;
  private final Services services;

  HistoryCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, "/api/v1/topics/{topic_name}/messages", this::messages);
  }

  /// What the query asks for.
  ///
  /// @param limit messages of a page, 1 to 100
  /// @param order `asc` or `desc`
  /// @param cursor as it was sent
  /// @param after the id it names
  private record Asked(
      int limit, String order, Optional<String> cursor, Optional<MessageId> after) {
    History.Question of(Topic topic) {
      History.Order direction =
          order.equals(ASCENDING) ? History.Order.ASCENDING : History.Order.DESCENDING;
      return new History.Question(topic.incarnation(), direction, after, limit);
    }
  }

  private void messages(Call call) {
    api.permitted(
        call, Right.RECEIVE, caller -> messages(call, caller, Fields.ofQuery(call.request())));
  }

  private void messages(Call call, Principal caller, Fields fields) {
    long limit = fields.integer("limit", 1, Long.MAX_VALUE, DEFAULT_LIMIT);
    String order = fields.word("order", ORDERS, "'asc' or 'desc'", DESCENDING);
    Optional<String> cursor = fields.optionalString("cursor", 0, Integer.MAX_VALUE);
    Optional<MessageId> after = cursor.flatMap(MessageId::parse);
    if (after.isEmpty() && cursor.isPresent() && !cursor.get().isEmpty()) {
      fields.invalid(
          "cursor", "Cursor is not a message id (expected: next_cursor of the page before)");
    }
    if (RelayApi.answeredInvalid(call, fields)) {
      return;
    }
    readable(
        call,
        caller,
        topic -> {
          if (after.isPresent() && !isPlaceIn(topic, after.get())) {
            fields.invalid(
                "cursor",
                "Cursor is the id of a message of another topic, or of an earlier one of this name"
                    + " (expected: none, to begin anew)");
            call.invalid(fields.errors());
          } else {
            read(call, topic, new Asked((int) Math.min(limit, MAX_LIMIT), order, cursor, after));
          }
        });
  }

  /// Whether `id` names a place in the log of `topic`; the place before everything, which polls
  /// tell where there is no topic yet, is one.
  private static boolean isPlaceIn(Topic topic, MessageId id) {
    return id.incarnation() == topic.incarnation() || id.incarnation() == 0;
  }

  /// The topic the path names, if `caller` may read it.
  private void readable(Call call, Principal caller, Consumer<Topic> then) {
    api.existing(
        call,
        topic -> {
          if (AccessPolicy.mayRead(caller, Optional.of(topic))) {
            then.accept(topic);
          } else {
            call.detail(403, "Access denied to topic '" + topic.name() + "'");
          }
        });
  }

  private void read(Call call, Topic topic, Asked asked) {
    services
        .node()
        .history()
        .page(
            asked.of(topic),
            call.loop(),
            outcome ->
                call.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<History.Page>(History.Page page) ->
                        answer(call, topic, asked, page);
                    case Outcome.Refused<History.Page>(Refusal refusal) ->
                        call.unavailable(refusal.detail());
                  }
                }));
  }

  /// Asks once more who may read: what was revoked or deleted while the store was read must not be
  /// shown afterwards.
  private void answer(Call call, Topic topic, Asked asked, History.Page page) {
    api.permitted(
        call,
        Right.RECEIVE,
        caller ->
            readable(
                call,
                caller,
                present -> {
                  if (present.incarnation() == topic.incarnation()) {
                    call.json(200, write(call, topic, asked, page));
                  } else {
                    call.detail(404, "Topic '" + topic.name() + "' not found");
                  }
                }));
  }

  private static JsonOut write(Call call, Topic topic, Asked asked, History.Page page) {
    JsonOut out = new JsonOut(1024).raw("{\"messages\":[");
    String separator = "";
    for (Message message : page.messages()) {
      RelayFrames.writeRetained(out.raw(separator), topic, message, call.loop().timestamps());
      separator = ",";
    }
    out.raw("],\"total\":").number(page.retained());
    out.raw(",\"limit\":").number(asked.limit());
    out.raw(",\"order\":").string(asked.order());
    out.raw(",\"cursor\":").string(asked.cursor());
    out.raw(",\"next_cursor\":").string(page.next().map(MessageId::toRelayId));
    if (!page.gaps().isEmpty()) {
      out.raw(",\"gaps\":[");
      separator = "";
      for (History.Gap gap : page.gaps()) {
        out.raw(separator).raw("{\"topic\":").string(topic.name());
        out.raw(",\"from\":").string(gap.from().toRelayId());
        out.raw(",\"to\":").string(gap.to().toRelayId()).raw("}");
        separator = ",";
      }
      out.raw("]");
    }
    return out.raw("}");
  }
}
