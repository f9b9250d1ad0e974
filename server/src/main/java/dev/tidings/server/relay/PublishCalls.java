// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.IdempotencyKey;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Publishing one message or up to a hundred (API of pulsar-relay v0.1.0).
final class PublishCalls {
  private static final int MAX_BULK = 100;

  private final RelayApi api;
  private final Services services;
  private final Publisher publisher;

  PublishCalls(RelayApi api, Services services, Publisher publisher) {
    this.api = api;
    this.services = services;
    this.publisher = publisher;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/api/v1/messages", RateLimits.Kind.PUBLISH, this::single);
    routes.add(HttpMethod.POST, "/api/v1/messages/bulk", RateLimits.Kind.BULK, this::bulk);
  }

  private void single(Call call) {
    long startNs = services.time().monotonicNs();
    api.withBodyOf(
        call,
        Right.PUBLISH,
        1,
        (caller, fields) -> {
          Publisher.Item item = read(fields);
          Optional<KeyedRequest> request =
              IdempotencyKey.read(call, caller.principal().id(), fields);
          if (RelayApi.answeredInvalid(call, fields)) {
            return;
          }
          publisher.publish(
              caller,
              item.topic(),
              List.of(item.message()),
              request,
              result -> call.guarded(() -> answer(call, item.topic(), result, startNs)));
        });
  }

  /// Reads a message, which may be due later.
  private Publisher.Item read(Fields fields) {
    Publisher.Item item = Publisher.read(fields);
    return item.due(services.dueTimes().read(fields));
  }

  /// The part of a request that begins with the message number `item`.
  private static Optional<KeyedRequest> part(Optional<KeyedRequest> request, int item) {
    return request.map(it -> new KeyedRequest(it.userId(), it.key(), item, it.fingerprint()));
  }

  /// What is only answered again was counted the first time.
  private void count(String topic, int messages, boolean repeated, long startNs) {
    if (!repeated) {
      services.metrics().published(topic, messages, services.time().monotonicNs() - startNs);
    }
  }

  private void answer(Call call, String topic, Publisher.Result result, long startNs) {
    switch (result) {
      case Publisher.Published(List<PublishedId> ids, boolean repeated) -> {
        count(topic, 1, repeated, startNs);
        PublishedId id = ids.getFirst();
        call.json(201, publisher.write(new JsonOut(160).raw("{"), topic, id).raw("}"));
      }
      case Publisher.Denied() -> call.detail(403, Topics.deniedText(List.of(topic)));
      case Publisher.Refused(Refusal refusal) -> call.refused(refusal);
    }
  }

  // ---- bulk ----

  private void bulk(Call call) {
    long startNs = services.time().monotonicNs();
    api.withBodyOf(
        call,
        Right.PUBLISH,
        3,
        (caller, fields) -> {
          List<Publisher.Item> items = new ArrayList<>();
          for (Fields each : fields.objects("messages", 1, MAX_BULK)) {
            items.add(read(each));
          }
          Optional<KeyedRequest> request =
              IdempotencyKey.read(call, caller.principal().id(), fields);
          if (!RelayApi.answeredInvalid(call, fields)) {
            new Bulk(call, items, request, startNs).publish(caller);
          }
        });
  }

  /// One bulk publish: atomic for each topic, not across topics; every item is told its result.
  private final class Bulk {
    private final Call call;
    private final List<Publisher.Item> items;
    private final Optional<KeyedRequest> request;
    private final long startNs;
    private final Map<String, List<Integer>> indexesByTopic = new LinkedHashMap<>();
    private final String[] results;
    private final List<String> denied = new ArrayList<>();
    private Optional<Refusal> ofKey = Optional.empty();
    private int accepted;
    private int waiting;

    private Bulk(
        Call call, List<Publisher.Item> items, Optional<KeyedRequest> request, long startNs) {
      this.call = call;
      this.items = items;
      this.request = request;
      this.startNs = startNs;
      this.results = new String[items.size()];
      for (int i = 0; i < items.size(); i++) {
        indexesByTopic.computeIfAbsent(items.get(i).topic(), _ -> new ArrayList<>()).add(i);
      }
    }

    private void publish(Authenticator.Caller caller) {
      // Checked for all topics before anything is published: a denied one refuses the whole call.
      for (String topic : indexesByTopic.keySet()) {
        if (!AccessPolicy.mayPublish(
            caller.principal(), topic, services.directory().topic(topic))) {
          denied.add(topic);
        }
      }
      if (!denied.isEmpty()) {
        call.detail(403, Topics.deniedText(denied));
        return;
      }
      waiting = indexesByTopic.size();
      indexesByTopic.forEach((topic, indexes) -> {
        List<NewMessage> messages = new ArrayList<>(indexes.size());
        indexes.forEach(index -> messages.add(items.get(index).message()));
        publisher.publish(
            caller,
            topic,
            messages,
            part(request, indexes.getFirst()),
            result -> call.guarded(() -> finished(topic, indexes, result)));
      });
    }

    private void finished(String topic, List<Integer> indexes, Publisher.Result result) {
      switch (result) {
        case Publisher.Published(List<PublishedId> ids, boolean repeated) -> {
          count(topic, ids.size(), repeated, startNs);
          for (int i = 0; i < ids.size(); i++) {
            JsonOut told =
                new JsonOut(96)
                    .raw("\"message_id\":\"")
                    .raw(ids.get(i).toRelayId())
                    .raw("\",\"status\":\"accepted\",\"error\":null");
            results[indexes.get(i)] = publisher.writeDue(told, ids.get(i)).text();
          }
          accepted += ids.size();
        }
        case Publisher.Denied() -> reject(indexes, Topics.deniedText(List.of(topic)));
        case Publisher.Refused(Refusal refusal) -> {
          if (refusal.code() == Refusal.Code.KEY_REUSED
              || refusal.code() == Refusal.Code.TOO_MANY_KEYS) {
            ofKey = Optional.of(refusal);
          }
          reject(indexes, Call.textFor(refusal));
        }
      }
      if (--waiting == 0) {
        answer();
      }
    }

    private void reject(List<Integer> indexes, String reason) {
      String error =
          new JsonOut(64 + reason.length())
              .raw("\"message_id\":null,\"status\":\"rejected\",\"error\":")
              .string(reason)
              .text();
      indexes.forEach(index -> results[index] = error);
    }

    private void answer() {
      if (accepted == 0 && ofKey.isPresent()) {
        // What is wrong is not about some items.
        call.refused(ofKey.get());
        return;
      }
      JsonOut out = new JsonOut(128 * items.size() + 128).raw("{\"results\":[");
      for (int i = 0; i < results.length; i++) {
        out.raw(i == 0 ? "{\"topic\":" : ",{\"topic\":").string(items.get(i).topic()).raw(",");
        out.raw(results[i]).raw("}");
      }
      out.raw("],\"summary\":{\"total\":")
          .number(results.length)
          .raw(",\"accepted\":")
          .number(accepted)
          .raw(",\"rejected\":")
          .number((long) results.length - accepted);
      call.json(207, out.raw("}}"));
    }
  }
}
