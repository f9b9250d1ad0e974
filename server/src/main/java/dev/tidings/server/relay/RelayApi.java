// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.auth.Logins;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.auth.Tokens;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.socket.SocketFrontEnd;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.DueTimes;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.OpenSessions;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.UserConnections;
import dev.tidings.server.wire.WaitingCalls;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The relay API on one event loop (pulsar-relay v0.1.0): its routes, and what its calls share.
public final class RelayApi {
  private static final String USERS_ONLY =
      "This call is about the user who makes it; the token is a client's (expected: the access"
          + " token of a user)";

  private final Services services;
  private final EventLoop loop;
  private final RelaySockets sockets;
  private final PollCalls polls;
  private final EventCalls events;
  private final Publisher publisher;

  /// What the relay is built from; shared by all event loops.
  ///
  /// @param node the core
  /// @param authenticator tells who calls
  /// @param logins opens, renews and ends logins
  /// @param passwords hashes and checks passwords
  /// @param bodies gathers bodies
  /// @param metrics counts
  /// @param time the clock
  /// @param dueTimes reads when messages are due
  /// @param random for ids
  /// @param settings the bounds
  /// @param waiters the bounds on polls that wait
  /// @param polled the topics they wait for
  /// @param connections live connections
  public record Services(
      Node node,
      Authenticator authenticator,
      Logins logins,
      Passwords passwords,
      Bodies bodies,
      RelayMetrics metrics,
      TimeSource time,
      DueTimes dueTimes,
      SecureRandom random,
      Settings settings,
      WaitingCalls waiters,
      PolledTopics polled,
      UserConnections connections) {
    Directory directory() {
      return node.directory();
    }

    /// The same, with other answers to who calls.
    public Services with(Authenticator other) {
      return new Services(
          node,
          other,
          logins,
          passwords,
          bodies,
          metrics,
          time,
          dueTimes,
          random,
          settings,
          waiters,
          polled,
          connections);
    }
  }

  /// The bounds of the relay.
  ///
  /// @param pingInterval between pings of a quiet WebSocket
  /// @param firstFrameTimeout within which a WebSocket has to subscribe
  /// @param maxSocketTopics topics in one subscribe
  /// @param sendBuffer bytes that may wait in a WebSocket or an event stream
  /// @param maxPublishing messages of one WebSocket that may be on their way to the store
  /// @param maxPollTopics topics in one poll
  /// @param maxWaiters polls that wait at once
  /// @param maxWaitersPerUser polls of one user that wait at once
  /// @param maxConnectionsPerUser WebSockets and event streams of one user
  public record Settings(
      Duration pingInterval,
      Duration firstFrameTimeout,
      int maxSocketTopics,
      int sendBuffer,
      int maxPublishing,
      int maxPollTopics,
      int maxWaiters,
      int maxWaitersPerUser,
      int maxConnectionsPerUser) {}

  /// The relay on `loop`.
  public RelayApi(Services services, EventLoop loop) {
    this.services = services;
    this.loop = loop;
    this.publisher = new Publisher(services.node(), services.authenticator(), loop);
    this.sockets = new RelaySockets(loop, services, publisher);
    this.polls = new PollCalls(this, services);
    this.events = new EventCalls(loop, services);
    loop.core().readers().onPrincipalChange(this::recheck);
  }

  /// Adds its routes.
  public void route(Routes routes) {
    new LoginCalls(this, services).route(routes);
    new UserCalls(this, services).route(routes);
    new TopicCalls(this, services).route(routes);
    new GrantCalls(this, services).route(routes);
    new PublishCalls(this, services, publisher).route(routes);
    new HistoryCalls(this, services).route(routes);
    new ConsumerCalls(this, services).route(routes);
    polls.route(routes);
    events.route(routes);
  }

  /// Looks at the sessions of a user or client again, which or whose token was changed: those that
  /// may not go on end.
  private void recheck(String principalId) {
    sessions().forEach(open -> open.recheck(principalId));
  }

  private List<OpenSessions<?>> sessions() {
    return List.of(polls.open(), events.open());
  }

  /// Ends its event streams and polls because the server stops.
  public void goAway() {
    sessions().forEach(OpenSessions::goAway);
  }

  // ---- what calls share ----

  /// A call by a known user or client, who may act.
  interface Permitted {
    /// Does it.
    void by(Principal principal);
  }

  /// Finds out who calls and goes on if it is somebody, or else answers 401 or 403.
  void authenticated(Call call, Permitted permitted) {
    identified(call, caller -> permitted.by(caller.principal()));
  }

  /// As above, for calls that are about the user who makes them; a client is answered 403.
  void asUser(Call call, Consumer<User> then) {
    asUser(call, (user, _) -> then.accept(user));
  }

  /// As above, for calls that are about the login of the caller too.
  void asUser(Call call, BiConsumer<User, Optional<String>> then) {
    identified(
        call,
        caller -> {
          switch (caller.principal()) {
            case User user -> then.accept(user, caller.loginId());
            case Client _ -> call.detail(403, USERS_ONLY);
          }
        });
  }

  private void identified(Call call, Consumer<Authenticator.Caller> then) {
    allowed(call, services.authenticator().ofRequest(call), null, then);
  }

  /// As [#authenticated], for those who have `right`.
  void permitted(Call call, Right right, Permitted permitted) {
    allowed(
        call,
        services.authenticator().ofRequest(call),
        right,
        caller -> permitted.by(caller.principal()));
  }

  /// The topic that the path names, or else the answer 404.
  void existing(Call call, Consumer<Topic> then) {
    String name = call.pathParameter("topic_name");
    services
        .directory()
        .topic(name)
        .filter(topic -> !Queue.isReserved(topic.name()))
        .ifPresentOrElse(then, () -> call.detail(404, "Topic '" + name + "' not found"));
  }

