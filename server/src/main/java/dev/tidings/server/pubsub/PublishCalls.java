// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.PublishedId;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.IdempotencyKey;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/// Publishing messages to a topic, all or none (API of fastpubsub).
final class PublishCalls {
  /// Of `{"messages": [{"payload": …}]}`.
  private static final int DEPTH = 3;

  private static final String KEY = "ordering_key";

  private final PubsubApi api;
  private final Services services;

  PublishCalls(PubsubApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/topics/{id}/messages", RateLimits.Kind.BULK, this::publish);
  }

  private void publish(Call call) {
    long startNs = services.time().monotonicNs();
    String id = call.pathParameter("id");
    api.withBody(
        call,
        Scope.TOPICS_PUBLISH,
        Optional.of(id),
        1,
        (caller, body) -> {
          if (body instanceof JsonValue.JsonObject object
              && object.fields().containsKey("messages")) {
            readAgain(call, caller, id, Fields.of(body), startNs);
          } else {
            publishPayloads(call, caller, id, Fields.ofList(body), startNs);
          }
        });
  }

  /// An array of payloads is answered without a body, as the original did.
  private void publishPayloads(
      Call call, Authenticator.Caller caller, String id, Fields fields, long startNs) {
    List<NewMessage> messages = new ArrayList<>();
    for (Payload payload : fields.items()) {
      messages.add(new NewMessage(payload, Payload.EMPTY, Message.NEVER));
    }
    publish(call, caller, id, fields, messages, startNs, _ -> call.empty(204));
  }

  /// An object is read again, and deeper: payloads of the other form need not be.
  private void readAgain(
      Call call, Authenticator.Caller caller, String id, Fields shallow, long startNs) {
    switch (JsonValue.parse(shallow.bytes(), DEPTH)) {
      case JsonValue.Valid(JsonValue body) ->
          publishWithOptions(call, caller, id, Fields.of(body), startNs);
      case JsonValue.Invalid invalid -> call.invalid(List.of(FieldError.malformed(invalid)));
      case JsonValue.Absent _ -> call.invalid(List.of(FieldError.missingBody()));
    }
  }

  /// An object, whose messages may say more than their payload, is answered with their ids.
  private void publishWithOptions(
      Call call, Authenticator.Caller caller, String id, Fields fields, long startNs) {
    List<NewMessage> messages = new ArrayList<>();
    for (Fields each : fields.objects("messages", 0, Integer.MAX_VALUE)) {
      messages.add(read(each));
    }
    publish(
        call, caller, id, fields, messages, startNs, ids -> call.json(200, PublishCalls.of(ids)));
  }

  private NewMessage read(Fields fields) {
    Payload payload = fields.object("payload");
    OptionalLong ttl = fields.optionalInteger("ttl", 1);
    Payload metadata = fields.optionalStringMap("metadata");
    long ttlMs = ttl.isPresent() ? toMs(ttl.getAsLong()) : Message.NEVER;
    Ordering ordering = ordering(fields);
    return new NewMessage(payload, metadata, ttlMs, ordering, services.dueTimes().read(fields));
  }

  static Ordering ordering(Fields fields) {
    Optional<String> key = fields.optionalString(KEY, 1, Integer.MAX_VALUE);
    if (key.isPresent() && !Ordering.isShortEnough(key.get())) {
      fields.invalid(KEY, KEY + " must have at most " + Ordering.MAX_KEY_BYTES + " bytes of UTF-8");
      return Ordering.NONE;
    }
    return key.map(Ordering::ofKey).orElse(Ordering.NONE);
  }

  private static long toMs(long seconds) {
    return seconds > Message.NEVER / 1000 ? Message.NEVER : seconds * 1000;
  }

  private static JsonOut of(List<PublishedId> ids) {
    return new JsonOut(40 * ids.size() + 16)
        .raw("{\"ids\":")
        .strings(ids.stream().map(id -> id.toUuid().toString()).toList())
        .raw("}");
  }

  private void publish(
      Call call,
      Authenticator.Caller caller,
      String id,
      Fields fields,
      List<NewMessage> messages,
      long startNs,
      Consumer<List<PublishedId>> then) {
    Optional<KeyedRequest> request = IdempotencyKey.read(call, caller.principal().id(), fields);
    if (PubsubApi.answeredInvalid(call, fields)) {
      return;
    }
    api.topic(
        call,
        id,
        topic -> AccessPolicy.mayPublish(caller.principal(), id, Optional.of(topic)),
        topic -> {
          if (messages.isEmpty()) {
            then.accept(List.of());
          } else {
            publish(call, topic, messages, request, startNs, then);
          }
        });
  }

  private void publish(
      Call call,
      Topic topic,
      List<NewMessage> messages,
      Optional<KeyedRequest> request,
      long startNs,
      Consumer<List<PublishedId>> then) {
    Publish.Authority authority = new Publish.Authority.Existing(topic.incarnation());
    api.submit(
        call,
        new Publish(topic.name(), authority, messages, request),
        published -> {
          if (!published.repeated()) {
            // What is only answered again was counted the first time.
            services
                .published()
                .published(topic.name(), messages.size(), services.time().monotonicNs() - startNs);
          }
          then.accept(published.ids());
        });
  }
}
