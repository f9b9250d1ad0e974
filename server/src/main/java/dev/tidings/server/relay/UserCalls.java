// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.command.CreateUser;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Logging in, creating users and telling who one is (API of pulsar-relay v0.1.0).
final class UserCalls {
  private static final Set<String> PERMISSIONS = Set.of("admin", "read", "write");
  private static final String EXPECTED_PERMISSIONS = "'admin', 'read' or 'write'";
  private static final int MAX_FORM_FIELDS = 16;
  private static final int MAX_EMAIL = 254;
  private static final int MAX_PASSWORD = 1024;

  private final RelayApi api;
  private final Services services;

  UserCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/auth/login", RateLimits.Kind.LOGIN, this::login);
    routes.add(HttpMethod.POST, "/auth/register", this::register);
    routes.add(HttpMethod.GET, "/auth/me", this::me);
  }

  // ---- login ----

  private void login(Exchange exchange) {
    services
        .bodies()
        .read(
            exchange,
            bytes -> {
              Map<String, List<String>> form;
              try {
                form = formOf(exchange, bytes);
              } catch (IllegalArgumentException _) {
                // A broken escape such as a lone `%`; the text is FastAPI's.
                exchange.detail(400, "There was an error parsing the body");
                return;
              }
              login(exchange, form);
            });
  }

  /// The fields of a form; none if the body is of another type, as FastAPI sees it.
  private static Map<String, List<String>> formOf(Exchange exchange, byte[] bytes) {
    String type = exchange.header(HttpHeaders.CONTENT_TYPE).toLowerCase(Locale.ROOT);
    return type.startsWith("application/x-www-form-urlencoded")
        ? new QueryStringDecoder(
                RelayApi.utf8(bytes), StandardCharsets.UTF_8, false, MAX_FORM_FIELDS)
            .parameters()
        : Map.of();
  }

  private void login(Exchange exchange, Map<String, List<String>> form) {
    List<FieldError> errors = new ArrayList<>();
    String grantType = form.getOrDefault("grant_type", List.of("password")).getLast();
    if (!grantType.isEmpty() && !grantType.equals("password")) {
      errors.add(
          new FieldError(
              "string_pattern_mismatch",
              List.of("body", "grant_type"),
              "String should match pattern '^password$'",
              Payload.of(new JsonOut(32).string(grantType).text()),
              Optional.of(Payload.of("{\"pattern\":\"^password$\"}"))));
    }
    String username = required(form, "username", errors);
    String password = required(form, "password", errors);
    if (!errors.isEmpty()) {
      exchange.invalid(errors);
      return;
    }
    Optional<User> user = services.directory().userByName(username);
    services
        .passwords()
        .check(
            password,
            user.map(User::passwordHash),
            exchange.loop(),
            checked ->
                RelayApi.orBusy(exchange, checked, good -> answerLogin(exchange, user, good)));
  }

  private static String required(
      Map<String, List<String>> form, String name, List<FieldError> errors) {
    String value = form.getOrDefault(name, List.of("")).getLast();
    if (value.isEmpty()) {
      errors.add(
          new FieldError(
              "missing",
              List.of("body", name),
              "Field required",
              Payload.of("null"),
              Optional.empty()));
    }
    return value;
  }

  private void answerLogin(Exchange exchange, Optional<User> user, boolean good) {
    if (!good || user.isEmpty()) {
      exchange.unauthorized("Incorrect username or password");
    } else if (!user.get().active()) {
      exchange.detail(403, "User account is inactive");
    } else {
      exchange.calledBy(user.get().username());
      exchange.json(
          200,
          new JsonOut(512)
              .raw("{\"access_token\":")
              .string(services.tokens().issue(user.get()))
              .raw(",\"token_type\":\"bearer\",\"expires_in\":")
              .number(services.tokens().lifetime().toSeconds())
              .raw("}"));
    }
  }

  // ---- users ----

  private void register(Exchange exchange) {
    api.withBody(exchange, Permission.ADMIN, 2, (_, fields) -> register(exchange, fields));
  }

  private void register(Exchange exchange, Fields fields) {
    String username = fields.string("username", 3, 50);
    Optional<String> email = fields.optionalString("email", 0, MAX_EMAIL);
    String password = fields.string("password", 8, MAX_PASSWORD);
    List<String> words = fields.words("permissions", PERMISSIONS, EXPECTED_PERMISSIONS);
    if (RelayApi.answeredInvalid(exchange, fields)) {
      return;
    }
    if (services.directory().userByName(username).isPresent()) {
      // Known without hashing first; the shard has the last word.
      exchange.refused(
          new Refusal(Refusal.Code.USER_EXISTS, "Username '" + username + "' already exists"));
      return;
    }
    services
        .passwords()
        .hash(
            password,
            exchange.loop(),
            hash ->
                RelayApi.orBusy(
                    exchange, hash, it -> create(exchange, username, email, it, words)));
  }

  private void create(
      Exchange exchange, String username, Optional<String> email, String hash, List<String> words) {
    Set<Permission> permissions = EnumSet.noneOf(Permission.class);
    words.forEach(word -> permissions.add(Permission.valueOf(word.toUpperCase(Locale.ROOT))));
    User user =
        new User(
            UUID.randomUUID().toString(),
            username,
            email,
            hash,
            permissions,
            true,
            services.time().wallMs());
    services
        .node()
        .submit(
            new CreateUser(user),
            exchange.loop(),
            outcome ->
                exchange.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<User>(User created) -> exchange.json(201, write(created));
                    case Outcome.Refused<User>(Refusal refusal) -> exchange.refused(refusal);
                  }
                }));
  }

  private void me(Exchange exchange) {
    api.authenticated(exchange, user -> exchange.json(200, write(user)));
  }

  private JsonOut write(User user) {
    return UserJson.write(user, services.directory().topicsOwnedBy(user.id()));
  }
}
