// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.OpenSessions;
import dev.tidings.server.wire.SocketWriter;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.Optional;

/// One response of Server-Sent Events: a cursor and a writer, on one event loop.
///
/// Its head is sent when the cursor is open, so what is published after a client has seen the head
/// is delivered. Its connection ends with it.
final class EventStream implements Reader, OpenSessions.Session {
  private static final CharSequence TYPE = HttpHeaders.createOptimized("text/event-stream");
  private static final CharSequence UNBUFFERED = HttpHeaders.createOptimized("x-accel-buffering");

  /// How long a client has to take the end before its connection is cut.
  private static final long CLOSING_MS = 5000;

  private final EventCalls group;
  private final Call call;
  private final HttpConnection connection;
  private final String topic;
  private Authenticator.Caller caller;
  private State state = State.OPENING_CURSOR;
  private Optional<Cursor> cursor = Optional.empty();
  private Optional<SocketWriter> writer = Optional.empty();
  private boolean flushLater;
  private boolean warned;
  private long lastBeatNs;
  private long lastTakenNs;
  private long fullBy;

  private enum State {
    OPENING_CURSOR,
    SENDING_HEAD,
    OPEN,
    ENDED
  }

  EventStream(EventCalls group, Call call, Authenticator.Caller caller, String topic) {
    this.group = group;
    this.call = call;
    this.connection = call.request().connection();
    this.caller = caller;
    this.topic = topic;
  }

  void start(Start start) {
    call.whenGone(this::leave);
    Cursor asked = call.loop().core().readers().open(topic, start, this);
    if (state == State.ENDED) {
      asked.close();
    } else {
      cursor = Optional.of(asked);
    }
  }

  @Override
  public boolean mayRead(Topic of) {
    return group.authenticator().now(caller)
            instanceof Authenticator.Caller(Principal now, long _, Optional<String> _)
        && AccessPolicy.mayRead(now, Optional.of(of));
  }

  // ---- beginning ----

  @Override
  public void opened(Cursor opened) {
    if (state != State.OPENING_CURSOR) {
      return;
    }
    cursor = Optional.of(opened);
    state = State.SENDING_HEAD;
    // From here on it has heartbeats, and no further request.
    call.loop().connections().left(connection);
    HttpServerResponse response =
        call.with(HttpHeaders.CACHE_CONTROL, "no-store")
            .with(HttpHeaders.CONNECTION, "close")
            .with(UNBUFFERED, "no")
            .begin(TYPE);
    JsonOut place = EventFrames.place(Topics.placeOf(opened, group.time().wallMs()));
    response
        .write(place.toBuffer())
        .onComplete(sent -> {
          if (sent.succeeded()) {
            headSent();
          } else {
            leave();
          }
        });
  }

  /// Only now may frames go past the framework: they would have overtaken the head.
  private void headSent() {
    if (state == State.SENDING_HEAD) {
      state = State.OPEN;
      lastBeatNs = group.time().monotonicNs();
      lastTakenNs = lastBeatNs;
      writer =
          Optional.of(
              SocketWriter.of(
                  connection, EventFrames.EVENTS, group.sendBuffer(), this::deliverAndFlush));
      deliverAndFlush();
    }
  }

  // ---- delivery ----

  @Override
  public void ready(Cursor of) {
    if (state == State.OPEN) {
      deliver();
      if (!flushLater) {
        flushLater = true;
        call.loop()
            .core()
            .readers()
            .atTurnEnd(() -> {
              flushLater = false;
              writer.ifPresent(SocketWriter::flush);
            });
      }
    }
  }

  private void deliverAndFlush() {
    deliver();
    writer.ifPresent(SocketWriter::flush);
  }

  private void deliver() {
    if (state == State.OPEN && !deliver(cursor.orElseThrow(), writer.orElseThrow())) {
      ended(cursor.orElseThrow(), End.UNAVAILABLE);
    }
  }

