// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.auth.BrowserTokens;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.OpenSessions;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.UserConnections;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import java.time.Duration;

/// `GET /ws` on one event loop: who may come in, and the sockets that have, with one timer for all
/// of them.
public final class SocketApi {
  private static final long TICK_MS = 1000;

  private final Services services;
  private final EventLoop loop;
  private final SocketFrontEnd relay;
  private final SocketFrontEnd exchange;
  private final OpenSessions<ClientSocket> open = new OpenSessions<>();

  /// What it is built from; shared by all event loops.
  ///
  /// @param relay tells who calls the relay
  /// @param exchange tells who calls the exchange API; knows everybody whom the other knows
  /// @param time the clock
  /// @param metrics counts sockets
  /// @param connections live connections
  /// @param settings bounds
  public record Services(
      Authenticator relay,
      Authenticator exchange,
      TimeSource time,
      RelayMetrics metrics,
      UserConnections connections,
      Settings settings) {}

  /// Bounds of every WebSocket.
  ///
  /// @param pingInterval between pings of a quiet one
  /// @param firstFrameTimeout within which the first frame has to come
  /// @param sendBuffer bytes that may wait in one
  public record Settings(Duration pingInterval, Duration firstFrameTimeout, int sendBuffer) {}

  /// The sockets on `loop`, which become those of `relay` or of `exchange`.
  public SocketApi(
      Services services, EventLoop loop, SocketFrontEnd relay, SocketFrontEnd exchange) {
    this.services = services;
    this.loop = loop;
    this.relay = relay;
    this.exchange = exchange;
    loop.context().setPeriodic(TICK_MS, _ -> tick());
    loop.core().readers().onPrincipalChange(open::recheck);
  }

  /// Adds its route.
  public void route(Routes routes) {
    routes.add(HttpMethod.GET, "/ws", this::webSocket);
  }

  /// Who may not come in is refused before the upgrade, which clients see as a 403 without a body
  /// (API of pulsar-relay v0.1.0).
  private void webSocket(Call call) {
    if (!call.request().canUpgradeToWebSocket()) {
      call.detail(400, "GET /ws is a WebSocket (expected: Upgrade: websocket)");
      return;
    }
    boolean hasToken = BrowserTokens.isSent(call);
    if (BrowserTokens.callerOf(services.exchange(), call) instanceof Authenticator.Caller caller
        && mayEnter(caller)) {
      call.calledBy(caller.principal().displayName());
      boolean mayRelay =
          BrowserTokens.callerOf(services.relay(), call) instanceof Authenticator.Caller known
              && AccessPolicy.has(known.principal(), Right.RECEIVE);
      upgrade(call, caller, new ClientSocket.Entrance(hasToken, mayRelay));
    } else {
      call.empty(403);
    }
  }

  /// Whether there is an API whose sockets `caller` may have.
  static boolean mayEnter(Authenticator.Caller caller) {
    return AccessPolicy.has(caller.principal(), Right.RECEIVE)
        || AccessPolicy.mayConsumeSomeQueue(caller.principal());
  }

  private void upgrade(Call call, Authenticator.Caller caller, ClientSocket.Entrance entrance) {
    UserConnections connections = services.connections();
    if (!connections.enter(caller.principal().id())) {
      call.detail(429, connections.refusal());
      return;
    }
    HttpConnection connection = call.request().connection();
    call.request()
        .toWebSocket()
        .onSuccess(socket -> {
          loop.connections().left(connection);
          call.upgraded();
          joined(new ClientSocket(this, socket, caller, entrance, call.requestId()));
        })
        .onFailure(_ -> connections.leave(caller.principal().id()));
  }

  private void joined(ClientSocket socket) {
    open.add(socket);
    services.metrics().socketOpened();
    socket.start();
    // The caller's rights may have ended while the connection was being upgraded.
    socket.recheck();
  }

  /// Forgets a socket.
  void left(ClientSocket socket) {
    if (open.remove(socket)) {
      services.metrics().socketClosed();
      services.connections().leave(socket.principalId());
    }
  }

  private void tick() {
    long nowNs = services.time().monotonicNs();
    long nowMs = services.time().wallMs();
    for (ClientSocket socket : open.all()) {
      if (!socket.isOver()) {
        socket.tick(nowNs, nowMs);
      }
    }
  }

  /// Ends its sockets because the server stops.
  public void goAway() {
    open.goAway();
  }

  SocketFrontEnd relay() {
    return relay;
  }

  SocketFrontEnd exchange() {
    return exchange;
  }

  Authenticator authenticator() {
    return services.exchange();
  }

  TimeSource time() {
    return services.time();
  }

  Settings settings() {
    return services.settings();
  }

  /// The event loop it is on.
  public EventLoop loop() {
    return loop;
  }
}
