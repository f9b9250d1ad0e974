// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.ops.SubscriptionMetrics;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.DueTimes;
import dev.tidings.server.wire.ErrorShape;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.WaitingCalls;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/// The pubsub API on one event loop (API of fastpubsub): its routes, and what its calls share.
public final class PubsubApi {
  private static final int MAX_LISTED = 100;
  private static final int DEFAULT_LISTED = 10;

  private final Services services;
  private final EventLoop loop;
  private final ConsumeCalls consumers;

  /// What it is built from; shared by all event loops.
  ///
  /// @param node the core
  /// @param authenticator tells who calls
  /// @param bodies gathers bodies
  /// @param published counts what is published
  /// @param metrics counts what is delivered
  /// @param time the clock
  /// @param dueTimes reads when messages are due
  /// @param waiters the bounds on those who wait for messages
  /// @param settings defaults and bounds
  public record Services(
      Node node,
      Authenticator authenticator,
      Bodies bodies,
      RelayMetrics published,
      SubscriptionMetrics metrics,
      TimeSource time,
      DueTimes dueTimes,
      WaitingCalls waiters,
      Settings settings) {
    Directory directory() {
      return node.directory();
    }
  }

  /// Defaults and bounds.
  ///
  /// @param anonymous whether calls without a token may do everything
  /// @param policy how a subscription delivers again that does not say so itself
  /// @param maxWait how long a consumer may wait for messages
  public record Settings(boolean anonymous, DeliveryPolicy policy, Duration maxWait) {}

  /// The pubsub API on `loop`.
  public PubsubApi(Services services, EventLoop loop) {
    this.services = services;
    this.loop = loop;
    this.consumers = new ConsumeCalls(this, services);
    loop.core().readers().onPrincipalChange(consumers::recheck);
  }

  /// Adds its routes.
  public void route(Routes routes) {
    routes.telling(
        ErrorShape.DETAIL,
        () -> {
          new TopicCalls(this, services).route(routes);
          new PublishCalls(this, services).route(routes);
          new ScheduledCalls(this, services).route(routes);
          new SubscriptionCalls(this, services).route(routes);
          new DeadLetterCalls(this, services).route(routes);
          new ProbeCalls(services.node()).route(routes);
          consumers.route(routes);
        });
  }

  /// Answers those who wait for messages because the server stops.
  public void goAway() {
    consumers.goAway();
  }

  /// The event loop it is on.
  public EventLoop loop() {
    return loop;
  }

  // ---- who calls ----

  /// A rule of the access policy about a subscription and its topic.
  interface Rule {
    /// Whether `principal` may.
    boolean allows(Principal principal, Subscription subscription, Topic topic);
  }

  /// Goes on if somebody calls who may make calls of `scope` on `object`, the id in the path, or
  /// else answers 401 or 403.
  void permitted(
      Call call, Scope scope, Optional<String> object, Consumer<Authenticator.Caller> then) {
    Authenticator.Result result = services.authenticator().ofRequest(call);
    permitted(call, result, scopeOf(scope, object, result), object, then);
  }

  /// What a call needs: to consume from a queue, the scope of queues does too.
  private Scope scopeOf(Scope scope, Optional<String> object, Authenticator.Result result) {
    boolean isConsumed =
        scope == Scope.SUBSCRIPTIONS_CONSUME
            && result instanceof Authenticator.Caller caller
            && object
                .flatMap(services.directory()::queue)
                .filter(queue -> AccessPolicy.mayConsumeQueue(caller.principal(), queue))
                .isPresent();
    return isConsumed ? Scope.QUEUES_CONSUME : scope;
  }

  /// As above, for somebody who is known by now.
  static void permitted(
      Call call,
      Authenticator.Result result,
      Scope scope,
      Optional<String> object,
      Consumer<Authenticator.Caller> then) {
    switch (result) {
      case Authenticator.Caller caller -> {
        call.calledBy(caller.principal().displayName());
        if (AccessPolicy.mayCall(caller.principal(), scope, object)) {
          then.accept(caller);
        } else {
          denied(call);
        }
      }
      case Authenticator.Unknown(Authenticator.Reason reason) -> unknown(call, reason);
      case Authenticator.Barred(Authenticator.Reason reason) -> unknown(call, reason);
    }
  }

  /// Answers 401. Users are to this API what clients are.
  static void unknown(Call call, Authenticator.Reason reason) {
    call.detail(
        401,
        switch (reason) {
          case NO_TOKEN, BAD_TOKEN -> "Invalid jwt token";
          case TOKEN_REVOKED -> "Token revoked";
          case USER_MISSING, CLIENT_MISSING -> "Client not found";
          case USER_INACTIVE, CLIENT_DISABLED -> "Client disabled";
        });
  }

  /// Answers 403.
  static void denied(Call call) {
    call.detail(403, "Insufficient scope");
  }

  // ---- bodies ----

  /// What goes on with the body of a call.
  interface BodyCall {
    /// Goes on.
    void with(Authenticator.Caller caller, JsonValue body);
  }

  /// A call that sends JSON, in the order of the contract's checks: malformed JSON, then who calls
  /// and what it may, then the body.
  ///
  /// @param depth how deep the body is read
  void withBody(Call call, Scope scope, Optional<String> object, int depth, BodyCall then) {
    services
        .bodies()
        .read(
            call,
            bytes -> {
              Authenticator.Result result = services.authenticator().ofRequest(call);
              Scope needed = scopeOf(scope, object, result);
              JsonValue.Parsed parsed = parsed(bytes, result, needed, object, depth);
              if (parsed instanceof JsonValue.Invalid invalid) {
                call.invalid(List.of(FieldError.malformed(invalid)));
                return;
              }
              permitted(call, result, needed, object, caller -> given(call, parsed, caller, then));
            });
  }

