// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.socket.ClientSocket;
import dev.tidings.server.socket.SocketSession;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.JsonValue.JsonObject;
import dev.tidings.server.wire.JsonValue.JsonString;
import dev.tidings.server.wire.SocketWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// One WebSocket of the exchange API (API of VarthanV/pub-sub): its subscriptions to queues, on one
/// event loop.
///
/// A client that sends what the original's clients send gets messages and nothing else; one that
/// has asked for more is told what it asked for, and what goes wrong.
final class ExchangeSocket implements SocketSession {
  // The frame, its payload, and a list in that.
  private static final int DEPTH = 3;
  private static final int MAX_IDS = 10_000;
  private static final long MAX_DELAY_S = 604_800;
  private static final String INVALID = "INVALID_REQUEST";

  private final ExchangeSockets group;
  private final ClientSocket socket;
  private final Map<String, QueueReader> readers = new LinkedHashMap<>();
  private boolean tells;

  ExchangeSocket(ExchangeSockets group, ClientSocket socket) {
    this.group = group;
    this.socket = socket;
  }

  // ---- frames from the client ----

  @Override
  public void receivedBinary() {
    // As by the original.
  }

  @Override
  public void waitedInVain(Duration limit) {
    socket.close(ClientSocket.POLICY, "no frame within " + limit.toSeconds() + " s");
  }

  @Override
  public void receivedText(String text) {
    switch (JsonValue.parseFirst(text.getBytes(StandardCharsets.UTF_8), DEPTH)) {
      case JsonValue.Valid(JsonObject frame) -> handle(frame);
      case JsonValue.Valid _ -> {
        // Of none of our types.
      }
      case JsonValue.Invalid(long offset, String _) ->
          socket.close(ClientSocket.BAD_DATA, "the frame is not JSON (at byte " + offset + ")");
      case JsonValue.Absent() ->
          socket.close(ClientSocket.BAD_DATA, "the frame is empty (expected: a JSON object)");
    }
  }

  private void handle(JsonObject frame) {
    if (frame.fieldIgnoringCase("type").orElse(frame) instanceof JsonString(var _, String type)) {
      RequestFields payload =
          new RequestFields(
              frame
                  .fieldIgnoringCase("payload")
                  .filter(JsonObject.class::isInstance)
                  .map(JsonObject.class::cast)
                  .orElseGet(() -> new JsonObject(frame.raw(), Map.of())));
      switch (type) {
        case "SUBSCRIBE" -> subscribe(payload);
        case "UNSUBSCRIBE" -> unsubscribe(payload);
        case "ACK" -> ack(payload);
        case "NACK" -> nack(payload);
        default -> {
          // As by the original.
        }
      }
    }
  }

  private void subscribe(RequestFields payload) {
    tells |= QueueWish.isMore(payload);
    QueueWish wish = QueueWish.read(payload);
    if (tells) {
      String _ = payload.name("queue_name");
      if (payload.fault().isPresent()) {
        answer(
            ExchangeFrames.error(
                INVALID, payload.fault().get(), payload.optionalText("queue_name")));
        return;
      }
    }
    // Without additions a name that no queue can have is accepted and has no effect.
    payload
        .optionalText("queue_name")
        .filter(name -> !name.isEmpty() && RequestFields.isShortEnough(name))
        .ifPresent(name -> subscribe(name, wish));
  }

  private void subscribe(String queue, QueueWish wish) {
    QueueReader present = readers.get(queue);
    if (present != null) {
      if (tells && wish.differs(present.wish())) {
        answer(
            ExchangeFrames.error(
                INVALID,
                "the socket is subscribed to this queue with other options (expected: UNSUBSCRIBE"
                    + " first)",
                Optional.of(queue)));
      } else if (wish.confirm()) {
        present.confirm();
      }
      return;
    }
    Optional<Principal> principal = principalNow();
    if (principal.isEmpty()) {
      return;
    }
    if (!mayConsume(principal.get(), queue)) {
      denied(queue);
    } else if (readers.size() >= group.services().maxQueues()) {
      refuse(
          "LIMIT_REACHED",
          "this socket is subscribed to "
              + readers.size()
              + " queues (limit); use another socket, or UNSUBSCRIBE from one",
          queue,
          "too many queues");
    } else {
      QueueReader reader = new QueueReader(group, this, queue, wish);
      readers.put(queue, reader);
      reader.open(wish.from().orElseGet(Start.Last::new));
    }
  }

  private void unsubscribe(RequestFields payload) {
    tells = true;
    String queue = payload.name("queue_name");
    if (payload.fault().isPresent()) {
      answer(
          ExchangeFrames.error(INVALID, payload.fault().get(), payload.optionalText("queue_name")));
      return;
    }
    QueueReader reader = readers.remove(queue);
    if (reader != null) {
      reader.close(/* isGone= */ false);
    }
    answer(ExchangeFrames.unsubscribed(queue));
  }

  // ---- what became of messages ----

  private void ack(RequestFields payload) {
    named(payload).forEach(QueueReader::ack);
  }

  private void nack(RequestFields payload) {
    OptionalLong delayS = payload.count("delay_seconds", 0, MAX_DELAY_S);
    OptionalLong delayMs =
        delayS.isPresent() ? OptionalLong.of(delayS.getAsLong() * 1000) : OptionalLong.empty();
    named(payload).forEach((reader, sequences) -> reader.nack(sequences, delayMs));
  }

