// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.auth.BrowserTokens;
import dev.tidings.server.ops.RelayMetrics.DeliveryType;
import dev.tidings.server.relay.RelayApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Delivery;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.OpenSessions;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.UserConnections;
import io.vertx.core.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The event streams of one event loop, with one timer for all of them.
final class EventCalls {
  private static final long TICK_MS = 1000;
  private static final String LAST_EVENT_ID = "last-event-id";

  private final Services services;
  private final UserConnections connections;
  private final Delivery delivery;
  private final OpenSessions<EventStream> open = new OpenSessions<>();

  EventCalls(EventLoop loop, Services services) {
    this.services = services;
    this.connections = services.connections();
    this.delivery =
        new Delivery(
            loop,
            EventFrames.EVENTS,
            (topic, count) -> services.metrics().delivered(topic, DeliveryType.SSE, count));
    loop.context().setPeriodic(TICK_MS, _ -> tick());
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, "/api/v1/topics/{topic_name}/events", this::openStream);
  }

  private void openStream(Call call) {
    RelayApi.allowed(
        call,
        BrowserTokens.callerOf(services.authenticator(), call),
        Right.RECEIVE,
        caller -> openStream(call, caller));
  }

  private void openStream(Call call, Authenticator.Caller caller) {
    String topic = call.pathParameter("topic_name");
    if (topic.codePointCount(0, topic.length()) > Topics.MAX_NAME) {
      invalid(
          call,
          List.of("path", "topic_name"),
          "a topic's name has at most " + Topics.MAX_NAME + " characters",
          topic);
      return;
    }
    Optional<String> fault = Topics.fault(topic);
    if (fault.isPresent()) {
      // It would be waited for in vain.
      invalid(call, List.of("path", "topic_name"), fault.get(), topic);
      return;
    }
    Place place = placeOf(call);
    Optional<Start> start = Topics.startAt(place.value());
    if (start.isEmpty()) {
      invalid(call, place.location(), Topics.placeRule(place.name()), place.value());
      return;
    }
    if (!Topics.denied(services.directory(), caller.principal(), List.of(topic)).isEmpty()) {
      call.detail(403, Topics.deniedText(List.of(topic)));
      return;
    }
    if (!connections.enter(caller.principal().id())) {
      call.detail(429, connections.refusal());
      return;
    }
    EventStream stream = new EventStream(this, call, caller, topic);
    open.add(stream);
    services.metrics().eventStreamOpened();
    stream.start(start.get());
  }

  /// Where a request says that its stream begins.
  private record Place(String source, String name, String value) {
    List<Object> location() {
      return List.of(source, name);
    }
  }

  /// A browser that comes back repeats the parameters it began with and adds the header, so the
  /// header counts first.
  private static Place placeOf(Call call) {
    String header = call.header(LAST_EVENT_ID);
    if (!header.isEmpty()) {
      return new Place("header", LAST_EVENT_ID, header);
    }
    for (String name : List.of("last_event_id", "offset")) {
      String parameter = call.request().getParam(name);
      if (parameter != null) {
        return new Place("query", name, parameter);
      }
    }
    return new Place("query", "offset", "last");
  }

  private static void invalid(Call call, List<Object> location, String rule, String value) {
    call.invalid(
        List.of(
            new FieldError(
                "value_error",
                location,
                "Value error, " + rule,
                Payload.of(new JsonOut(64).string(value).text()),
                Optional.of(Payload.of("{\"error\":{}}")))));
  }

  Directory directory() {
    return services.directory();
  }

  Authenticator authenticator() {
    return services.authenticator();
  }

  TimeSource time() {
    return services.time();
  }

  Delivery delivery() {
    return delivery;
  }

  Duration pingInterval() {
    return services.settings().pingInterval();
  }

  int sendBuffer() {
    return services.settings().sendBuffer();
  }

  /// Forgets a stream.
  void left(EventStream stream) {
    if (open.remove(stream)) {
      services.metrics().eventStreamClosed();
      connections.leave(stream.principalId());
    }
  }

  private void tick() {
    long nowNs = services.time().monotonicNs();
    long nowMs = services.time().wallMs();
    for (EventStream stream : open.all()) {
      stream.tick(nowNs, nowMs);
    }
  }

  OpenSessions<EventStream> open() {
    return open;
  }
}
