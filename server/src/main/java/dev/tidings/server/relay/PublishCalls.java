// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.Publish;
import dev.tidings.core.command.Publish.Authority;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState.NewMessage;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/// Publishing one message or up to a hundred (API of pulsar-relay v0.1.0).
final class PublishCalls {
  private static final int MAX_BULK = 100;
  private static final int MAX_ATTEMPTS = 3;

  private final RelayApi api;
  private final Services services;

  PublishCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/api/v1/messages", RateLimits.Kind.PUBLISH, this::single);
    routes.add(HttpMethod.POST, "/api/v1/messages/bulk", RateLimits.Kind.BULK, this::bulk);
  }

  /// A message as the call sent it.
  private record Item(String topic, NewMessage message) {}

  private static Item read(Fields fields) {
    String topic = fields.string("topic", 1, Topics.MAX_NAME);
    if (!topic.isEmpty()) {
      Topics.fault(topic).ifPresent(fault -> fields.invalid("topic", fault));
    }
    Payload payload = fields.object("payload");
    OptionalLong ttl = fields.optionalInteger("ttl");
    if (ttl.isPresent() && ttl.getAsLong() <= 0) {
      fields.notGreaterThan("ttl", 0);
    }
    Payload metadata = fields.optionalStringMap("metadata");
    long ttlMs = ttl.isPresent() ? toMs(ttl.getAsLong()) : Message.NEVER;
    return new Item(topic, new NewMessage(payload, metadata, ttlMs));
  }

  private static long toMs(long seconds) {
    return seconds > Message.NEVER / 1000 ? Message.NEVER : seconds * 1000;
  }

  private void single(Exchange exchange) {
    long startNs = services.time().monotonicNs();
    api.withBody(
        exchange,
        Permission.WRITE,
        1,
        (user, fields) -> {
          Item item = read(fields);
          if (RelayApi.answeredInvalid(exchange, fields)) {
            return;
          }
          publish(
              exchange,
              user,
              item.topic(),
              List.of(item.message()),
              1,
              result -> answer(exchange, item.topic(), result, startNs));
        });
  }

  private void answer(Exchange exchange, String topic, Result result, long startNs) {
    switch (result) {
      case Published(List<MessageId> ids) -> {
        services.metrics().published(topic, 1, services.time().monotonicNs() - startNs);
        MessageId id = ids.getFirst();
        exchange.json(
            201,
            new JsonOut(160)
                .raw("{\"message_id\":\"")
                .raw(id.toRelayId())
                .raw("\",\"topic\":")
                .string(topic)
                .raw(",\"timestamp\":\"")
                .raw(exchange.loop().timestamps().format(id.timestamp()))
                .raw("Z\"}"));
      }
      case Denied() -> exchange.detail(403, Topics.deniedText(List.of(topic)));
      case Refused(Refusal refusal) -> exchange.refused(refusal);
    }
  }

  // ---- the way to the shard ----

  /// What publishing to one topic came to.
  private sealed interface Result {}

  private record Published(List<MessageId> ids) implements Result {}

  private record Denied() implements Result {}

  private record Refused(Refusal refusal) implements Result {}

  /// Publishes to one topic as `user`. If the topic is created or replaced between the check of the
  /// caller's rights and the shard, the rights are checked again against what it is then.
  private void publish(
      Exchange exchange,
      User user,
      String topic,
      List<NewMessage> messages,
      int attempt,
      Consumer<Result> then) {
    Optional<Topic> existing = services.directory().topic(topic);
    if (!AccessPolicy.mayPublish(user, existing)) {
      then.accept(new Denied());
      return;
    }
    Authority authority =
        existing
            .<Authority>map(it -> new Authority.Existing(it.incarnation()))
            .orElseGet(() ->
                new Authority.Creating(user.id(), "Auto-created topic by " + user.username()));
    services
        .node()
        .submit(
            new Publish(topic, authority, messages),
            exchange.loop(),
            outcome -> {
              try {
                switch (outcome) {
                  case Outcome.Done<List<MessageId>>(List<MessageId> ids) ->
                      then.accept(new Published(ids));
                  case Outcome.Refused<List<MessageId>>(Refusal refusal) -> {
                    if (refusal.code() == Refusal.Code.STALE_AUTHORITY && attempt < MAX_ATTEMPTS) {
                      publish(exchange, user, topic, messages, attempt + 1, then);
                    } else {
                      then.accept(new Refused(refusal));
                    }
                  }
                }
              } catch (RuntimeException e) {
                exchange.failed(e);
              }
            });
  }

  // ---- bulk ----

  private void bulk(Exchange exchange) {
    long startNs = services.time().monotonicNs();
    api.withBody(
        exchange,
        Permission.WRITE,
        3,
        (user, fields) -> {
          List<Item> items = new ArrayList<>();
          for (Fields each : fields.objects("messages", 1, MAX_BULK)) {
            items.add(read(each));
          }
          if (!RelayApi.answeredInvalid(exchange, fields)) {
            new Bulk(exchange, items, startNs).publish(user);
          }
        });
  }

  /// One bulk publish: atomic for each topic, not across topics; every item is told its result.
  private final class Bulk {
    private final Exchange exchange;
    private final List<Item> items;
    private final long startNs;
    private final Map<String, List<Integer>> indexesByTopic = new LinkedHashMap<>();
    private final String[] results;
    private final List<String> denied = new ArrayList<>();
    private int accepted;
    private int waiting;

    private Bulk(Exchange exchange, List<Item> items, long startNs) {
      this.exchange = exchange;
      this.items = items;
      this.startNs = startNs;
      this.results = new String[items.size()];
      for (int i = 0; i < items.size(); i++) {
        indexesByTopic.computeIfAbsent(items.get(i).topic(), _ -> new ArrayList<>()).add(i);
      }
    }

    private void publish(User user) {
      // Checked for all topics before anything is published: a denied one refuses the whole call.
      for (String topic : indexesByTopic.keySet()) {
        if (!AccessPolicy.mayPublish(user, services.directory().topic(topic))) {
          denied.add(topic);
        }
      }
      if (!denied.isEmpty()) {
        exchange.detail(403, Topics.deniedText(denied));
        return;
      }
      waiting = indexesByTopic.size();
      indexesByTopic.forEach((topic, indexes) -> {
        List<NewMessage> messages = new ArrayList<>(indexes.size());
        indexes.forEach(index -> messages.add(items.get(index).message()));
        PublishCalls.this.publish(
            exchange, user, topic, messages, 1, result -> finished(topic, indexes, result));
      });
    }

    private void finished(String topic, List<Integer> indexes, Result result) {
      switch (result) {
        case Published(List<MessageId> ids) -> {
          services.metrics().published(topic, ids.size(), services.time().monotonicNs() - startNs);
          for (int i = 0; i < ids.size(); i++) {
            results[indexes.get(i)] =
                "\"message_id\":\""
                    + ids.get(i).toRelayId()
                    + "\",\"status\":\"accepted\",\"error\":null";
          }
          accepted += ids.size();
        }
        case Denied() -> reject(indexes, Topics.deniedText(List.of(topic)));
        case Refused(Refusal refusal) -> reject(indexes, Exchange.textFor(refusal));
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
      exchange.json(207, out.raw("}}"));
    }
  }
}
