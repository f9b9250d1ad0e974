// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Timestamps;
import io.vertx.core.http.HttpMethod;
import java.util.List;

/// How far the clients of a topic have got, by their acks.
final class ConsumerCalls {
  private static final String WHAT = "list consumers";

  private final RelayApi api;
  private final Services services;

  ConsumerCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, "/api/v1/topics/{topic_name}/consumers", this::list);
  }

  private void list(Call call) {
    api.authenticated(call, caller -> api.managed(call, caller, WHAT, topic -> list(call, topic)));
  }

  private void list(Call call, Topic topic) {
    List<Consumer> consumers = List.copyOf(services.directory().consumers(topic.incarnation()));
    services
        .node()
        .history()
        .messagesAfter(
            topic.incarnation(),
            consumers.stream().map(Consumer::ackedSequence).toList(),
            call.loop(),
            outcome ->
                call.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<List<Long>>(List<Long> lags) ->
                        api.authenticated(
                            call, caller -> answer(call, caller, topic, consumers, lags));
                    case Outcome.Refused<List<Long>>(Refusal refusal) ->
                        call.unavailable(refusal.detail());
                  }
                }));
  }

  /// Asks once more who may see it: meanwhile the topic may be another's.
  private void answer(
      Call call, Principal caller, Topic topic, List<Consumer> consumers, List<Long> lags) {
    api.managed(
        call,
        caller,
        WHAT,
        present -> {
          if (present.incarnation() == topic.incarnation()) {
            call.json(200, write(consumers, lags));
          } else {
            call.detail(404, "Topic '" + topic.name() + "' not found");
          }
        });
  }

  private static JsonOut write(List<Consumer> consumers, List<Long> lags) {
    JsonOut out = new JsonOut(1024).raw("[");
    for (int i = 0; i < consumers.size(); i++) {
      Consumer consumer = consumers.get(i);
      MessageId acked =
          new MessageId(
              consumer.ackedTimestamp(), consumer.ackedSequence(), consumer.incarnation());
      out.raw(i == 0 ? "{" : ",{")
          .raw("\"client_id\":")
          .string(consumer.clientId())
          .raw(",\"user_id\":")
          .string(consumer.userId())
          .raw(",\"last_acked_id\":\"")
          .raw(acked.toRelayId())
          .raw("\",\"acked_at\":\"")
          .raw(Timestamps.utc(consumer.ackedAt()))
          .raw("\",\"lag\":")
          .number(lags.get(i))
          .raw("}");
    }
    return out.raw("]");
  }
}
