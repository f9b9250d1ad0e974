// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.command.ChangeTopic;
import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.directory.User;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Topics: creating, listing, showing, changing and deleting them (API of pulsar-relay v0.1.0).
final class TopicCalls {
  private static final int MAX_DESCRIPTION = 500;
  private static final long MAX_AGE_S = Long.MAX_VALUE / 1000;

  /// More than an answer holds.
  private static final int MAX_LISTED = 20_000;

  private final RelayApi api;
  private final Services services;

  TopicCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/api/v1/topics", this::create);
    routes.add(HttpMethod.GET, "/api/v1/topics", this::list);
    routes.add(HttpMethod.GET, "/api/v1/topics/stats", this::stats);
    routes.add(HttpMethod.GET, "/api/v1/topics/{topic_name}", this::get);
    routes.add(HttpMethod.PUT, "/api/v1/topics/{topic_name}", this::change);
    routes.add(HttpMethod.DELETE, "/api/v1/topics/{topic_name}", this::delete);
  }

  // ---- creating ----

  private void create(Call call) {
    api.withBody(call, Right.CREATE_TOPICS, 2, (caller, fields) -> create(call, caller, fields));
  }

  private void create(Call call, Principal caller, Fields fields) {
    String name = fields.string("topic_name", 1, Topics.MAX_NAME);
    boolean isPublic = fields.bool("is_public", false);
    Optional<String> description = fields.optionalString("description", 0, MAX_DESCRIPTION);
    TopicRetention retention = retention(fields).orElse(TopicRetention.DEFAULT);
    if (!fields.hasErrors()) {
      Topics.fault(name).ifPresent(fault -> fields.invalid("topic_name", fault));
    }
    if (!RelayApi.answeredInvalid(call, fields)) {
      api.submit(
          call,
          new CreateTopic(name, caller.id(), isPublic, description, retention),
          topic -> call.json(201, TopicJson.write(topic, true)));
    }
  }

  /// What a topic is to retain: an object whose missing or null fields leave it to the server.
  private static Optional<TopicRetention> retention(Fields fields) {
    return fields
        .optionalObject("retention")
        .map(it ->
            new TopicRetention(
                seconds(it.optionalInteger("max_age_seconds", 0)),
                it.optionalInteger("max_messages", 0),
                it.optionalInteger("max_bytes", 0)));
  }

  private static OptionalLong seconds(OptionalLong number) {
    return number.isEmpty()
        ? number
        : OptionalLong.of(Math.min(number.getAsLong(), MAX_AGE_S) * 1000);
  }

  // ---- showing ----

  /// Of a user, the topics that it owns or that are granted to it, also if it is an administrator;
  /// of a client, which has no topics of its own, all that it may list. Names that this API cannot
  /// spell are left out.
  private void list(Call call) {
    api.authenticated(
        call,
        caller -> {
          if (!AccessPolicy.mayListTopics(caller)) {
            call.detail(403, "Scope '" + Scope.TOPICS_READ.text() + "' required");
            return;
          }
          Listing listing = new Listing(call, "/api/v1/topics");
          int lookedAt = 0;
          for (Topic topic : listed(caller, listing.after())) {
            boolean manages = AccessPolicy.mayManage(caller, topic);
            // The pubsub API makes names that this one cannot spell.
            if (Topics.fault(topic.name()).isEmpty()
                && !listing.add(topic.name(), TopicJson.write(topic, manages))) {
              break;
            }
            if (++lookedAt == MAX_LISTED) {
              listing.goOnAfter(topic.name());
              break;
            }
          }
          listing.answer();
        });
  }

  private Iterable<Topic> listed(Principal caller, String after) {
    return switch (caller) {
      case User user -> services.directory().topicsOfAfter(user.id(), after, MAX_LISTED);
      case Client _ ->
          () ->
              Stream.iterate(
                      services.directory().openTopicAfter(after),
                      Optional::isPresent,
                      it -> it.flatMap(topic -> services.directory().openTopicAfter(topic.name())))
                  .map(Optional::orElseThrow)
                  .iterator();
    };
  }

  private void stats(Call call) {
    api.permitted(
        call,
        Right.ADMINISTER,
        _ -> {
          int total = services.directory().topicCount();
          int open = Math.min(total, services.directory().publicTopics());
          call.json(
              200,
              new JsonOut(96)
                  .raw("{\"total_topics\":")
                  .number(total)
                  .raw(",\"public_topics\":")
                  .number(open)
                  .raw(",\"private_topics\":")
                  .number(total - open)
                  .raw("}"));
        });
  }

  private void get(Call call) {
    api.authenticated(
        call,
        caller ->
            api.existing(
                call,
                topic -> {
                  if (AccessPolicy.maySee(caller, topic)) {
                    call.json(200, TopicJson.write(topic, AccessPolicy.mayManage(caller, topic)));
                  } else {
                    call.detail(403, "Access denied to topic '" + topic.name() + "'");
                  }
                }));
  }

  // ---- changing and deleting ----

  private void change(Call call) {
    api.withBody(call, 2, (caller, fields) -> change(call, caller, fields));
  }

  private void change(Call call, Principal caller, Fields fields) {
    Optional<Boolean> isPublic = fields.optionalBool("is_public");
    Optional<String> description = fields.optionalString("description", 0, MAX_DESCRIPTION);
    Optional<TopicRetention> retention = retention(fields);
    if (!RelayApi.answeredInvalid(call, fields)) {
      api.managed(
          call,
          caller,
          "update it",
          topic ->
              api.submit(
                  call,
                  new ChangeTopic(
                      topic.name(), topic.incarnation(), isPublic, description, retention),
                  changed -> call.json(200, TopicJson.write(changed, true))));
    }
  }

  private void delete(Call call) {
    api.authenticated(
        call,
        caller ->
            api.managed(
                call,
                topic -> AccessPolicy.mayDelete(caller, topic),
                "delete it",
                topic ->
                    api.submit(
                        call,
                        new DeleteTopic(topic.name(), topic.incarnation()),
                        _ -> call.empty(204))));
  }
}
