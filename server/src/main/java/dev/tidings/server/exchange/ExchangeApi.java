// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.User;
import dev.tidings.core.exchange.ExchangePublisher;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.ops.ExchangeMetrics;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.ErrorShape;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Text;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/// The calls of the exchange API (API of VarthanV/pub-sub) on one event loop: their routes, and
/// what they share. Its sockets are `ExchangeSocket`s.
public final class ExchangeApi {
  private static final int MAX_SHOWN = 100;

  private static final Refusal NO_EXCHANGE =
      new Refusal(Refusal.Code.EXCHANGE_MISSING, "Exchange doesn't exist");

  private static final Refusal NO_QUEUE =
      new Refusal(Refusal.Code.QUEUE_MISSING, "Queue doesn't exist");

  private final Services services;

  /// What it is built from; shared by all event loops.
  ///
  /// @param node the core
  /// @param authenticator tells who calls
  /// @param bodies gathers bodies
  /// @param publisher routes what is published
  /// @param metrics counts what is published
  /// @param settings defaults
  public record Services(
      Node node,
      Authenticator authenticator,
      Bodies bodies,
      ExchangePublisher publisher,
      ExchangeMetrics metrics,
      Settings settings) {
    Directory directory() {
      return node.directory();
    }
  }

  /// Defaults of the API.
  ///
  /// @param anonymous whether calls without a token may do everything
  /// @param policy how a queue delivers again that does not say so itself
  public record Settings(boolean anonymous, DeliveryPolicy policy) {}

  /// The calls on one event loop.
  public ExchangeApi(Services services) {
    this.services = services;
  }

  /// Adds its routes.
  public void route(Routes routes) {
    routes.telling(
        ErrorShape.MESSAGE,
        () -> {
          routes.add(HttpMethod.GET, "/ping", ExchangeApi::ping);
          new ExchangeCalls(this).route(routes);
          new QueueCalls(this).route(routes);
          new BindingCalls(this).route(routes);
          new PublishCalls(this).route(routes);
        });
  }

  private static void ping(Call call) {
    call.json(200, new JsonOut(20).raw("{\"message\":\"PONG\"}"));
  }

  Services services() {
    return services;
  }

  // ---- who calls, and with what ----

  /// Goes on if somebody calls whom we know, or else answers 401 or 403.
  void identified(Call call, Consumer<Principal> then) {
    switch (services.authenticator().ofRequest(call)) {
      case Authenticator.Caller caller -> {
        call.calledBy(caller.principal().displayName());
        then.accept(caller.principal());
      }
      case Authenticator.Unknown unknown -> call.unauthorized(unknown.detail());
      case Authenticator.Barred barred -> call.detail(403, barred.detail());
    }
  }

  /// Goes on with the fields of the body if somebody calls whom we know, or else answers 400, 401
  /// or 403.
  void withBody(Call call, BiConsumer<Principal, RequestFields> then) {
    services
        .bodies()
        .read(call, body -> identified(call, caller -> withBody(call, body, caller, then)));
  }

  private static void withBody(
      Call call, byte[] body, Principal caller, BiConsumer<Principal, RequestFields> then) {
    switch (JsonValue.parseFirst(body, RequestFields.DEPTH)) {
      case JsonValue.Valid(JsonValue.JsonObject object) ->
          then.accept(caller, new RequestFields(object));
      case JsonValue.Valid(JsonValue other) ->
          call.detail(
              400,
              "the body is "
                  + Text.cut(other.raw().text(), MAX_SHOWN)
                  + " (expected: a JSON object)");
      case JsonValue.Invalid(long offset, String reason) ->
          call.detail(400, "the body is no JSON at byte " + offset + ": " + reason);
      case JsonValue.Absent _ -> call.detail(400, "the body is empty (expected: a JSON object)");
    }
  }

  // ---- what is named ----

  /// Goes on with the exchange `name` if there is one and `rule` admits it, or else answers 403 or
  /// 404.
  ///
  /// @param scope what a client needs
  void exchange(
      Call call,
      Principal caller,
      Scope scope,
      String name,
      Predicate<Exchange> rule,
      Consumer<Exchange> then) {
    found(
        call,
        caller,
        scope,
        name,
        () -> services.directory().exchange(name),
        () -> services.directory().damage(Entry.Kind.EXCHANGE, name),
        NO_EXCHANGE,
        rule,
        then);
  }

