// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.ErrorShape;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.WaitingCalls;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The streams API on one event loop (API of iPubSub): its routes, and what its calls share.
public final class StreamsApi {
  private static final Logger LOG = LoggerFactory.getLogger(StreamsApi.class);

  private final Services services;
  private final EventLoop loop;
  private final ResumeTokens tokens;
  // On this event loop.
  private final Set<OpenCall<?>> waiting = new LinkedHashSet<>();
  private boolean stopping;

  /// What it is built from; shared by all event loops.
  ///
  /// @param node the core
  /// @param authenticator tells who calls
  /// @param bodies gathers bodies
  /// @param time the clock
  /// @param waiters the bounds on those who wait
  /// @param key signs the tokens with which replays go on
  /// @param settings bounds
  public record Services(
      Node node,
      Authenticator authenticator,
      Bodies bodies,
      TimeSource time,
      WaitingCalls waiters,
      Payload key,
      Settings settings) {
    Directory directory() {
      return node.directory();
    }
  }

  /// Bounds of the API.
  ///
  /// @param anonymous whether calls without a token may do everything
  /// @param maxSize messages that a stream may be made for
  /// @param maxTimeout how long a sender or receiver may wait
  /// @param maxTtl how long a stored message may be kept
  /// @param maxWaiters calls that wait at once
  /// @param maxWaitersPerUser calls of one user or client that wait at once
  public record Settings(
      boolean anonymous,
      int maxSize,
      Duration maxTimeout,
      Duration maxTtl,
      int maxWaiters,
      int maxWaitersPerUser) {}

  /// The streams API on `loop`.
  public StreamsApi(Services services, EventLoop loop) {
    this.services = services;
    this.loop = loop;
    this.tokens = new ResumeTokens(services.key());
    loop.core().readers().onPrincipalChange(this::recheck);
  }

  /// Adds its routes.
  public void route(Routes routes) {
    routes.telling(
        ErrorShape.BRIEF,
        () -> {
          routes.add(HttpMethod.GET, "/", StreamsApi::hello);
          new SendCalls(this).route(routes);
          new ReceiveCalls(this).route(routes);
          new OperatorCalls(this).route(routes);
        });
  }

  /// What clients of iPubSub look for to see whom they speak to.
  private static void hello(Call call) {
    call.json(200, new JsonOut(48).raw("{\"hello\":\"This is the iPubSub service\"}"));
  }

  Services services() {
    return services;
  }

  /// Reads and writes the tokens with which replays go on.
  ResumeTokens tokens() {
    return tokens;
  }

  /// The event loop it is on.
  public EventLoop loop() {
    return loop;
  }

  // ---- those who wait ----

  /// Answers those who wait because the server stops.
  public void goAway() {
    stopping = true;
    List.copyOf(waiting).forEach(OpenCall::goAway);
  }

  /// Looks at those who wait again, whose rights have become fewer.
  private void recheck(String principalId) {
    List.copyOf(waiting).forEach(call -> call.recheck(principalId));
  }

  /// Whether `call` may wait; if so it counts until it [leaves][#left].
  boolean mayWait(OpenCall<?> call) {
    if (!services.waiters().enter(call.principalId())) {
      return false;
    }
    waiting.add(call);
    return true;
  }

  /// A call that was let wait is over.
  void left(OpenCall<?> call) {
    waiting.remove(call);
    services.waiters().leave(call.principalId());
  }

  // ---- who calls ----

  /// Goes on if somebody calls whom we know, or else answers 401 or 403.
  void identified(Call call, Consumer<Authenticator.Caller> then) {
    switch (services.authenticator().ofRequest(call)) {
      case Authenticator.Caller caller -> {
        call.calledBy(caller.principal().displayName());
        then.accept(caller);
      }
      case Authenticator.Unknown unknown -> call.unauthorized(unknown.detail());
      case Authenticator.Barred barred -> call.detail(403, barred.detail());
    }
  }

  /// Goes on if an administrator calls, or else answers 401 or 403.
  void asOperator(Call call, Runnable then) {
    identified(
        call,
        caller -> {
          if (AccessPolicy.mayAdminister(caller.principal())) {
            then.run();
          } else {
            call.detail(403, "Permission 'admin' or scope '*' required");
          }
        });
  }

  /// Goes on if `principal` may make calls of `scope` on a stream, or else answers 403.
  static boolean answeredDenied(Call call, Principal principal, Scope scope, String stream) {
    if (mayCall(principal, scope, stream)) {
      return false;
    }
    deny(call, principal, scope);
    return true;
  }

  static boolean mayCall(Principal principal, Scope scope, String stream) {
    return AccessPolicy.mayCall(principal, scope, Optional.of(stream));
  }

  /// Answers 403.
  static void deny(Call call, Principal principal, Scope scope) {
    call.detail(
        403,
        switch (principal) {
          case User _ ->
              "Permission '" + (scope == Scope.STREAMS_SEND ? "write" : "read") + "' required";
          case Client _ -> "Scope '" + scope.text() + "' required, for this stream or all";
        });
  }

  /// The parameters of the query, in which `;` is a character as others are.
  static MultiMap query(Call call) {
    return call.request().params(/* semicolonIsNormalChar= */ true);
  }

  // ---- commands ----

  /// Whether the server stops, so that nobody may begin to wait.
  boolean isStopping() {
    return stopping;
  }

  /// Hands in `command` and goes on with what it yields, or else answers its refusal.
  <R> void submit(Call call, Command<R> command, Consumer<R> then) {
    services
        .node()
        .submit(
            command,
            loop,
            outcome ->
                call.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<R>(R result) -> then.accept(result);
                    case Outcome.Refused<R>(Refusal refusal) -> refused(call, refusal);
                  }
                }));
  }

  /// Hands in a command that ends a call or goes on with it, which is never refused for want of
  /// room.
  <R> void followUp(Command<R> command, Consumer<R> then) {
    services
        .node()
        .submit(
            command,
            loop,
            outcome -> {
              switch (outcome) {
                case Outcome.Done<R>(R result) -> then.accept(result);
                case Outcome.Refused<R>(Refusal refusal) ->
                    LOG.warn(
                        "{} was refused: {}", command.getClass().getSimpleName(), refusal.detail());
              }
            });
  }

  /// Answers a refusal of the core in the words of this API.
  static void refused(Call call, Refusal refusal) {
    switch (refusal.code()) {
      case STREAM_MISSING -> call.error(404, "stream not found", refusal.detail());
      case STREAM_DELETED -> call.error(410, "stream deleted", refusal.detail());
      case NO_BUFFER -> call.error(400, SendRequest.ERROR, refusal.detail());
      case LIMIT_REACHED -> call.detail(429, refusal.detail());
      case TOPIC_EXISTS,
          TOPIC_MISSING,
          SUBSCRIPTION_EXISTS,
          SUBSCRIPTION_MISSING,
          CLIENT_MISSING,
          USER_MISSING,
          USER_EXISTS,
          ALREADY_GRANTED,
          NOT_GRANTED,
          EXCHANGE_EXISTS,
          EXCHANGE_MISSING,
          QUEUE_EXISTS,
          QUEUE_MISSING,
          BINDING_MISSING,
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

  /// Answers 424: the time is up.
  static void timedOut(Call call) {
    call.error(424, "long poll waiting timeout", "");
  }
}
