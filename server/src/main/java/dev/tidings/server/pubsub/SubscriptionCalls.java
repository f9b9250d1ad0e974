// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.ChangeSubscription;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateSubscription;
import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.DeleteSubscription;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.filter.Filter;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/// Creating, listing, showing, changing, counting and deleting subscriptions (API of fastpubsub).
final class SubscriptionCalls {
  private static final String PATH = "/subscriptions/{id}";

  /// The longest lease, seconds.
  static final long MAX_ACK_DEADLINE_S = 86_400;

  /// Every subscription keeps its filter in memory.
  private static final int MAX_FILTER = 64 * 1024;

  private static final String FILTER_SHAPE =
      "Invalid filter structure. Expected format: {\"field_name\": [\"value1\", \"value2\"]} where"
          + " values are strings, numbers, or booleans";

  private final PubsubApi api;
  private final Services services;

  SubscriptionCalls(PubsubApi api, Services services) {
    this.api = api;
    this.services = services;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/subscriptions", this::create);
    routes.add(HttpMethod.GET, "/subscriptions", this::list);
    routes.add(HttpMethod.GET, PATH, this::get);
    routes.add(HttpMethod.PATCH, PATH, this::change);
    routes.add(HttpMethod.DELETE, PATH, this::delete);
    routes.add(HttpMethod.GET, PATH + "/metrics", this::count);
  }

  // ---- creating ----

  private void create(Call call) {
    api.withBody(
        call,
        Scope.SUBSCRIPTIONS_CREATE,
        Optional.empty(),
        1,
        (caller, body) -> create(call, caller, Fields.of(body)));
  }

  private void create(Call call, Authenticator.Caller caller, Fields fields) {
    String id = PubsubNames.read(fields, "id");
    String topicId = PubsubNames.read(fields, "topic_id");
    Optional<Payload> filter = filter(fields);
    DeliveryPolicy policy = policy(fields, services.settings().policy());
    Optional<SubscriptionStart> start = start(fields);
    if (PubsubApi.answeredInvalid(call, fields)) {
      return;
    }
    subscribable(
        call,
        caller.principal(),
        topicId,
        topic ->
            from(
                call,
                caller,
                topic,
                start.orElseThrow(),
                from ->
                    api.submit(
                        call,
                        new CreateSubscription(
                            id,
                            topicId,
                            topic.incarnation(),
                            caller.principal().id(),
                            filter,
                            policy,
                            from),
                        created -> call.json(201, PubsubJson.subscription(created)))));
  }

  private void subscribable(Call call, Principal principal, String topicId, Consumer<Topic> then) {
    api.topic(call, topicId, topic -> AccessPolicy.maySubscribe(principal, topic), then);
  }

  private static Optional<Payload> filter(Fields fields) {
    Optional<Payload> filter = fields.optionalObjectBytes("filter");
    if (filter.isPresent() && fields.isObject("filter")) {
      if (filter.get().size() > MAX_FILTER) {
        fields.invalid(
            "filter",
            "The filter has "
                + filter.get().size()
                + " bytes (expected: at most "
                + MAX_FILTER
                + ")");
      } else if (Filter.parse(filter.get()).isEmpty()) {
        fields.invalid("filter", FILTER_SHAPE);
      }
    }
    return filter;
  }

  /// The policy that `fields` say, and where they say nothing `standard`.
  private static DeliveryPolicy policy(Fields fields, DeliveryPolicy standard) {
    int attempts =
        (int) fields.integer("max_delivery_attempts", 1, Integer.MAX_VALUE, standard.maxAttempts());
    long minS =
        fields.integer("backoff_min_seconds", 1, Integer.MAX_VALUE, standard.backoffMinMs() / 1000);
    long maxS =
        fields.integer("backoff_max_seconds", 1, Integer.MAX_VALUE, standard.backoffMaxMs() / 1000);
    OptionalLong deadlineMs = standard.ackDeadlineMs();
    if (fields.isSent("ack_deadline_seconds")) {
      OptionalLong deadlineS =
          fields.optionalInteger("ack_deadline_seconds", 1, MAX_ACK_DEADLINE_S);
      deadlineMs = deadlineS.isEmpty() ? deadlineS : OptionalLong.of(deadlineS.getAsLong() * 1000);
    }
    return new DeliveryPolicy(attempts, minS * 1000, maxS * 1000, deadlineMs);
  }

