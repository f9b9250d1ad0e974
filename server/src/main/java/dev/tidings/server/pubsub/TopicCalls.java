// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Scope;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;

/// Creating, listing, showing and deleting topics (API of fastpubsub).
final class TopicCalls {
  private static final String PATH = "/topics/{id}";

  private final PubsubApi api;
  private final Services services;

  TopicCalls(PubsubApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/topics", this::create);
    routes.add(HttpMethod.GET, "/topics", this::list);
    routes.add(HttpMethod.GET, PATH, this::get);
    routes.add(HttpMethod.DELETE, PATH, this::delete);
  }

  private void create(Call call) {
    api.withBody(
        call,
        Scope.TOPICS_CREATE,
        Optional.empty(),
        1,
        (caller, body) -> create(call, caller.principal(), Fields.of(body)));
  }

  private void create(Call call, Principal principal, Fields fields) {
    String id = PubsubNames.readNewTopic(fields, "id");
    if (!PubsubApi.answeredInvalid(call, fields)) {
      api.submit(
          call,
          new CreateTopic(id, principal.id(), /* isPublic= */ false, Optional.empty()),
          topic -> call.json(201, PubsubJson.topic(topic)));
    }
  }

  /// The topics that the caller may see and that this API can spell.
  private void list(Call call) {
    api.permitted(
        call,
        Scope.TOPICS_READ,
        Optional.empty(),
        caller ->
            api.list(
                call,
                services.directory().topics(),
                topic ->
                    PubsubNames.canSpell(topic.name())
                        && AccessPolicy.maySee(caller.principal(), topic),
                PubsubJson::topic));
  }

  private void get(Call call) {
    String id = call.pathParameter("id");
    api.permitted(
        call,
        Scope.TOPICS_READ,
        Optional.of(id),
        caller ->
            api.topic(
                call,
                id,
                topic -> AccessPolicy.maySee(caller.principal(), topic),
                topic -> call.json(200, PubsubJson.topic(topic))));
  }

  private void delete(Call call) {
    String id = call.pathParameter("id");
    api.permitted(
        call,
        Scope.TOPICS_DELETE,
        Optional.of(id),
        caller ->
            api.topic(
                call,
                id,
                topic -> AccessPolicy.mayDelete(caller.principal(), topic),
                topic ->
                    api.submit(
                        call,
                        new DeleteTopic(topic.name(), topic.incarnation()),
                        _ -> call.empty(204))));
  }
}
