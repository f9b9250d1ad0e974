// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.FrameCache;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.RequestMark;
import dev.tidings.server.wire.SocketWriter;
import dev.tidings.server.wire.Text;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.vertx.core.http.ServerWebSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One WebSocket of the relay API (API of pulsar-relay v0.1.0): a set of cursors and a writer, on
/// one event loop.
final class RelaySocket implements Reader {
  private static final Logger LOG = LoggerFactory.getLogger(RelaySocket.class);

  /// What is read and encoded in one go for sockets that are behind.
  private static final int RUN_MESSAGES = 256;

  private static final long RUN_BYTES = 64 * 1024;
  private static final int MAX_CLIENT_ID = 255;

  /// Errors of one frame that its answer describes.
  private static final int MAX_DESCRIBED = 10;

  /// Characters of a client's own text that an error frame repeats.
  private static final int MAX_ECHO = 100;

  private static final short NORMAL = 1000;
  private static final short GOING_AWAY = 1001;
  private static final short POLICY = 1008;
  private static final short TOO_LARGE = 1009;
  private static final short TRY_AGAIN_LATER = 1013;

  /// How long before its token ends a socket is warned.
  private static final long WARNING_MS = 60_000;

  private final RelaySockets group;
  private final ServerWebSocket socket;
  private final SocketWriter writer;
  private final String requestId;
  private final Map<String, Cursor> cursors = new LinkedHashMap<>();
  private User user;
  private long expiresAt;
  private boolean warned;
  private final long openedNs;
  private long lastHeardNs;
  private long lastPingNs;
  private State state = State.AWAITING_SUBSCRIBE;
  private final Set<Cursor> opened = new HashSet<>();
  private final Set<Cursor> endedEarly = new HashSet<>();
  private boolean allAsked;
  private boolean flushLater;
  private boolean paused;

  private enum State {
    AWAITING_SUBSCRIBE,
    OPENING_CURSORS,
    SUBSCRIBED,
    CLOSED
  }

  RelaySocket(
      RelaySockets group, ServerWebSocket socket, Authenticator.Caller caller, String requestId) {
    this.group = group;
    this.socket = socket;
    this.requestId = requestId;
    this.user = caller.user();
    this.expiresAt = caller.expiresAt();
    this.writer = new SocketWriter(socket, group.settings().sendBuffer(), this::drained);
    this.openedNs = group.time().monotonicNs();
    this.lastHeardNs = openedNs;
    this.lastPingNs = lastHeardNs;
  }