  /// Goes on with the exchange `name` if `caller` may manage it, or else answers 403 or 404.
  void managedExchange(Call call, Principal caller, String name, Consumer<Exchange> then) {
    exchange(
        call,
        caller,
        Scope.EXCHANGES_MANAGE,
        name,
        exchange -> AccessPolicy.mayManage(caller, exchange),
        then);
  }

  /// Goes on with the queue `name` if `caller` may manage it, or else answers 403 or 404.
  void managedQueue(Call call, Principal caller, String name, Consumer<Queue> then) {
    found(
        call,
        caller,
        Scope.QUEUES_MANAGE,
        name,
        () -> services.directory().queue(name),
        () -> services.directory().damageOfQueue(name),
        NO_QUEUE,
        queue -> AccessPolicy.mayManage(caller, queue),
        then);
  }

  private <T> void found(
      Call call,
      Principal caller,
      Scope scope,
      String name,
      Supplier<Optional<T>> find,
      Supplier<Optional<String>> damage,
      Refusal missing,
      Predicate<T> rule,
      Consumer<T> then) {
    if (!AccessPolicy.mayCall(caller, scope, Optional.of(name))) {
      denied(call, caller, scope, name);
      return;
    }
    Optional<T> found = find.get();
    Optional<String> damaged = damage.get();
    if (damaged.isPresent()) {
      call.refused(new Refusal(Refusal.Code.DAMAGED, damaged.get()));
    } else if (found.isEmpty()) {
      refused(call, missing);
    } else if (rule.test(found.get())) {
      then.accept(found.get());
    } else {
      denied(call, caller, scope, name);
    }
  }

  /// Answers 403 if `caller` is a client without `scope`, whatever its object.
  static boolean answeredDenied(Call call, Principal caller, Scope scope) {
    if (AccessPolicy.mayCall(caller, scope, Optional.empty())) {
      return false;
    }
    call.detail(403, "Scope '" + scope.text() + "' required");
    return true;
  }

  /// Answers 403.
  static void denied(Call call, Principal caller, Scope scope, String name) {
    call.detail(
        403,
        switch (caller) {
          case User _ ->
              "you may not do this with '"
                  + Text.cut(name, MAX_SHOWN)
                  + "' (expected: its owner, with the permission that the call needs, or an"
                  + " administrator)";
          case Client _ -> "Scope '" + scope.text() + "' required, for this name or all";
        });
  }

  // ---- commands ----

  /// Hands in `command` and goes on with what it yields, or else answers its refusal.
  <R> void submit(Call call, Command<R> command, Consumer<R> then) {
    services.node().submit(command, call.loop(), outcome -> answered(call, outcome, then));
  }

  /// Goes on with what an outcome yields, or else answers its refusal.
  static <R> void answered(Call call, Outcome<R> outcome, Consumer<R> then) {
    call.guarded(() -> {
      switch (outcome) {
        case Outcome.Done<R>(R result) -> then.accept(result);
        case Outcome.Refused<R>(Refusal refusal) -> refused(call, refusal);
      }
    });
  }

  private static void refused(Call call, Refusal refusal) {
    switch (refusal.code()) {
      case EXCHANGE_EXISTS -> call.error(409, "E001", "Exchange already exists");
      case EXCHANGE_MISSING -> call.error(404, "E002", "Exchange doesn't exist");
      case QUEUE_EXISTS -> call.error(409, "Q001", refusal.detail());
      case QUEUE_MISSING, SUBSCRIPTION_MISSING -> call.error(404, "Q002", "Queue doesn't exist");
      case BINDING_MISSING -> call.error(404, "B001", refusal.detail());
      case LIMIT_REACHED -> call.detail(429, refusal.detail());
      case TOPIC_EXISTS,
          TOPIC_MISSING,
          SUBSCRIPTION_EXISTS,
          CLIENT_MISSING,
          USER_MISSING,
          USER_EXISTS,
          ALREADY_GRANTED,
          NOT_GRANTED,
          STREAM_MISSING,
          STREAM_DELETED,
          NO_BUFFER,
          KEY_REUSED,
          TOO_MANY_KEYS,
          STALE_AUTHORITY,
          OVERLOADED,
          STORE_UNAVAILABLE,
          OUTCOME_UNKNOWN,
          FENCED,
          DAMAGED,
          EXHAUSTED,
          INTERNAL ->
          call.refused(refusal);
    }
  }

  /// Answers 404: a queue has gone meanwhile.
  static void noQueue(Call call) {
    refused(call, NO_QUEUE);
  }
}