  /// The messages that a payload names, by who has been given them.
  private Map<QueueReader, List<Long>> named(RequestFields payload) {
    List<String> ids = new ArrayList<>(payload.texts("unique_ids", MAX_IDS));
    payload.optionalText("unique_id").ifPresent(ids::add);
    if (ids.isEmpty()) {
      payload.invalid("unique_id", "the unique_id of a message, or unique_ids with some");
    }
    if (payload.fault().isPresent()) {
      trouble(payload.fault().get());
      return Map.of();
    }
    // As over HTTP, what is none of its messages is passed over.
    Map<QueueReader, List<Long>> named = new LinkedHashMap<>();
    for (String text : ids) {
      MessageId.parse(text)
          .ifPresent(id ->
              readers.values().stream()
                  .filter(reader -> reader.gives(id.incarnation()))
                  .findFirst()
                  .ifPresent(reader ->
                      named.computeIfAbsent(reader, _ -> new ArrayList<>()).add(id.sequence())));
    }
    return named;
  }

  private void trouble(String message) {
    if (tells) {
      answer(ExchangeFrames.error(INVALID, message, Optional.empty()));
    }
  }

  // ---- what its readers need ----

  ClientSocket client() {
    return socket;
  }

  /// Tells that a subscription is effective, if that was asked for.
  void subscribed(String queue, Optional<Queue.Mode> mode) {
    if (tells) {
      answer(ExchangeFrames.subscribed(queue, mode));
    }
  }

  /// What it is told of a gap.
  Optional<JsonOut> gap(String queue, Cursor cursor, MessageId to) {
    group.metrics().gap();
    return tells
        ? Optional.of(ExchangeFrames.gap(queue, cursor.lastPassed(), to))
        : Optional.empty();
  }

  /// The subscription to `queue` is over since it may not be consumed.
  void denied(String queue) {
    refuse(
        "FORBIDDEN",
        "you may not consume this queue (expected: its owner with the permission read, a client"
            + " with the scope queues:consume, or an administrator)",
        queue,
        "a queue may not be consumed");
  }

  /// The subscription to `queue` is over since it asked for what the queue cannot do.
  void unfit(String queue, String fault) {
    refuse(INVALID, fault, queue, "the queue has another mode");
  }

  private void refuse(String code, String message, String queue, String reason) {
    QueueReader reader = readers.remove(queue);
    if (reader != null) {
      reader.close(/* isGone= */ false);
    }
    if (tells) {
      answer(ExchangeFrames.error(code, message, Optional.of(queue)));
    } else {
      socket.close(ClientSocket.POLICY, reason);
    }
  }

  /// The messages of `queue` cannot be read now.
  void unavailable(String queue) {
    if (tells) {
      answer(
          ExchangeFrames.error(
              "UNAVAILABLE", "the messages of the queue cannot be read now", Optional.of(queue)));
    }
    socket.close(ClientSocket.TRY_AGAIN_LATER, "the store cannot be read");
  }

  /// Whether the client may consume the queue that is there, or wait for the next of the name.
  boolean mayConsume(Principal principal, String queue) {
    return group
        .directory()
        .queue(queue)
        .map(it -> AccessPolicy.mayConsumeQueue(principal, it))
        .orElseGet(() -> AccessPolicy.mayCall(principal, Scope.QUEUES_CONSUME, Optional.of(queue)));
  }

  /// Who its client is by now; empty, and the socket is ended, if it may not act any more.
  private Optional<Principal> principalNow() {
    return switch (socket.callerNow()) {
      case Authenticator.Caller now -> Optional.of(now.principal());
      case Authenticator.Unknown unknown -> revoked("UNAUTHORIZED", unknown.detail());
      case Authenticator.Barred barred -> revoked("FORBIDDEN", barred.detail());
    };
  }

  private Optional<Principal> revoked(String code, String detail) {
    if (tells) {
      answer(ExchangeFrames.error(code, detail, Optional.empty()));
    }
    socket.close(ClientSocket.POLICY, "access was revoked");
    return Optional.empty();
  }

  private void answer(JsonOut frame) {
    socket.answer(frame);
  }

  /// Stops listening to the client while it has acked more than the server has noted.
  void listen() {
    socket.busy(readers.values().stream().anyMatch(QueueReader::isBusy));
  }

  // ---- events ----

  @Override
  public void drained() {
    SocketWriter writer = socket.writer();
    for (QueueReader reader : List.copyOf(readers.values())) {
      if (socket.isOver() || !writer.isWritable()) {
        break;
      }
      reader.proceed();
      if (!writer.isWritable() && readers.remove(reader.queue(), reader)) {
        // It has filled the socket: the next time the others come first.
        readers.put(reader.queue(), reader);
      }
    }
    writer.flush();
  }

  @Override
  public void recheck() {
    principalNow()
        .ifPresent(principal -> {
          if (!AccessPolicy.mayConsumeSomeQueue(principal)) {
            Optional<Principal> _ = revoked("FORBIDDEN", "you may not consume queues any more");
            return;
          }
          for (QueueReader reader : List.copyOf(readers.values())) {
            if (!socket.isOver() && !mayConsume(principal, reader.queue())) {
              denied(reader.queue());
            }
          }
        });
  }

  @Override
  public void tick(long nowNs, long nowMs) {
    List.copyOf(readers.values()).forEach(reader -> reader.tick(nowNs));
  }

  @Override
  public void left() {
    group.metrics().socketClosed();
    List<QueueReader> open = List.copyOf(readers.values());
    readers.clear();
    open.forEach(reader -> reader.close(/* isGone= */ true));
  }
}