  void start() {
    socket.textMessageHandler(this::receivedText);
    socket.binaryMessageHandler(_ -> receivedBinary());
    socket.pongHandler(_ -> heard());
    socket.exceptionHandler(this::failed);
    socket.closeHandler(_ -> closed());
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

  // ---- frames from the client ----

  private void heard() {
    lastHeardNs = group.time().monotonicNs();
  }

  private void receivedBinary() {
    heard();
    complain("binary frames are not part of this API (expected: text frames with JSON)");
  }

  private void receivedText(String text) {
    try (RequestMark _ = RequestMark.of(requestId)) {
      received(text);
    }
  }

  private void received(String text) {
    heard();
    JsonValue.Parsed parsed = JsonValue.parse(text.getBytes(StandardCharsets.UTF_8), 2);
    switch (parsed) {
      case JsonValue.Valid(JsonValue frame) -> {
        Fields fields = Fields.of(frame);
        if (state == State.AWAITING_SUBSCRIBE) {
          subscribe(fields);
        } else if (state != State.CLOSED) {
          handle(fields);
        }
      }
      case JsonValue.Invalid(long offset, String reason) ->
          complain("the frame is not JSON: " + reason + " (at byte " + offset + ")");
      case JsonValue.Absent() -> complain("the frame is empty (expected: a JSON object)");
    }
  }

  /// Answers a frame that cannot be used: the first one ends the socket, a later one does not.
  private void complain(String message) {
    if (state == State.AWAITING_SUBSCRIBE) {
      refuseSubscription(message);
    } else if (state != State.CLOSED) {
      send(RelayFrames.error("PROCESSING_ERROR", message));
    }
  }

  private static String describe(List<FieldError> errors) {
    return errors.stream()
        .map(error ->
            error.location().stream().skip(1).map(Object::toString).collect(Collectors.joining("."))
                + ": "
                + error.message())
        .limit(MAX_DESCRIBED)
        .collect(Collectors.joining("; "));
  }

  private void handle(Fields frame) {
    String type = frame.string("type", 0, Integer.MAX_VALUE);
    if (frame.hasErrors()) {
      complain(describe(frame.errors()));
      return;
    }
    switch (type) {
      case "ping" -> send(RelayFrames.pong(group.time().wallMs()));
      case "ack" -> {
        frame.string("message_id", 1, Integer.MAX_VALUE);
        if (frame.hasErrors()) {
          complain(describe(frame.errors()));
        }
      }
      case "unsubscribe" -> unsubscribe(frame);
      case "refresh" -> refresh(frame);
      default ->
          send(
              RelayFrames.error(
                  "UNKNOWN_MESSAGE_TYPE", "Unknown message type: " + Text.cut(type, MAX_ECHO)));
    }
  }

  private void unsubscribe(Fields frame) {
    List<String> topics = frame.strings("topics", 1, Integer.MAX_VALUE, Topics.MAX_NAME);
    if (frame.hasErrors()) {
      complain(describe(frame.errors()));
      return;
    }
    for (String topic : topics) {
      Cursor cursor = cursors.remove(topic);
      if (cursor != null) {
        cursor.close();
        opened.remove(cursor);
      }
    }
    // Those that are left may all be open.
    subscribedOnceOpen();
  }

  private void refresh(Fields frame) {
    String token = frame.string("token", 1, Integer.MAX_VALUE);
    if (frame.hasErrors()) {
      complain(describe(frame.errors()));
      return;
    }
    if (group.authenticator().ofToken(token)
            instanceof Authenticator.Caller(User caller, long until)
        && caller.id().equals(user.id())) {
      user = caller;
      expiresAt = until;
      warned = false;
      send(RelayFrames.token("refreshed", until));
    } else {
      complain("token: invalid, expired or of another user (expected: a new token of this user)");
    }
  }

  // ---- subscribing ----

  private void subscribe(Fields frame) {
    String type = frame.string("type", 0, Integer.MAX_VALUE);
    if (!frame.hasErrors() && !type.equals("subscribe")) {
      refuseSubscription(
          "the first frame is of type '" + Text.cut(type, MAX_ECHO) + "' (expected: subscribe)");
      return;
    }
    List<String> topics =
        frame.strings("topics", 1, group.settings().maxTopics(), Topics.MAX_NAME).stream()
            .distinct()
            .toList();
    frame.optionalString("client_id", 1, MAX_CLIENT_ID);
    Map<String, Start> starts = starts(frame, topics);
    if (frame.hasErrors()) {
      refuseSubscription(describe(frame.errors()));
      return;
    }
    List<String> denied = Topics.denied(group.directory(), user, topics);
    if (!denied.isEmpty()) {
      refuseSubscription(Topics.deniedText(denied));
      return;
    }
    state = State.OPENING_CURSORS;
    for (String topic : topics) {
      Start start = starts.getOrDefault(topic, new Start.Last());
      Cursor cursor = group.loop().core().readers().open(topic, start, this);
      if (state == State.CLOSED) {
        cursor.close();
        return;
      }
      if (!endedEarly.remove(cursor)) {
        cursors.put(topic, cursor);
      }
    }
    allAsked = true;
    subscribedOnceOpen();
  }

  /// `offset` is a place for all topics, or an object with a place for each: `last`, `earliest` or
  /// the id of a message.
  private static Map<String, Start> starts(Fields frame, List<String> topics) {
    Map<String, Start> starts = new LinkedHashMap<>();
    if (frame.isObject("offset")) {
      frame
          .optionalStrings("offset")
          .forEach((topic, place) -> starts.put(topic, start(frame, place)));
    } else {
      Optional<String> place = frame.optionalString("offset", 1, MAX_CLIENT_ID);
      place
          .map(it -> start(frame, it))
          .ifPresent(it -> topics.forEach(topic -> starts.put(topic, it)));
    }
    return starts;
  }

  /// Unlike a poll's `since`, which the original took as it came, a place that is none is refused:
  /// a typo must not replay a whole topic.
  private static Start start(Fields frame, String place) {
    return switch (place) {
      case "last" -> new Start.Last();
      case "earliest" -> new Start.Earliest();
      default -> {
        if (MessageId.parse(place).isEmpty()) {
          frame.invalid("offset", "offset must be 'last', 'earliest' or the id of a message");
        }
        yield Topics.startAfter(place);
      }
    };
  }

  private void refuseSubscription(String message) {
    send(RelayFrames.error("SUBSCRIPTION_ERROR", message));
    close(NORMAL, "");
  }

  @Override
  public void opened(Cursor cursor) {
    opened.add(cursor);
    subscribedOnceOpen();
  }

  /// Tells the client that it is subscribed when every cursor it still has is open. A cursor may be
  /// opened, or ended, before the last one is asked for.
  private void subscribedOnceOpen() {
    if (state == State.OPENING_CURSORS && allAsked && opened.size() == cursors.size()) {
      state = State.SUBSCRIBED;
      opened.clear();
      byte[] session = new byte[6];
      group.random().nextBytes(session);
      send(
          RelayFrames.subscribed(
              List.copyOf(cursors.keySet()),
              "sess_" + HexFormat.of().formatHex(session),
              group.time().wallMs()));
      // What arrived since they were opened.
      List.copyOf(cursors.values()).forEach(this::ready);
    }
  }

  // ---- delivery ----

  @Override
  public boolean mayRead(Topic topic) {
    return AccessPolicy.mayRead(user, Optional.of(topic));
  }

  @Override
  public void ready(Cursor cursor) {
    if (state == State.SUBSCRIBED) {
      deliver(cursor);
      flushAtTurnEnd();
    }
  }

  private void drained() {
    if (paused) {
      paused = false;
      socket.resume();
    }
    if (state == State.SUBSCRIBED) {
      for (Cursor cursor : new ArrayList<>(cursors.values())) {
        if (state != State.SUBSCRIBED || !writer.isWritable()) {
          break;
        }
        deliver(cursor);
        if (!writer.isWritable() && cursors.remove(cursor.topic(), cursor)) {
          // It has filled the socket: the next time the others come first.
          cursors.put(cursor.topic(), cursor);
        }
      }
      writer.flush();
    }
  }

  /// Writes what the cursor is behind, as far as the socket takes it.
  private void deliver(Cursor cursor) {
    Optional<TopicLog> log = cursor.log();
    if (log.isEmpty()) {
      return;
    }
    FrameCache frames = group.loop().frames();
    while (writer.isWritable()) {
      Optional<FrameCache.Run> found =
          cursor.isAfterGap()
              ? Optional.empty()
              : frames.find(log.get(), RelayFrames.MESSAGE, cursor.next());
      FrameCache.Run run;
      if (found.isPresent()) {
        run = found.get();
      } else {
        switch (cursor.read(RUN_MESSAGES, RUN_BYTES)) {
          case Read.Messages(List<Message> messages, boolean afterGap) -> {
            if (afterGap) {
              writer.write(RelayFrames.gap(cursor, log.get().idOf(messages.getFirst())));
            }
            run = frames.encode(log.get(), RelayFrames.MESSAGE, messages);
          }
          case Read.CaughtUp(), Read.Loading() -> {
            return;
          }
          case Read.Unavailable(String detail) -> {
            try (RequestMark _ = RequestMark.of(requestId)) {
              LOG.warn("topic {} cannot be read for a WebSocket: {}", cursor.topic(), detail);
            }
            send(RelayFrames.error("STORE_UNAVAILABLE", "the log of the topic cannot be read now"));
            close(TRY_AGAIN_LATER, "the store cannot be read");
            return;
          }
        }
      }
      long from = Math.max(cursor.next(), 0);
      writer.write(run.framesFrom(from));
      group.metrics().delivered(run.messagesFrom(from));
      cursor.advance(run.lastSequence(), run.lastTimestamp());
    }
  }

  private void flushAtTurnEnd() {
    if (!flushLater) {
      flushLater = true;
      group
          .loop()
          .core()
          .readers()
          .atTurnEnd(() -> {
            flushLater = false;
            writer.flush();
          });
    }
  }

  private void send(JsonOut frame) {
    writer.write(frame);
    writer.flush();
    if (!paused && !writer.isWritable()) {
      // Who asks and never reads is not listened to until it has read: its answers would pile up.
      paused = true;
      socket.pause();
    }
  }

  // ---- ending ----

  @Override
  public void ended(Cursor cursor, End end) {
    opened.remove(cursor);
    if (!cursors.remove(cursor.topic(), cursor)) {
      endedEarly.add(cursor);
    }
    switch (end) {
      case DENIED -> endedSubscription(Topics.deniedText(List.of(cursor.topic())));
      case DELETED -> endedSubscription("Topic '" + cursor.topic() + "' was deleted");
      case UNAVAILABLE -> {
        send(RelayFrames.error("STORE_UNAVAILABLE", "the log of the topic cannot be read now"));
        close(TRY_AGAIN_LATER, "the store cannot be read");
      }
    }
  }

  private void endedSubscription(String reason) {
    send(RelayFrames.error("SUBSCRIPTION_ENDED", reason));
    subscribedOnceOpen();
    if (cursors.isEmpty() && state == State.SUBSCRIBED) {
      close(POLICY, "no topic is left that may be read");
    }
  }

  /// Looks after the time: called about once a second.
  void tick(long nowNs, long nowMs) {
    RelaySockets.Settings settings = group.settings();
    if (state == State.AWAITING_SUBSCRIBE
        && nowNs - openedNs > settings.firstFrameTimeout().toNanos()) {
      refuseSubscription(
          "no subscribe frame within " + settings.firstFrameTimeout().toSeconds() + " s");
      return;
    }
    long pingNs = settings.pingInterval().toNanos();
    if (nowNs - lastHeardNs > 2 * pingNs) {
      // Nobody is there to read a close frame.
      close(GOING_AWAY, "no pong");
      return;
    }
    if (nowNs - Math.max(lastHeardNs, lastPingNs) >= pingNs) {
      lastPingNs = nowNs;
      writer.ping();
    }
    if (nowMs >= expiresAt) {
      close(POLICY, "the token has expired");
    } else if (state == State.SUBSCRIBED && !warned && expiresAt - nowMs <= WARNING_MS) {
      warned = true;
      send(RelayFrames.token("token_expiring", expiresAt));
    }
  }

  /// Ends it because the server stops.
  void goAway() {
    close(GOING_AWAY, "the server stops");
  }

  private void close(short code, String reason) {
    if (state != State.CLOSED) {
      leave();
      var _ = reason.isEmpty() ? socket.close(code) : socket.close(code, reason);
    }
  }

  private void closed() {
    if (state != State.CLOSED) {
      leave();
    }
  }

  private void leave() {
    state = State.CLOSED;
    cursors.values().forEach(Cursor::close);
    cursors.clear();
    group.left(this);
  }
}
