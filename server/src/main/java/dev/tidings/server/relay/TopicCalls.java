// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.GrantAccess;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Timestamps;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.function.Consumer;

/// Creating topics, seeing one and granting it (API of pulsar-relay v0.1.0).
final class TopicCalls {
  private static final int MAX_DESCRIPTION = 500;

  private final RelayApi api;
  private final Services services;

  TopicCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/api/v1/topics", this::create);
    routes.add(HttpMethod.GET, "/api/v1/topics/{topic_name}", this::get);
    routes.add(HttpMethod.POST, "/api/v1/topics/{topic_name}/permissions", this::grant);
  }

  private void create(Exchange exchange) {
    api.withBody(exchange, Permission.WRITE, 1, (user, fields) -> create(exchange, user, fields));
  }

  private void create(Exchange exchange, User user, Fields fields) {
    String name = fields.string("topic_name", 1, Topics.MAX_NAME);
    boolean isPublic = fields.bool("is_public", false);
    Optional<String> description = fields.optionalString("description", 0, MAX_DESCRIPTION);
    if (!fields.hasErrors()) {
      Topics.fault(name).ifPresent(fault -> fields.invalid("topic_name", fault));
    }
    if (RelayApi.answeredInvalid(exchange, fields)) {
      return;
    }
    services
        .node()
        .submit(
            new CreateTopic(name, user.id(), isPublic, description),
            exchange.loop(),
            outcome ->
                exchange.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<Topic>(Topic topic) -> exchange.json(201, write(topic, true));
                    case Outcome.Refused<Topic>(Refusal refusal) -> exchange.refused(refusal);
                  }
                }));
  }

  /// The topic the path names; the user has to be somebody, but what it may do the caller checks.
  private void existing(Exchange exchange, Consumer<Topic> then) {
    String name = exchange.pathParameter("topic_name");
    services
        .directory()
        .topic(name)
        .ifPresentOrElse(then, () -> exchange.detail(404, "Topic '" + name + "' not found"));
  }

  private void get(Exchange exchange) {
    api.authenticated(
        exchange,
        user ->
            existing(
                exchange,
                topic -> {
                  if (AccessPolicy.maySee(user, topic)) {
                    exchange.json(200, write(topic, AccessPolicy.mayManage(user, topic)));
                  } else {
                    exchange.detail(403, "Access denied to topic '" + topic.name() + "'");
                  }
                }));
  }

  private void grant(Exchange exchange) {
    api.withBody(exchange, 1, (user, fields) -> grant(exchange, user, fields));
  }

  private void grant(Exchange exchange, User user, Fields fields) {
    Optional<String> userId = fields.optionalString("user_id", 0, Integer.MAX_VALUE);
    Optional<String> username = fields.optionalString("username", 0, Integer.MAX_VALUE);
    if (RelayApi.answeredInvalid(exchange, fields)) {
      return;
    }
    existing(
        exchange,
        topic -> {
          if (!AccessPolicy.mayManage(user, topic)) {
            exchange.detail(403, "Only the topic owner can grant access");
          } else if (userId.isEmpty() && username.isEmpty()) {
            exchange.detail(400, "Either user_id or username must be provided");
          } else {
            userId
                .map(services.directory()::userById)
                .orElseGet(() -> username.flatMap(services.directory()::userByName))
                .ifPresentOrElse(
                    grantee -> grant(exchange, topic, grantee),
                    () -> exchange.detail(404, "User not found"));
          }
        });
  }

  private void grant(Exchange exchange, Topic topic, User grantee) {
    services
        .node()
        .submit(
            new GrantAccess(topic.name(), topic.incarnation(), grantee.id()),
            exchange.loop(),
            outcome ->
                exchange.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<Topic> _ ->
                        exchange.json(
                            201,
                            new JsonOut(192)
                                .raw("{\"topic_name\":")
                                .string(topic.name())
                                .raw(",\"user_id\":")
                                .string(grantee.id())
                                .raw(",\"username\":")
                                .string(grantee.username())
                                .raw(",\"granted_at\":\"")
                                .raw(Timestamps.utc(services.time().wallMs()))
                                .raw("\"}"));
                    case Outcome.Refused<Topic>(Refusal refusal) -> exchange.refused(refusal);
                  }
                }));
  }

  /// @param forOwner whether the grants are shown
  private static JsonOut write(Topic topic, boolean forOwner) {
    JsonOut out =
        new JsonOut(256)
            .raw("{\"topic_id\":")
            .string(topicId(topic))
            .raw(",\"topic_name\":")
            .string(topic.name())
            .raw(",\"owner_id\":")
            .string(topic.ownerId())
            .raw(",\"is_public\":")
            .bool(topic.isPublic())
            .raw(",\"created_at\":\"")
            .raw(Timestamps.utc(topic.createdAt()))
            .raw("\",\"description\":")
            .string(topic.description())
            .raw(",\"allowed_user_ids\":");
    return (forOwner ? out.strings(topic.grantees()) : out.nothing()).raw("}");
  }

  /// A topic is known by its name; its id tells it from an earlier topic of that name.
  private static String topicId(Topic topic) {
    return "topic_" + topic.incarnation();
  }
}
