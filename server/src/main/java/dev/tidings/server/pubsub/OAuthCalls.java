// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Directory;
import dev.tidings.server.auth.ClientTokens;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// Tokens for clients: OAuth 2 client credentials, as JSON (API of fastpubsub).
public final class OAuthCalls {
  // No secret is so long; it must not wait in memory for its hash.
  private static final int MAX_SECRET = 1024;

  private final Directory directory;
  private final ClientTokens tokens;
  private final Passwords passwords;
  private final Bodies bodies;

  /// Tokens for the clients in `directory`.
  public OAuthCalls(Directory directory, ClientTokens tokens, Passwords passwords, Bodies bodies) {
    this.directory = directory;
    this.tokens = tokens;
    this.passwords = passwords;
    this.bodies = bodies;
  }

  /// Adds its route.
  public void route(Routes routes) {
    routes.add(HttpMethod.POST, "/oauth/token", RateLimits.Kind.LOGIN, this::token);
  }

  private void token(Call call) {
    bodies.read(
        call,
        bytes -> {
          switch (JsonValue.parse(bytes, 1)) {
            case JsonValue.Valid(JsonValue.JsonNull _), JsonValue.Absent _ ->
                call.invalid(List.of(FieldError.missingBody()));
            case JsonValue.Valid(JsonValue body) -> token(call, Fields.of(body));
            case JsonValue.Invalid invalid -> call.invalid(List.of(FieldError.malformed(invalid)));
          }
        });
  }

  private void token(Call call, Fields fields) {
    Optional<String> id = fields.uuid("client_id").map(UUID::toString);
    String secret = fields.string("client_secret", 0, Integer.MAX_VALUE);
    if (fields.hasErrors() || id.isEmpty()) {
      call.invalid(fields.errors());
      return;
    }
    active(
        call,
        id.get(),
        client -> {
          if (secret.length() > MAX_SECRET) {
            wrongSecret(call);
            return;
          }
          passwords.check(
              secret,
              Optional.of(client.secretHash()),
              call.loop(),
              checked -> call.guarded(() -> checked(call, id.get(), checked)));
        });
  }

  /// Goes on with the client if it may act, or else answers 401: that it is there is no secret in
  /// this API.
  private void active(Call call, String id, Consumer<Client> then) {
    Optional<Client> client = directory.client(id);
    if (client.isEmpty()) {
      call.detail(401, "Client not found");
    } else if (!client.get().active()) {
      call.detail(401, "Client disabled");
    } else {
      then.accept(client.get());
    }
  }

  private static void wrongSecret(Call call) {
    call.detail(401, "Client secret is invalid");
  }

  private void checked(Call call, String id, Optional<Boolean> good) {
    if (good.isEmpty()) {
      call.unavailable("the server is busy checking secrets; try again");
    } else if (!good.get()) {
      wrongSecret(call);
    } else {
      // Looked up again: checking took its time.
      active(call, id, client -> answer(call, client));
    }
  }

  private void answer(Call call, Client client) {
    call.calledBy(client.name());
    call.json(
        201,
        new JsonOut(1024)
            .raw("{\"access_token\":")
            .string(tokens.issue(client))
            .raw(",\"token_type\":\"Bearer\",\"expires_in\":")
            .number(tokens.lifetime().toSeconds())
            .raw(",\"scope\":")
            .string(client.scopes().text())
            .raw("}"));
  }
}
