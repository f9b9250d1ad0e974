// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.Heartbeat;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.OpenSessions;
import dev.tidings.server.wire.RequestMark;
import dev.tidings.server.wire.SocketWriter;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.vertx.core.http.ServerWebSocket;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One WebSocket, on one event loop: its connection, its heartbeat and whose it is. What it is for
/// is up to the session of the API that its first frame belongs to.
public final class ClientSocket implements OpenSessions.Session {
  private static final Logger LOG = LoggerFactory.getLogger(ClientSocket.class);

  /// The code of an end without a fault.
  public static final short NORMAL = 1000;

  /// The code of an end because one side goes away.
  public static final short GOING_AWAY = 1001;

  /// The code of a message that is not what its type says.
  public static final short BAD_DATA = 1007;

  /// The code of an end because the client may not go on.
  public static final short POLICY = 1008;

  private static final short TOO_LARGE = 1009;

  /// The code of an end because of trouble that may pass.
  public static final short TRY_AGAIN_LATER = 1013;

  /// How long a client has to take the end before its connection is cut.
  private static final long CLOSING_MS = 5000;

  private static final String TOKEN_EXPIRED = "the token has expired";

  private final SocketApi api;
  private final ServerWebSocket socket;
  private final SocketWriter writer;
  private final String requestId;
  private final Entrance entrance;
  private final Heartbeat heartbeat;
  private final long openedNs;
  private Authenticator.Caller caller;
  private @Nullable SocketSession session;
  private boolean isOver;
  private boolean flushLater;
  private boolean answersPile;
  private boolean isBusy;
  private boolean isPaused;

  /// How a socket came in.
  ///
  /// @param hasToken whether it came with a token
  /// @param mayRelay whether it may be one of the relay
  record Entrance(boolean hasToken, boolean mayRelay) {}

  ClientSocket(
      SocketApi api,
      ServerWebSocket socket,
      Authenticator.Caller caller,
      Entrance entrance,
      String requestId) {
    this.api = api;
    this.socket = socket;
    this.caller = caller;
    this.entrance = entrance;
    this.requestId = requestId;
    this.writer = SocketWriter.of(socket, api.settings().sendBuffer(), this::drained);
    this.openedNs = api.time().monotonicNs();
    this.heartbeat = new Heartbeat(api.settings().pingInterval(), openedNs);
  }

  void start() {
    socket.textMessageHandler(this::receivedText);
    socket.binaryMessageHandler(_ -> receivedBinary());
    socket.pongHandler(_ -> heard());
    socket.exceptionHandler(this::failed);
    socket.closeHandler(_ -> leave());
  }

  // ---- frames from the client ----

  private void heard() {
    heartbeat.heard(api.time().monotonicNs());
  }

  private void receivedText(String text) {
    heard();
    try (RequestMark _ = RequestMark.of(requestId)) {
      SocketSession known = session;
      if (known == null && !isOver) {
        known = joinBy(FirstFrame.of(text));
      }
      if (known != null && !isOver) {
        known.receivedText(text);
      }
    }
  }

  private void receivedBinary() {
    heard();
    try (RequestMark _ = RequestMark.of(requestId)) {
      if (!isOver) {
        SocketSession of = sessionOrDefault();
        if (!isOver) {
          of.receivedBinary();
        }
      }
    }
  }

  private @Nullable SocketSession joinBy(FirstFrame first) {
    return switch (first) {
      case EXCHANGE -> join(api.exchange());
      case UNKNOWN -> sessionOrDefault();
      case RELAY -> {
        if (entrance.mayRelay()) {
          yield join(api.relay());
        }
        if (entrance.hasToken()) {
          // It tells what is missing.
          SocketSession joined = join(api.relay());
          joined.recheck();
          yield isOver ? null : joined;
        }
        close(POLICY, "a token is needed (expected: ?token=, or the subprotocol bearer)");
        yield null;
      }
    };
  }

  /// The session; if nothing has told yet whose it is, that of the API it most likely belongs to.
  private SocketSession sessionOrDefault() {
    SocketSession known = session;
    return known == null
        ? join(entrance.hasToken() && entrance.mayRelay() ? api.relay() : api.exchange())
        : known;
  }

  private SocketSession join(SocketFrontEnd frontEnd) {
    SocketSession joined = frontEnd.join(this);
    session = joined;
    return joined;
  }