  private boolean deliver(Cursor from, SocketWriter to) {
    return group
        .delivery()
        .deliver(from, to, (behind, next) -> Optional.of(EventFrames.gap(behind, next)));
  }

  // ---- ending ----

  @Override
  public void ended(Cursor of, End end) {
    switch (end) {
      case DENIED -> denied();
      case DELETED ->
          end(
              "TOPIC_DELETED",
              Topics.deletedText(topic),
              () -> call.detail(404, Topics.deletedText(topic)));
      case UNAVAILABLE -> {
        String text = "the log of topic '" + topic + "' cannot be read now";
        end("STORE_UNAVAILABLE", text, () -> call.unavailable(text));
      }
    }
  }

  private void denied() {
    String text = Topics.deniedText(List.of(topic));
    end("ACCESS_DENIED", text, () -> call.detail(403, text));
  }

  @Override
  public String principalId() {
    return caller.principal().id();
  }

  @Override
  public void recheck() {
    switch (group.authenticator().now(caller)) {
      case Authenticator.Caller now -> {
        caller = now;
        if (!AccessPolicy.has(now.principal(), Right.RECEIVE)) {
          String text = RelayApi.requires(Right.RECEIVE);
          end("ACCESS_REVOKED", text, () -> call.detail(403, text));
        } else if (cursor.isPresent()
            && !Topics.mayGoOn(group.directory(), now.principal(), cursor.get())) {
          denied();
        }
      }
      case Authenticator.Unknown unknown ->
          end("ACCESS_REVOKED", unknown.detail(), () -> call.unauthorized(unknown.detail()));
      case Authenticator.Barred barred ->
          end("ACCESS_REVOKED", barred.detail(), () -> call.detail(403, barred.detail()));
    }
  }

  /// Looks after the time: called about once a second.
  void tick(long nowNs, long nowMs) {
    if (nowMs >= caller.expiresAt()) {
      String text = "the token has expired";
      end("TOKEN_EXPIRED", text, () -> call.unauthorized("Invalid or expired token"));
    } else if (state == State.OPEN) {
      tick(writer.orElseThrow(), nowNs, nowMs);
    }
  }

  private void tick(SocketWriter to, long nowNs, long nowMs) {
    long pingNs = group.pingInterval().toNanos();
    long stillFullBy = to.fullBy();
    if (stillFullBy == 0 || stillFullBy < fullBy) {
      lastTakenNs = nowNs;
    }
    fullBy = stillFullBy;
    if (nowNs - lastTakenNs > 2 * pingNs) {
      // Nobody takes anything any more, so nobody would take the end.
      to.abort();
      leave();
      return;
    }
    if (caller.expiresAt() - nowMs <= RelaySocket.WARNING_MS && !warned) {
      warned = true;
      to.write(EventFrames.tokenExpiring(caller.expiresAt()));
      to.flush();
    }
    if (nowNs - lastBeatNs >= pingNs && to.isWritable()) {
      lastBeatNs = nowNs;
      to.beat();
    }
  }

  @Override
  public void goAway() {
    String text = "the server stops";
    end("SERVER_STOPS", text, () -> call.unavailable(text));
  }

  /// Ends it with an event, or, while nothing has been sent, with `answer`.
  private void end(String code, String message, Runnable answer) {
    switch (state) {
      case OPENING_CURSOR -> {
        leave();
        answer.run();
      }
      case SENDING_HEAD, OPEN -> {
        leave();
        call.request()
            .response()
            .end(EventFrames.ended(code, message).toBuffer())
            .onComplete(_ -> connection.close());
        call.loop().context().setTimer(CLOSING_MS, _ -> writer.ifPresent(SocketWriter::abort));
      }
      case ENDED -> {}
    }
  }

  private void leave() {
    if (state != State.ENDED) {
      state = State.ENDED;
      cursor.ifPresent(Cursor::close);
      group.left(this);
    }
  }
}