  /// The JSON in `bytes`, read as deep as `depth`. Whoever may not call has it checked, but not
  /// read.
  static JsonValue.Parsed parsed(
      byte[] bytes, Authenticator.Result result, Scope scope, Optional<String> object, int depth) {
    boolean isAllowed =
        result instanceof Authenticator.Caller caller
            && AccessPolicy.mayCall(caller.principal(), scope, object);
    return JsonValue.parse(bytes, isAllowed ? depth : 0);
  }

  private static void given(
      Call call, JsonValue.Parsed parsed, Authenticator.Caller caller, BodyCall then) {
    if (parsed instanceof JsonValue.Valid(JsonValue body)
        && !(body instanceof JsonValue.JsonNull)) {
      then.with(caller, body);
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

  // ---- what is there ----

  /// The topic `id` if `allowed` admits it, or else the answer 404 or 403. A queue's is none.
  void topic(Call call, String id, Predicate<Topic> allowed, Consumer<Topic> then) {
    Optional<Topic> topic =
        services.directory().topic(id).filter(it -> !Queue.isReserved(it.name()));
    if (topic.isEmpty()) {
      call.detail(404, "Topic not found");
    } else if (allowed.test(topic.get())) {
      then.accept(topic.get());
    } else {
      denied(call);
    }
  }

  /// The subscription that the path names if `rule` admits it, or else the answer 404 or 403.
  void subscription(Call call, Principal principal, Rule rule, Consumer<Subscription> then) {
    Optional<Subscription> found = services.directory().subscription(call.pathParameter("id"));
    Optional<Topic> topic = found.flatMap(this::topicOf);
    if (found.isEmpty() || topic.isEmpty()) {
      call.detail(404, "Subscription not found");
    } else if (rule.allows(principal, found.get(), topic.get())) {
      then.accept(found.get());
    } else {
      denied(call);
    }
  }

  /// The topic of a subscription, unless it has just been deleted.
  Optional<Topic> topicOf(Subscription subscription) {
    return services
        .directory()
        .topic(subscription.topic())
        .filter(it -> it.incarnation() == subscription.incarnation());
  }

  // ---- lists ----

  /// A page of a list.
  ///
  /// @param offset of the first
  /// @param limit at most so many
  record Page(long offset, int limit) {
    /// The page that the query names, or else the answer 422.
    static Optional<Page> of(Call call) {
      Fields query = Fields.ofQuery(call.request());
      long offset = query.integer("offset", 0, Long.MAX_VALUE, 0);
      int limit = (int) query.integer("limit", 1, MAX_LISTED, DEFAULT_LISTED);
      return answeredInvalid(call, query) ? Optional.empty() : Optional.of(new Page(offset, limit));
    }
  }

  /// Answers a page of those in `all` that `shown` admits, in the order of their ids. They are
  /// looked through away from the event loop: there may be millions.
  <T> void list(Call call, Map<String, T> all, Predicate<T> shown, Function<T, JsonOut> write) {
    Optional<Page> page = Page.of(call);
    if (page.isEmpty()) {
      return;
    }
    call.loop()
        .context()
        .executeBlocking(() -> list(page.get(), all, shown, write), /* ordered= */ false)
        .onSuccess(answer -> call.guarded(() -> call.json(200, answer)))
        .onFailure(fault -> call.failed(new IllegalStateException("no list", fault)));
  }

  private static <T> JsonOut list(
      Page page, Map<String, T> all, Predicate<T> shown, Function<T, JsonOut> write) {
    List<T> found =
        page.offset() >= all.size()
            ? List.of()
            : all.values().stream().filter(shown).skip(page.offset()).limit(page.limit()).toList();
    return PubsubJson.data(found, write);
  }

  // ---- commands ----

  /// Hands in `command` and goes on with what it yields, or else answers its refusal.
  <R> void submit(Call call, Command<R> command, Consumer<R> then) {
    submit(services.node(), call, command, then);
  }

  /// As above.
  static <R> void submit(Node node, Call call, Command<R> command, Consumer<R> then) {
    node.submit(
        command,
        call.loop(),
        outcome ->
            call.guarded(() -> {
              switch (outcome) {
                case Outcome.Done<R>(R result) -> then.accept(result);
                case Outcome.Refused<R>(Refusal refusal) -> refused(call, refusal);
              }
            }));
  }

  /// Answers a refusal of the core in the words of this API.
  static void refused(Call call, Refusal refusal) {
    switch (refusal.code()) {
      case TOPIC_EXISTS -> call.detail(409, "This topic already exists");
      case SUBSCRIPTION_EXISTS -> call.detail(409, "This subscription already exists");
      case TOPIC_MISSING -> call.detail(404, "Topic not found");
      case SUBSCRIPTION_MISSING -> call.detail(404, "Subscription not found");
      case CLIENT_MISSING -> call.detail(404, "Client not found");
      case LIMIT_REACHED -> call.detail(429, refusal.detail());
      case USER_MISSING,
          USER_EXISTS,
          ALREADY_GRANTED,
          NOT_GRANTED,
          EXCHANGE_EXISTS,
          EXCHANGE_MISSING,
          QUEUE_EXISTS,
          QUEUE_MISSING,
          BINDING_MISSING,
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
}
