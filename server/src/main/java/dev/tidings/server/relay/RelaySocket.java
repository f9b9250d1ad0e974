// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.socket.ClientSocket;
import dev.tidings.server.socket.SocketSession;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.SocketWriter;
import dev.tidings.server.wire.Text;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One WebSocket of the relay API (API of pulsar-relay v0.1.0): a set of cursors and a writer, on
/// one event loop.
final class RelaySocket implements Reader, SocketSession {
  private static final int MAX_CLIENT_ID = 255;

  /// Characters of a client's own text that an error frame repeats.
  private static final int MAX_ECHO = 100;

  /// How long before its token ends a session is warned.
  static final long WARNING_MS = 60_000;

  private final RelaySockets group;
  private final ClientSocket socket;
  private final Map<String, Cursor> cursors = new LinkedHashMap<>();
  private final SocketPublisher publisher;
  private @Nullable SocketAcks acks;
  private boolean warned;
  private State state = State.AWAITING_FIRST;
  private final Set<Cursor> opened = new HashSet<>();
  private final Set<Cursor> endedEarly = new HashSet<>();
  private boolean allAsked;

  private enum State {
    AWAITING_FIRST,
    /// It has published, and may yet subscribe.
    UNSUBSCRIBED,
    OPENING_CURSORS,
    SUBSCRIBED,
    CLOSED
  }

  RelaySocket(RelaySockets group, ClientSocket socket) {
    this.group = group;
    this.socket = socket;
    this.publisher = new SocketPublisher(group, this::answer);
  }

  // ---- frames from the client ----

  @Override
  public void receivedBinary() {
    complain("binary frames are not part of this API (expected: text frames with JSON)");
  }

  @Override
  public void receivedText(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    // A payload is kept as bytes, so no frame is read deeper than its fields until that is needed.
    read(bytes, 1)
        .ifPresent(frame -> {
          String type = frame.string("type", 0, Integer.MAX_VALUE);
          if (frame.hasErrors()) {
            complain(RelayFrames.describe(frame.errors()));
          } else {
            handle(type, frame, bytes);
          }
        });
  }

  @Override
  public void waitedInVain(Duration limit) {
    refuseSubscription("no subscribe or publish frame within " + limit.toSeconds() + " s");
  }

  /// The fields of a frame down to `depth`; empty, and the client is told, if it is not JSON.
  private Optional<Fields> read(byte[] text, int depth) {
    return switch (JsonValue.parse(text, depth)) {
      case JsonValue.Valid(JsonValue frame) -> Optional.of(Fields.of(frame));
      case JsonValue.Invalid(long offset, String reason) -> {
        complain("the frame is not JSON: " + reason + " (at byte " + offset + ")");
        yield Optional.empty();
      }
      case JsonValue.Absent() -> {
        complain("the frame is empty (expected: a JSON object)");
        yield Optional.empty();
      }
    };
  }

  /// Answers a frame that cannot be used: the first one ends the socket, a later one does not.
  private void complain(String message) {
    if (state == State.AWAITING_FIRST) {
      refuseSubscription(message);
    } else if (state != State.CLOSED) {
      sendError("PROCESSING_ERROR", message);
    }
  }

  private void handle(String type, Fields frame, byte[] text) {
    switch (state) {
      case AWAITING_FIRST, UNSUBSCRIBED -> {
        if (type.equals("subscribe")) {
          read(text, 2).ifPresent(this::subscribe);
        } else if (type.equals("publish") || state == State.UNSUBSCRIBED) {
          state = State.UNSUBSCRIBED;
          handleLater(type, frame, text);
        } else {
          refuseSubscription(
              "the first frame is of type '"
                  + Text.cut(type, MAX_ECHO)
                  + "' (expected: subscribe or publish)");
        }
      }
      case OPENING_CURSORS, SUBSCRIBED -> handleLater(type, frame, text);
      case CLOSED -> {}
    }
  }

  private void handleLater(String type, Fields frame, byte[] text) {
    switch (type) {
      case "ping" -> send(RelayFrames.pong(group.time().wallMs()));
      case "publish" -> publish(frame);
      case "ack" -> ack(frame);
      case "unsubscribe" -> read(text, 2).ifPresent(this::unsubscribe);
      case "refresh" -> refresh(frame);
      default ->
          sendError("UNKNOWN_MESSAGE_TYPE", "Unknown message type: " + Text.cut(type, MAX_ECHO));
    }
  }

