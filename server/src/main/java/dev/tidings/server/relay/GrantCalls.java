// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.command.GrantAccess;
import dev.tidings.core.command.RevokeAccess;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Timestamps;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;

/// Who a topic is granted to (API of pulsar-relay v0.1.0).
final class GrantCalls {
  private static final String PATH = "/api/v1/topics/{topic_name}/permissions";

  private final RelayApi api;
  private final Services services;

  GrantCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, PATH, this::grant);
    routes.add(HttpMethod.GET, PATH, this::list);
    routes.add(HttpMethod.DELETE, PATH + "/{user_id}", this::revoke);
  }

  private void grant(Call call) {
    api.withBody(call, 1, (caller, fields) -> grant(call, caller, fields));
  }

  private void grant(Call call, Principal caller, Fields fields) {
    Optional<String> userId = fields.optionalString("user_id", 0, Integer.MAX_VALUE);
    Optional<String> username = fields.optionalString("username", 0, Integer.MAX_VALUE);
    if (RelayApi.answeredInvalid(call, fields)) {
      return;
    }
    api.managed(
        call,
        caller,
        "grant access",
        topic -> {
          if (userId.isEmpty() && username.isEmpty()) {
            call.detail(400, "Either user_id or username must be provided");
          } else {
            userId
                .map(services.directory()::userById)
                .orElseGet(() -> username.flatMap(services.directory()::userByName))
                .ifPresentOrElse(
                    grantee -> grant(call, topic, grantee),
                    () -> call.detail(404, "User not found"));
          }
        });
  }

  private void grant(Call call, Topic topic, User grantee) {
    api.submit(
        call,
        new GrantAccess(topic.name(), topic.incarnation(), grantee.id()),
        _ -> call.json(201, write(topic, grantee)));
  }

  /// Users who are gone are left out.
  private void list(Call call) {
    api.authenticated(
        call,
        caller ->
            api.managed(
                call,
                caller,
                "list permissions",
                topic -> {
                  JsonOut out = new JsonOut(256).raw("[");
                  String comma = "";
                  for (String id : topic.grantees()) {
                    Optional<User> grantee = services.directory().userById(id);
                    if (grantee.isPresent()) {
                      out.raw(comma).raw(write(topic, grantee.get()));
                      comma = ",";
                    }
                  }
                  call.json(200, out.raw("]"));
                }));
  }

  private void revoke(Call call) {
    String userId = call.pathParameter("user_id");
    api.authenticated(
        call,
        caller ->
            api.managed(
                call,
                caller,
                "revoke access",
                topic ->
                    api.submit(
                        call,
                        new RevokeAccess(topic.name(), topic.incarnation(), userId),
                        _ -> call.empty(204))));
  }

  /// `granted_at` is the present time, as in the original: when it was granted is not kept.
  private JsonOut write(Topic topic, User grantee) {
    return new JsonOut(192)
        .raw("{\"topic_name\":")
        .string(topic.name())
        .raw(",\"user_id\":")
        .string(grantee.id())
        .raw(",\"username\":")
        .string(grantee.username())
        .raw(",\"granted_at\":\"")
        .raw(Timestamps.utc(services.time().wallMs()))
        .raw("\"}");
  }
}