  /// Ends the socket over frames that break the protocol, with the code that says which rule.
  private void failed(Throwable e) {
    try (RequestMark _ = RequestMark.of(requestId)) {
      LOG.debug("a WebSocket failed: {}", e.toString());
    }
    switch (e) {
      case CorruptedWebSocketFrameException corrupted ->
          close((short) corrupted.closeStatus().code(), "");
      // What the framework says of a message of many fragments that is too large in all.
      case IllegalStateException _ -> close(TOO_LARGE, "the message is too large");
      default -> close(NORMAL, "");
    }
  }

  // ---- frames to the client ----

  /// Where frames are written.
  public SocketWriter writer() {
    return writer;
  }

  /// Sends a frame that the client has caused. Who asks and never reads is not heard until it has
  /// read.
  public void answer(JsonOut frame) {
    writer.write(frame);
    writer.flush();
    notePile();
  }

  /// As above, in one piece with all that come together.
  public void answerSoon(JsonOut frame) {
    writer.write(frame);
    if (!flushLater) {
      flushLater = true;
      api.loop().execute(this::flushNow);
    }
    notePile();
  }

  private void notePile() {
    answersPile |= !writer.isWritable();
    listen();
  }

  /// Sends what was written at the end of the present turn.
  public void flushAtTurnEnd() {
    if (!flushLater) {
      flushLater = true;
      api.loop().core().readers().atTurnEnd(this::flushNow);
    }
  }

  private void flushNow() {
    flushLater = false;
    writer.flush();
  }

  private void drained() {
    answersPile = false;
    if (!isOver) {
      listen();
      SocketSession of = session;
      if (of != null) {
        of.drained();
      }
    }
  }

  /// Whether its session has as much to do as it may, so that it is not listened to.
  public void busy(boolean now) {
    isBusy = now;
    listen();
  }

  private void listen() {
    boolean wait = answersPile || isBusy;
    if (wait != isPaused && !isOver) {
      isPaused = wait;
      var _ = wait ? socket.pause() : socket.resume();
    }
  }

  // ---- whose it is ----

  /// Whose it is, as was known last.
  public Authenticator.Caller caller() {
    return caller;
  }

  /// Whose it is by now, or why it may not act any more.
  public Authenticator.Result callerNow() {
    Authenticator.Result now = api.authenticator().now(caller);
    if (now instanceof Authenticator.Caller known) {
      caller = known;
    }
    return now;
  }

  /// The same user or client has come with another token.
  public void renewed(Authenticator.Caller by) {
    caller = by;
  }

  @Override
  public String principalId() {
    return caller.principal().id();
  }

  @Override
  public void recheck() {
    if (isOver) {
      return;
    }
    SocketSession known = session;
    if (known != null) {
      known.recheck();
    } else if (!(callerNow() instanceof Authenticator.Caller now) || !SocketApi.mayEnter(now)) {
      sessionOrDefault().recheck();
    }
  }

  // ---- time ----

  void tick(long nowNs, long nowMs) {
    switch (heartbeat.tick(nowNs)) {
      case WAIT -> {}
      case PING -> writer.beat();
      case GIVE_UP -> {
        // Nobody is there to read a close frame.
        close(GOING_AWAY, "no pong");
        return;
      }
    }
    if (nowMs >= caller.expiresAt()) {
      expired();
      return;
    }
    SocketSession known = session;
    if (known != null) {
      known.tick(nowNs, nowMs);
    } else if (nowNs - openedNs > api.settings().firstFrameTimeout().toNanos()) {
      sessionOrDefault().waitedInVain(api.settings().firstFrameTimeout());
    }
  }

  /// Ends it if its token has ended; returns whether it has.
  public boolean endIfExpired() {
    if (api.time().wallMs() < caller.expiresAt()) {
      return false;
    }
    expired();
    return true;
  }

  private void expired() {
    close(POLICY, TOKEN_EXPIRED);
  }

  // ---- ending ----

  @Override
  public void goAway() {
    close(GOING_AWAY, "the server stops");
  }

  /// Ends it with a code and a reason, which may be empty; not if it has ended.
  public void close(short code, String reason) {
    if (!isOver) {
      leave();
      var _ = reason.isEmpty() ? socket.close(code) : socket.close(code, reason);
      // Who does not read takes no close frame either, and what it was sent would stay undecided.
      long _ = loop().context().setTimer(CLOSING_MS, _ -> writer.abort());
    }
  }

  private void leave() {
    if (!isOver) {
      isOver = true;
      api.left(this);
      SocketSession of = session;
      if (of != null) {
        of.left();
      }
    }
  }

  /// Whether it has ended.
  public boolean isOver() {
    return isOver;
  }

  /// The event loop it is on.
  public EventLoop loop() {
    return api.loop();
  }
}