  /// The topic that the path names if `principal` may change it, or else the answer 404, or 403
  /// with what only its owner can do.
  void managed(Call call, Principal principal, String what, Consumer<Topic> then) {
    managed(call, topic -> AccessPolicy.mayManage(principal, topic), what, then);
  }

  /// As above, by another rule than who may change it.
  void managed(Call call, Predicate<Topic> rule, String what, Consumer<Topic> then) {
    existing(
        call,
        topic -> {
          if (rule.test(topic)) {
            then.accept(topic);
          } else {
            call.detail(403, "Only the topic owner can " + what);
          }
        });
  }

  /// Hands in `command` and goes on with what it yields, or else answers its refusal.
  <R> void submit(Call call, Command<R> command, Consumer<R> then) {
    services
        .node()
        .submit(
            command,
            call.loop(),
            outcome ->
                call.guarded(() -> {
                  switch (outcome) {
                    case Outcome.Done<R>(R result) -> then.accept(result);
                    case Outcome.Refused<R>(Refusal refusal) -> call.refused(refusal);
                  }
                }));
  }

  private static boolean isAllowed(Authenticator.Result result, @Nullable Right right) {
    return result instanceof Authenticator.Caller caller
        && (right == null || AccessPolicy.has(caller.principal(), right));
  }

  /// Goes on with `then` if `result` is somebody who has `right`, or else answers 401 or 403.
  static void allowed(
      Call call,
      Authenticator.Result result,
      @Nullable Right right,
      Consumer<Authenticator.Caller> then) {
    switch (result) {
      case Authenticator.Caller caller -> {
        call.calledBy(caller.principal().displayName());
        if (right == null || AccessPolicy.has(caller.principal(), right)) {
          then.accept(caller);
        } else {
          call.detail(403, requires(right));
        }
      }
      case Authenticator.Unknown unknown -> call.unauthorized(unknown.detail());
      case Authenticator.Barred barred -> call.detail(403, barred.detail());
    }
  }

  /// What somebody is told who lacks `right`.
  static String requires(Right right) {
    return "Permission '" + Tokens.spell(right.permission()) + "' required";
  }

  /// A call of anybody known that sends a JSON object, in the contract's order of checks: malformed
  /// JSON, then who calls and what it may, then the fields.
  ///
  /// @param depth how deep the body is read
  /// @param then gets the caller and the fields; it checks them for errors
  void withBody(Call call, int depth, BiConsumer<Principal, Fields> then) {
    services
        .bodies()
        .read(
            call,
            bytes ->
                read(
                    call,
                    bytes,
                    depth,
                    null,
                    (caller, fields) -> then.accept(caller.principal(), fields)));
  }

  /// As above, for calls that need a right.
  void withBody(Call call, Right right, int depth, BiConsumer<Principal, Fields> then) {
    withBodyOf(call, right, depth, (caller, fields) -> then.accept(caller.principal(), fields));
  }

  /// As above, for calls that go on while their caller may.
  void withBodyOf(
      Call call, Right right, int depth, BiConsumer<Authenticator.Caller, Fields> then) {
    services.bodies().read(call, bytes -> read(call, bytes, depth, right, then));
  }

  /// A call of anybody that sends a JSON object of plain values.
  void withOpenBody(Call call, Consumer<Fields> then) {
    services
        .bodies()
        .read(
            call,
            bytes -> {
              JsonValue.Parsed parsed = JsonValue.parse(bytes, 1);
              if (parsed instanceof JsonValue.Invalid invalid) {
                call.invalid(List.of(FieldError.malformed(invalid)));
              } else {
                checked(call, parsed, then);
              }
            });
  }

  private void read(
      Call call,
      byte[] bytes,
      int depth,
      @Nullable Right right,
      BiConsumer<Authenticator.Caller, Fields> then) {
    Authenticator.Result caller = services.authenticator().ofRequest(call);
    // Whoever may not call has the body checked, as the order of answers wants it, but not read:
    // that would cost a stranger nothing and the server many times the body's size.
    JsonValue.Parsed parsed = JsonValue.parse(bytes, isAllowed(caller, right) ? depth : 0);
    if (parsed instanceof JsonValue.Invalid invalid) {
      call.invalid(List.of(FieldError.malformed(invalid)));
      return;
    }
    allowed(
        call, caller, right, known -> checked(call, parsed, fields -> then.accept(known, fields)));
  }

  private static void checked(Call call, JsonValue.Parsed parsed, Consumer<Fields> then) {
    if (parsed instanceof JsonValue.Valid(JsonValue body)
        && !(body instanceof JsonValue.JsonNull)) {
      then.accept(Fields.of(body));
    } else {
      call.invalid(List.of(FieldError.missingBody()));
    }
  }

  /// Answers 422 if `fields` has errors.
  static boolean answeredInvalid(Call call, Fields fields) {
    if (fields.hasErrors()) {
      call.invalid(fields.errors());
      return true;
    }
    return false;
  }

  /// Runs `then` with a value, or answers that the server is busy hashing.
  static <T> void orBusy(Call call, Optional<T> value, Consumer<T> then) {
    call.guarded(() ->
        value.ifPresentOrElse(
            then, () -> call.unavailable("the server is busy checking passwords; try again")));
  }

  /// Takes over the WebSockets that are the relay's.
  public SocketFrontEnd sockets() {
    return sockets;
  }

  /// The event loop it is on.
  public EventLoop loop() {
    return loop;
  }

  static String utf8(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