  private void publish(Fields frame) {
    if (socket.endIfExpired()) {
      return;
    }
    callerNow()
        .ifPresent(now -> {
          publisher.publish(frame, now);
          listen();
        });
  }

  /// Sends the answer to a publish; all that come together leave together.
  private void answer(JsonOut frame) {
    if (state != State.CLOSED) {
      socket.answerSoon(frame);
      listen();
    }
  }

  /// Listens to the client, unless it has more messages on their way than it may.
  private void listen() {
    socket.busy(publisher.isFull());
  }

  private void ack(Fields frame) {
    Optional<Payload> number = frame.correlation("id", SocketPublisher.MAX_ID);
    String text = frame.string("message_id", 1, Integer.MAX_VALUE);
    if (frame.hasErrors()) {
      sendError("PROCESSING_ERROR", RelayFrames.describe(frame.errors()), number);
      return;
    }
    Optional<MessageId> id = MessageId.parse(text);
    Optional<Cursor> cursor = id.flatMap(this::cursorOn);
    if (cursor.isPresent()) {
      acknowledged(cursor.get().topic(), id.orElseThrow(), number);
    } else {
      number.ifPresent(it ->
          sendError(
              "UNKNOWN_MESSAGE",
              "message_id is not the id of a message of a subscribed topic",
              Optional.of(it)));
    }
  }

  /// The cursor on the topic that has given `id` to a message. Which messages came over this very
  /// socket does not matter: a client that has come back acks what it got before.
  private Optional<Cursor> cursorOn(MessageId id) {
    return cursors.values().stream()
        .filter(cursor -> cursor.log().filter(log -> hasGiven(log, id)).isPresent())
        .findFirst();
  }

  private static boolean hasGiven(TopicLog log, MessageId id) {
    return log.incarnation() == id.incarnation()
        && id.sequence() > 0
        && id.sequence() <= log.watermark();
  }

  /// A message of a subscribed topic was acknowledged: that is noted if the client has a name of
  /// its own. Who numbers its acks is answered.
  private void acknowledged(String topic, MessageId id, Optional<Payload> number) {
    if (acks != null) {
      acks.acked(topic, id);
    }
    number.ifPresent(it -> send(RelayFrames.acked(it, id)));
  }

  private void unsubscribe(Fields frame) {
    List<String> topics = frame.strings("topics", 1, Integer.MAX_VALUE, Topics.MAX_NAME);
    if (frame.hasErrors()) {
      complain(RelayFrames.describe(frame.errors()));
      return;
    }
    List<String> left = new ArrayList<>();
    for (String topic : topics) {
      Cursor cursor = cursors.remove(topic);
      if (cursor != null) {
        cursor.close();
        opened.remove(cursor);
        left.add(topic);
      }
    }
    send(RelayFrames.unsubscribed(left, group.time().wallMs()));
    // Those that are left may all be open.
    subscribedOnceOpen();
  }

  private void refresh(Fields frame) {
    String token = frame.string("token", 1, Integer.MAX_VALUE);
    if (frame.hasErrors()) {
      complain(RelayFrames.describe(frame.errors()));
      return;
    }
    if (group.authenticator().ofToken(token) instanceof Authenticator.Caller renewed
        && renewed.principal().id().equals(socket.principalId())) {
      socket.renewed(renewed);
      warned = false;
      send(RelayFrames.token("refreshed", renewed.expiresAt()));
    } else {
      complain("token: invalid, expired or of another user (expected: a new token of this user)");
    }
  }

  // ---- subscribing ----

