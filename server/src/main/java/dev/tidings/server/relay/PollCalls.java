// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.Start;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Long polls of one event loop (API of pulsar-relay v0.1.0).
final class PollCalls {
  private static final long MIN_TIMEOUT_S = 1;
  private static final long MAX_TIMEOUT_S = 60;
  private static final long DEFAULT_TIMEOUT_S = 30;

  private final RelayApi api;
  private final Services services;
  private final PollWaiters waiters;
  private final Set<Poll> open = new LinkedHashSet<>();

  PollCalls(RelayApi api, Services services, PollWaiters waiters) {
    this.api = api;
    this.services = services;
    this.waiters = waiters;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/messages/poll", this::poll);
  }

  private void poll(Exchange exchange) {
    api.withBody(exchange, Permission.READ, 2, (user, fields) -> poll(exchange, user, fields));
  }

  private void poll(Exchange exchange, User user, Fields fields) {
    List<String> topics =
        fields.strings("topics", 1, services.settings().maxPollTopics(), Topics.MAX_NAME).stream()
            .distinct()
            .toList();
    Map<String, String> since = fields.optionalStrings("since");
    long timeoutS = fields.integer("timeout", MIN_TIMEOUT_S, MAX_TIMEOUT_S, DEFAULT_TIMEOUT_S);
    if (RelayApi.answeredInvalid(exchange, fields)) {
      return;
    }
    List<String> denied = Topics.denied(services.directory(), user, topics);
    if (!denied.isEmpty()) {
      exchange.detail(403, Topics.deniedText(denied));
      return;
    }
    if (!waiters.enter(user.id())) {
      exchange.detail(429, waiters.refusal());
      return;
    }
    Poll poll =
        new Poll(
            exchange,
            user,
            !since.isEmpty(),
            services.time(),
            services.metrics(),
            finished -> {
              open.remove(finished);
              waiters.leave(user.id());
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

  void goAway() {
    List.copyOf(open).forEach(Poll::goAway);
  }
}
