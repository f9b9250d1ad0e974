// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.command.ChangeClient;
import dev.tidings.core.command.CreateClient;
import dev.tidings.core.command.DeleteClient;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.auth.NewClient;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Uuids;
import io.vertx.core.http.HttpMethod;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// Creating, listing, showing, changing and deleting clients (API of fastpubsub).
public final class ClientCalls {
  private static final String PATH = "/clients/{id}";
  private static final int MAX_NAME = 255;
  private static final int MAX_LISTED = 100;
  private static final int DEFAULT_LISTED = 10;

  private final Services services;

  /// What they are built from; shared by all event loops.
  ///
  /// @param node the core
  /// @param authenticator tells who calls
  /// @param passwords hashes secrets
  /// @param bodies gathers bodies
  /// @param time the clock
  /// @param random for ids and secrets
  public record Services(
      Node node,
      Authenticator authenticator,
      Passwords passwords,
      Bodies bodies,
      TimeSource time,
      SecureRandom random) {}

  /// The calls, built from `services`.
  public ClientCalls(Services services) {
    this.services = services;
  }

  /// Adds their routes.
  public void route(Routes routes) {
    routes.add(HttpMethod.POST, "/clients", this::create);
    routes.add(HttpMethod.GET, "/clients", this::list);
    routes.add(HttpMethod.GET, PATH, this::get);
    routes.add(HttpMethod.PUT, PATH, this::change);
    routes.add(HttpMethod.DELETE, PATH, this::delete);
  }

  // ---- who calls ----

  /// Goes on if somebody calls who may make calls of `scope` on `object`, or else answers 401 or
  /// 403 in the words of this API.
  private void permitted(Call call, Scope scope, Optional<String> object, Runnable then) {
    PubsubApi.permitted(
        call, services.authenticator().ofRequest(call), scope, object, _ -> then.run());
  }

  /// A call that sends a JSON object, in the order of the contract's checks: malformed JSON, then
  /// who calls and what it may, then the fields.
  private void withBody(
      Call call, Scope scope, Optional<String> object, Consumer<JsonValue.Parsed> then) {
    services
        .bodies()
        .read(
            call,
            bytes -> {
              Authenticator.Result result = services.authenticator().ofRequest(call);
              JsonValue.Parsed parsed = PubsubApi.parsed(bytes, result, scope, object, 1);
              if (parsed instanceof JsonValue.Invalid invalid) {
                call.invalid(List.of(FieldError.malformed(invalid)));
              } else {
                PubsubApi.permitted(call, result, scope, object, _ -> then.accept(parsed));
              }
            });
  }

  // ---- what a client is to be ----

  /// Reads what a client is to be and goes on, or else answers 422 with `errors` and what is wrong
  /// with the body.
  private void wanted(
      Call call, List<FieldError> errors, JsonValue.Parsed parsed, Consumer<NewClient> then) {
    if (!(parsed instanceof JsonValue.Valid(JsonValue body))
        || body instanceof JsonValue.JsonNull) {
      errors.add(FieldError.missingBody());
      call.invalid(errors);
      return;
    }
    Fields fields = Fields.of(body);
    String name = fields.stripped("name", 1, MAX_NAME);
    String scopes = fields.stripped("scopes", 1, Integer.MAX_VALUE);
    Scopes.fault(scopes).ifPresent(fault -> fields.invalid("scopes", fault));
    boolean active = fields.bool("is_active", true);
    errors.addAll(fields.errors());
    if (errors.isEmpty()) {
      then.accept(NewClient.of(name, Scopes.of(scopes), active, services.random()));
    } else {
      call.invalid(errors);
    }
  }

  // ---- the calls ----

  private void create(Call call) {
    withBody(
        call,
        Scope.CLIENTS_CREATE,
        Optional.empty(),
        parsed -> wanted(call, new ArrayList<>(), parsed, wanted -> create(call, wanted)));
  }

  private void create(Call call, NewClient wanted) {
    services
        .passwords()
        .hash(
            wanted.secret(),
            call.loop(),
            hash ->
                call.guarded(() -> {
                  if (hash.isEmpty()) {
                    call.unavailable("the server is busy hashing secrets; try again");
                    return;
                  }
                  // Asked again: hashing takes long, and the caller may be nobody by now.
                  permitted(
                      call,
                      Scope.CLIENTS_CREATE,
                      Optional.empty(),
                      () -> create(call, wanted, hash.get()));
                }));
  }

  private void create(Call call, NewClient wanted, String hash) {
    Client client = wanted.withHash(hash, services.time().wallMs(), services.random());
    submit(
        call,
        new CreateClient(client),
        created ->
            call.json(
                201,
                new JsonOut(128)
                    .raw("{\"id\":")
                    .string(created.id())
                    .raw(",\"secret\":")
                    .string(wanted.secret())
                    .raw("}")));
  }

  private void list(Call call) {
    permitted(
        call,
        Scope.CLIENTS_READ,
        Optional.empty(),
        () -> {
          Fields query = Fields.ofQuery(call.request());
          long offset = query.integer("offset", 0, Long.MAX_VALUE, 0);
          long limit = query.integer("limit", 1, MAX_LISTED, DEFAULT_LISTED);
          if (query.hasErrors()) {
            call.invalid(query.errors());
          } else {
            call.json(
                200, ClientJson.write(services.node().directory().clients(offset, (int) limit)));
          }
        });
  }

  private void get(Call call) {
    String id = call.pathParameter("id");
    permitted(
        call,
        Scope.CLIENTS_READ,
        Optional.of(id),
        () ->
            named(
                call,
                id,
                clientId ->
                    services
                        .node()
                        .directory()
                        .client(clientId)
                        .ifPresentOrElse(
                            client -> call.json(200, ClientJson.write(client)),
                            () -> call.detail(404, "Client not found"))));
  }

  private void change(Call call) {
    String id = call.pathParameter("id");
    withBody(
        call,
        Scope.CLIENTS_UPDATE,
        Optional.of(id),
        parsed -> {
          List<FieldError> errors = new ArrayList<>();
          fault(id).ifPresent(errors::add);
          wanted(
              call,
              errors,
              parsed,
              wanted ->
                  named(
                      call,
                      id,
                      clientId ->
                          submit(
                              call,
                              new ChangeClient(
                                  clientId, wanted.name(), wanted.scopes(), wanted.active()),
                              changed -> call.json(200, ClientJson.write(changed)))));
        });
  }

  private void delete(Call call) {
    String id = call.pathParameter("id");
    permitted(
        call,
        Scope.CLIENTS_DELETE,
        Optional.of(id),
        () ->
            named(
                call,
                id,
                clientId -> submit(call, new DeleteClient(clientId), _ -> call.empty(204))));
  }

  /// Goes on with the client's id that `id` spells, or else answers 422.
  private static void named(Call call, String id, Consumer<String> then) {
    Uuids.parse(id)
        .map(UUID::toString)
        .ifPresentOrElse(then, () -> call.invalid(fault(id).stream().toList()));
  }

  private static Optional<FieldError> fault(String id) {
    return Uuids.fault(id)
        .map(fault ->
            new FieldError(
                "uuid_parsing",
                List.of("path", "id"),
                "Input should be a valid UUID, " + fault,
                Payload.of(new JsonOut(64).string(id).text()),
                Optional.of(
                    Payload.of(new JsonOut(64).raw("{\"error\":").string(fault).raw("}").text()))));
  }

  private <R> void submit(Call call, Command<R> command, Consumer<R> then) {
    PubsubApi.submit(services.node(), call, command, then);
  }
}
