// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Logins;
import dev.tidings.server.auth.Logins.Renewal;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Timestamps;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Logging in and out, renewing a login and looking at one's logins, which the API calls sessions
/// (API of pulsar-relay v0.1.0 and what its newer versions added).
final class LoginCalls {
  private static final int MAX_FORM_FIELDS = 16;
  private static final String HINT = "password-login";
  private static final String BAD_CREDENTIALS = "Incorrect username or password";

  private final RelayApi api;
  private final Services services;

  LoginCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/auth/login", RateLimits.Kind.LOGIN, this::login);
    routes.add(HttpMethod.POST, "/auth/token/refresh", RateLimits.Kind.REFRESH, this::refresh);
    routes.add(HttpMethod.POST, "/auth/token/revoke", this::revoke);
    routes.add(HttpMethod.GET, "/auth/sessions", this::sessions);
    routes.add(HttpMethod.DELETE, "/auth/sessions/{jti}", this::endSession);
    routes.add(HttpMethod.POST, "/auth/logout", this::logout);
  }

  // ---- logging in ----

  private void login(Call call) {
    services
        .bodies()
        .read(
            call,
            bytes -> {
              Map<String, List<String>> form;
              try {
                form = formOf(call, bytes);
              } catch (IllegalArgumentException _) {
                // A broken escape such as a lone `%`; the text is FastAPI's.
                call.detail(400, "There was an error parsing the body");
                return;
              }
              login(call, form);
            });
  }

  /// The fields of a form; none if the body is of another type, as FastAPI sees it.
  private static Map<String, List<String>> formOf(Call call, byte[] bytes) {
    String type = call.header(HttpHeaders.CONTENT_TYPE).toLowerCase(Locale.ROOT);
    return type.startsWith("application/x-www-form-urlencoded")
        ? new QueryStringDecoder(
                RelayApi.utf8(bytes), StandardCharsets.UTF_8, false, MAX_FORM_FIELDS)
            .parameters()
        : Map.of();
  }

  private void login(Call call, Map<String, List<String>> form) {
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
      call.invalid(errors);
      return;
    }
    if (password.length() > UserCalls.MAX_PASSWORD) {
      // Nobody has one so long; it must not wait in memory for its hash.
      call.unauthorized(BAD_CREDENTIALS);
      return;
    }
    Optional<User> user = services.directory().userByName(username);
    services
        .passwords()
        .check(
            password,
            user.map(User::passwordHash),
            call.loop(),
            checked -> RelayApi.orBusy(call, checked, good -> checked(call, user, good)));
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

  private void checked(Call call, Optional<User> user, boolean good) {
    if (!good || user.isEmpty()) {
      call.unauthorized(BAD_CREDENTIALS);
      return;
    }
    // Looked up again: checking took its time. What is decided after this, the shard sees.
    Optional<User> now = services.directory().userById(user.get().id());
    if (now.isEmpty()) {
      call.unauthorized(BAD_CREDENTIALS);
    } else if (!now.get().active()) {
      call.detail(403, "User account is inactive");
    } else {
      services
          .logins()
          .open(
              user.get(), HINT, call.loop(), outcome -> call.guarded(() -> opened(call, outcome)));
    }
  }

  private static void opened(Call call, Outcome<Logins.Grant> outcome) {
    switch (outcome) {
      case Outcome.Done<Logins.Grant>(Logins.Grant grant) -> answer(call, grant);
      case Outcome.Refused<Logins.Grant>(Refusal refusal) -> {
        if (refusal.code() == Refusal.Code.USER_MISSING) {
          call.unauthorized(BAD_CREDENTIALS);
        } else {
          refused(call, refusal);
        }
      }
    }
  }

  private static void refused(Call call, Refusal refusal) {
    if (refusal.code() == Refusal.Code.LIMIT_REACHED) {
      call.detail(429, refusal.detail());
    } else {
      call.refused(refusal);
    }
  }

  private static void answer(Call call, Logins.Grant grant) {
    call.calledBy(grant.username());
    call.json(
        200,
        new JsonOut(1024)
            .raw("{\"access_token\":")
            .string(grant.accessToken())
            .raw(",\"token_type\":\"bearer\",\"expires_in\":")
            .number(grant.lifetime().toSeconds())
            .raw(",\"refresh_token\":")
            .string(grant.refreshToken())
            .raw("}"));
  }

  // ---- refresh tokens ----

  private void refresh(Call call) {
    api.withOpenBody(
        call,
        fields -> {
          String token = fields.string("refresh_token", 0, Integer.MAX_VALUE);
          if (!RelayApi.answeredInvalid(call, fields)) {
            services
                .logins()
                .renew(token, call.loop(), renewal -> call.guarded(() -> renewed(call, renewal)));
          }
        });
  }

  private static void renewed(Call call, Renewal renewal) {
    switch (renewal) {
      case Renewal.Renewed(Logins.Grant grant) -> answer(call, grant);
      case Renewal.Rejected() -> call.unauthorized("invalid refresh token");
      case Renewal.NoUser() -> call.unauthorized("user not found");
      case Renewal.Refused(Refusal refusal) -> call.refused(refusal);
    }
  }

  private void revoke(Call call) {
    api.withOpenBody(
        call,
        fields -> {
          String token = fields.string("refresh_token", 0, Integer.MAX_VALUE);
          boolean anyGeneration = fields.bool("revoke_chain", false);
          if (RelayApi.answeredInvalid(call, fields)) {
            return;
          }
          int dot = token.indexOf('.');
          if (dot <= 0 || dot == token.length() - 1) {
            call.detail(400, "malformed refresh token");
            return;
          }
          services.logins().revoke(token, anyGeneration, call.loop(), ended(call));
        });
  }

  /// Answers when a login is revoked, or did not have to be.
  private static Consumer<Optional<Refusal>> ended(Call call) {
    return refusal ->
        call.guarded(() -> refusal.ifPresentOrElse(it -> refused(call, it), () -> call.empty(204)));
  }

  // ---- sessions ----

  private void sessions(Call call) {
    api.asUser(call, user -> call.json(200, sessionsOf(user)));
  }

  private JsonOut sessionsOf(User user) {
    long now = services.time().wallMs();
    List<Login> logins =
        services.directory().loginsOf(user.id()).stream()
            .flatMap(id -> services.directory().login(id).stream())
            .filter(login -> !login.isRevoked() && login.expiresAt() > now)
            .sorted(Comparator.comparingLong(Login::issuedAt).thenComparing(Login::id))
            .toList();
    JsonOut out = new JsonOut(64 + 256 * logins.size()).raw("[");
    String separator = "";
    for (Login login : logins) {
      out.raw(separator);
      write(out, login);
      separator = ",";
    }
    return out.raw("]");
  }

  private static void write(JsonOut out, Login login) {
    out.raw("{\"jti\":")
        .string(login.id())
        .raw(",\"issued_at\":\"")
        .raw(Timestamps.utc(login.issuedAt()))
        .raw("\",\"expires_at\":\"")
        .raw(Timestamps.utc(login.expiresAt()))
        .raw("\",\"last_used_at\":")
        .string(login.lastUsedAt().map(Timestamps::utc))
        .raw(",\"client_hint\":")
        .string(login.hint())
        .raw("}");
  }

  private void endSession(Call call) {
    api.asUser(
        call,
        user -> {
          Optional<Login> own =
              services
                  .directory()
                  .login(call.pathParameter("jti"))
                  .filter(login -> login.userId().equals(user.id()));
          if (own.isPresent()) {
            services.logins().revoke(own.get(), call.loop(), ended(call));
          } else {
            call.detail(404, "session not found");
          }
        });
  }

  private void logout(Call call) {
    api.asUser(call, (user, loginId) -> logout(call, user, loginId));
  }

  private void logout(Call call, User user, Optional<String> loginId) {
    if (loginId.isPresent()) {
      services.logins().revoke(user, loginId.get(), call.loop(), ended(call));
    } else {
      // Nothing belongs to a token without a login; it ends by itself.
      call.empty(204);
    }
  }
}