  private static Optional<SubscriptionStart> start(Fields fields) {
    String text = fields.optionalString("start", 0, Integer.MAX_VALUE).orElse("now");
    Optional<SubscriptionStart> start = SubscriptionStart.parse(text);
    if (start.isEmpty()) {
      fields.invalid("start", SubscriptionStart.RULE);
    }
    return start;
  }

  /// Where a subscription of `topic` begins that is to begin at `start`.
  private void from(
      Call call,
      Authenticator.Caller caller,
      Topic topic,
      SubscriptionStart start,
      Consumer<From> then) {
    switch (start) {
      case SubscriptionStart.Now() -> then.accept(new From.Now());
      case SubscriptionStart.Earliest() -> then.accept(new From.Earliest());
      case SubscriptionStart.At(long timestamp) ->
          services
              .node()
              .history()
              .firstAtOrAfter(
                  topic.incarnation(),
                  timestamp,
                  call.loop(),
                  outcome ->
                      call.guarded(() -> {
                        switch (outcome) {
                          case Outcome.Done<Long>(Long sequence) ->
                              // Asked again: looking took its time, and the caller may be nobody by
                              // now.
                              PubsubApi.permitted(
                                  call,
                                  services.authenticator().now(caller),
                                  Scope.SUBSCRIPTIONS_CREATE,
                                  Optional.empty(),
                                  now ->
                                      subscribable(
                                          call,
                                          now.principal(),
                                          topic.name(),
                                          _ -> then.accept(new From.At(sequence))));
                          case Outcome.Refused<Long>(Refusal refusal) ->
                              PubsubApi.refused(call, refusal);
                        }
                      }));
    }
  }

  // ---- showing ----

  /// The subscriptions that the caller may see.
  private void list(Call call) {
    api.permitted(
        call,
        Scope.SUBSCRIPTIONS_READ,
        Optional.empty(),
        caller ->
            api.list(
                call,
                services.directory().subscriptions(),
                subscription ->
                    api.topicOf(subscription)
                        .map(topic ->
                            AccessPolicy.mayReadSubscription(
                                caller.principal(), subscription, topic))
                        .orElse(false),
                PubsubJson::subscription));
  }

  private void get(Call call) {
    readable(call, it -> call.json(200, PubsubJson.subscription(it)));
  }

  private void count(Call call) {
    readable(
        call,
        it ->
            api.submit(
                call,
                new CountMessages(it),
                counts -> call.json(200, PubsubJson.counts(it, counts))));
  }

  private void readable(Call call, Consumer<Subscription> then) {
    api.permitted(
        call,
        Scope.SUBSCRIPTIONS_READ,
        Optional.of(call.pathParameter("id")),
        caller ->
            api.subscription(call, caller.principal(), AccessPolicy::mayReadSubscription, then));
  }

  // ---- changing and deleting ----

  private void change(Call call) {
    api.withBody(
        call,
        Scope.SUBSCRIPTIONS_DELETE,
        Optional.of(call.pathParameter("id")),
        1,
        (caller, body) -> {
          Fields fields = Fields.of(body);
          if (fields.isSent("filter")) {
            fields.invalid(
                "filter", "The filter cannot be changed (expected: another subscription)");
          }
          // Checked before it is looked up; what is not sent is taken from what is found.
          var _ = policy(fields, services.settings().policy());
          if (!PubsubApi.answeredInvalid(call, fields)) {
            api.subscription(
                call,
                caller.principal(),
                AccessPolicy::mayDeleteSubscription,
                it ->
                    api.submit(
                        call,
                        new ChangeSubscription(it, policy(fields, it.policy())),
                        changed -> call.json(200, PubsubJson.subscription(changed))));
          }
        });
  }

  private void delete(Call call) {
    api.permitted(
        call,
        Scope.SUBSCRIPTIONS_DELETE,
        Optional.of(call.pathParameter("id")),
        caller ->
            api.subscription(
                call,
                caller.principal(),
                AccessPolicy::mayDeleteSubscription,
                it -> delete(call, it)));
  }

  private void delete(Call call, Subscription subscription) {
    if (Queue.isReserved(subscription.topic())) {
      call.detail(
          409, "This subscription belongs to a queue and goes with it (DELETE /queues/{name})");
    } else {
      api.submit(call, new DeleteSubscription(subscription), _ -> call.empty(204));
    }
  }
}