  private void subscribe(Fields frame) {
    List<String> topics = Topics.read(frame, "topics", group.settings().maxSocketTopics());
    Optional<String> clientId = frame.optionalString("client_id", 1, MAX_CLIENT_ID);
    Map<String, Start> starts = starts(frame, topics);
    if (frame.hasErrors()) {
      refuseSubscription(RelayFrames.describe(frame.errors()));
      return;
    }
    Optional<Authenticator.Caller> now = callerNow();
    if (now.isEmpty()) {
      return;
    }
    List<String> denied = Topics.denied(group.directory(), now.get().principal(), topics);
    if (!denied.isEmpty()) {
      refuseSubscription(Topics.deniedText(denied));
      return;
    }
    String userId = socket.principalId();
    clientId.ifPresent(it -> acks = new SocketAcks(group.node(), group.loop(), it, userId));
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

  private static Start start(Fields frame, String place) {
    Optional<Start> start = Topics.startAt(place);
    if (start.isEmpty()) {
      frame.invalid("offset", Topics.placeRule("offset"));
    }
    return start.orElseGet(Start.Last::new);
  }

  private void refuseSubscription(String message) {
    sendError("SUBSCRIPTION_ERROR", message);
    socket.close(ClientSocket.NORMAL, "");
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
    return socket.callerNow()
            instanceof Authenticator.Caller(Principal now, long _, Optional<String> _)
        && AccessPolicy.mayRead(now, Optional.of(topic));
  }

  @Override
  public void ready(Cursor cursor) {
    if (state == State.SUBSCRIBED) {
      deliver(cursor);
      socket.flushAtTurnEnd();
    }
  }

  @Override
  public void drained() {
    SocketWriter writer = socket.writer();
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

  private void deliver(Cursor cursor) {
    boolean isRead =
        group
            .delivery()
            .deliver(
                cursor,
                socket.writer(),
                (behind, next) -> Optional.of(RelayFrames.gap(behind, next)));
    if (!isRead) {
      sendError("STORE_UNAVAILABLE", "the log of the topic cannot be read now");
      socket.close(ClientSocket.TRY_AGAIN_LATER, "the store cannot be read");
    }
  }

  private void send(JsonOut frame) {
    socket.answer(frame);
  }

  private void sendError(String code, String message) {
    sendError(code, message, Optional.empty());
  }

  /// @param number that of the frame it answers, if the client gave it one
  private void sendError(String code, String message, Optional<Payload> number) {
    group.metrics().errorFrame(code);
    send(
        number.isPresent()
            ? RelayFrames.error(code, message, number)
            : RelayFrames.error(code, message));
  }

  // ---- ending ----

  @Override
  public void ended(Cursor cursor, End end) {
    opened.remove(cursor);
    if (!cursors.remove(cursor.topic(), cursor)) {
      endedEarly.add(cursor);
    }
    if (acks != null) {
      acks.drop(cursor.topic());
    }
    switch (end) {
      case DENIED -> subscriptionEnded(Topics.deniedText(List.of(cursor.topic())));
      case DELETED -> subscriptionEnded(Topics.deletedText(cursor.topic()));
      case UNAVAILABLE -> {
        sendError("STORE_UNAVAILABLE", "the log of the topic cannot be read now");
        socket.close(ClientSocket.TRY_AGAIN_LATER, "the store cannot be read");
      }
    }
  }

  private void subscriptionEnded(String reason) {
    sendError("SUBSCRIPTION_ENDED", reason);
    subscribedOnceOpen();
    if (cursors.isEmpty() && state == State.SUBSCRIBED) {
      socket.close(ClientSocket.POLICY, "no topic is left that may be read");
    }
  }

  /// Ends the socket, or the cursors that may not go on.
  @Override
  public void recheck() {
    callerNow()
        .ifPresent(now -> {
          if (AccessPolicy.has(now.principal(), Right.RECEIVE)) {
            recheckCursors(now.principal());
          } else {
            revoked(RelayApi.requires(Right.RECEIVE));
          }
        });
  }

  /// What the caller is by now; empty, and the socket is ended, if it may not act any more.
  private Optional<Authenticator.Caller> callerNow() {
    switch (socket.callerNow()) {
      case Authenticator.Caller now -> {
        return Optional.of(now);
      }
      case Authenticator.Unknown unknown -> revoked(unknown.detail());
      case Authenticator.Barred barred -> revoked(barred.detail());
    }
    return Optional.empty();
  }

  private void recheckCursors(Principal principal) {
    for (Cursor cursor : List.copyOf(cursors.values())) {
      if (state != State.CLOSED && !Topics.mayGoOn(group.directory(), principal, cursor)) {
        cursor.close();
        ended(cursor, End.DENIED);
      }
    }
  }

  private void revoked(String detail) {
    sendError("ACCESS_REVOKED", detail);
    socket.close(ClientSocket.POLICY, "access was revoked");
  }

  @Override
  public void tick(long nowNs, long nowMs) {
    if (acks != null) {
      acks.flush();
    }
    long expiresAt = socket.caller().expiresAt();
    boolean mayBeWarned = state == State.SUBSCRIBED || state == State.UNSUBSCRIBED;
    if (mayBeWarned && !warned && expiresAt - nowMs <= WARNING_MS) {
      warned = true;
      send(RelayFrames.token("token_expiring", expiresAt));
    }
  }

  @Override
  public void left() {
    if (acks != null) {
      acks.flush();
    }
    state = State.CLOSED;
    cursors.values().forEach(Cursor::close);
    cursors.clear();
  }
}
