// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Start;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.OpenSessions;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.WaitingCalls;
import io.vertx.core.http.HttpMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Long polls of one event loop (API of pulsar-relay v0.1.0).
final class PollCalls {
  private static final long MIN_TIMEOUT_S = 1;
  private static final long MAX_TIMEOUT_S = 60;
  private static final long DEFAULT_TIMEOUT_S = 30;

  private final RelayApi api;
  private final Services services;
  private final WaitingCalls waiters;
  private final PolledTopics polled;
  private final OpenSessions<Poll> open = new OpenSessions<>();

  PollCalls(RelayApi api, Services services) {
    this.api = api;
    this.services = services;
    this.waiters = services.waiters();
    this.polled = services.polled();
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/messages/poll", this::poll);
    routes.add(HttpMethod.GET, "/messages/poll/stats", this::stats);
  }

  private void stats(Call call) {
    api.authenticated(call, caller -> call.json(200, stats(caller)));
  }

  /// What waits on all event loops. Names are told to those who may read them; the name of a topic
  /// that does not exist, to admins alone: it says what somebody else waits for.
  private JsonOut stats(Principal caller) {
    JsonOut out =
        new JsonOut(256)
            .raw("{\"active_waiters\":")
            .number(waiters.waiting())
            .raw(",\"subscribed_topics\":")
            .number(polled.size())
            .raw(",\"topic_subscriber_counts\":{");
    String separator = "";
    for (Map.Entry<String, Integer> topic :
        polled.countsOf(name -> mayKnow(caller, name)).entrySet()) {
      out.raw(separator).string(topic.getKey()).raw(":").number(topic.getValue());
      separator = ",";
    }
    return out.raw("}}");
  }

  private boolean mayKnow(Principal caller, String name) {
    Optional<Topic> topic = services.directory().topic(name);
    return AccessPolicy.mayAdminister(caller)
        || (topic.isPresent() && AccessPolicy.mayRead(caller, topic));
  }

  private void poll(Call call) {
    api.withBodyOf(call, Right.RECEIVE, 2, (caller, fields) -> poll(call, caller, fields));
  }

  private void poll(Call call, Authenticator.Caller caller, Fields fields) {
    Principal principal = caller.principal();
    List<String> topics = Topics.read(fields, "topics", services.settings().maxPollTopics());
    Map<String, String> since = fields.optionalStrings("since");
    long timeoutS = fields.integer("timeout", MIN_TIMEOUT_S, MAX_TIMEOUT_S, DEFAULT_TIMEOUT_S);
    if (RelayApi.answeredInvalid(call, fields)) {
      return;
    }
    List<String> denied = Topics.denied(services.directory(), principal, topics);
    if (!denied.isEmpty()) {
      call.detail(403, Topics.deniedText(denied));
      return;
    }
    if (!waiters.enter(principal.id())) {
      call.detail(429, waiters.refusal());
      return;
    }
    polled.add(topics);
    Poll poll =
        new Poll(
            call,
            services.authenticator(),
            services.directory(),
            caller,
            !since.isEmpty(),
            services.time(),
            services.metrics(),
            finished -> {
              boolean _ = open.remove(finished);
              waiters.leave(principal.id());
              polled.remove(topics);
            });
    open.add(poll);
    poll.start(starts(topics, since), timeoutS * 1000);
  }

  /// A topic that `since` names is read after that place, one that it leaves out from the start;
  /// without `since` all are read live.
  private static Map<String, Start> starts(List<String> topics, Map<String, String> since) {
    Map<String, Start> starts = new LinkedHashMap<>();
    for (String topic : topics) {
      if (since.isEmpty()) {
        starts.put(topic, new Start.Last());
      } else {
        String id = since.get(topic);
        starts.put(topic, id == null ? new Start.Earliest() : Topics.startAfter(id));
      }
    }
    return starts;
  }

  OpenSessions<Poll> open() {
    return open;
  }
}
