// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.contract.Exchanges.Route;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// A WebSocket of the exchange API.
final class QueueSocket implements AutoCloseable {
  /// Asks for nothing but an answer to the SUBSCRIBE.
  static final String CONFIRM = "\"confirm\":true";

  static final String MANUAL = "\"ack\":\"manual\"";

  private static final Pattern FRAME =
      Pattern.compile(
          "(?s)\\{\"unique_id\":\"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\",\"body\":(.*),\"TTL\":0\\}\n");

  private final Socket socket;

  /// A message as a subscriber got it.
  ///
  /// @param body its payload, byte for byte
  record Message(String id, String body) {
    /// The member `n` of the payload.
    int n() {
      return Template.parse(body).get("n").asInt();
    }
  }

  private QueueSocket(Socket socket) {
    this.socket = socket;
  }

  /// With the caller's token, if there is one.
  static QueueSocket open(Caller caller) {
    String query = caller.authorization().isEmpty() ? "" : "?token=" + caller.token();
    return new QueueSocket(Socket.open(URI.create(caller.server().webSocketUrl() + query)));
  }

  static QueueSocket open(URI url, String... subprotocols) {
    return new QueueSocket(Socket.open(url, subprotocols));
  }

  /// Opens and subscribes, and has been told that it is.
  static QueueSocket subscribed(Caller caller, String queue, String further) {
    QueueSocket socket = open(caller);
    socket.subscribe(queue, further.isEmpty() ? CONFIRM : CONFIRM + "," + further);
    socket.expectSubscribed(queue);
    return socket;
  }

  static String subscribeFrame(String queue, String further) {
    return "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":%s%s}}"
        .formatted(Template.quoted(queue), further.isEmpty() ? "" : "," + further);
  }

  /// As the original's clients do.
  void subscribe(String queue) {
    subscribe(queue, "");
  }

  void subscribe(String queue, String further) {
    send(subscribeFrame(queue, further));
  }

  void unsubscribe(String queue) {
    send(
        "{\"type\":\"UNSUBSCRIBE\",\"payload\":{\"queue_name\":%s}}"
            .formatted(Template.quoted(queue)));
  }

  void ack(Message... messages) {
    settle("ACK", "", messages);
  }

  void nack(Message... messages) {
    settle("NACK", "", messages);
  }

  /// Sends ids in a frame of this type, one as `unique_id` and several as `unique_ids`.
  void settle(String type, String further, Message... messages) {
    String ids =
        messages.length == 1
            ? "\"unique_id\":" + Template.quoted(messages[0].id())
            : "\"unique_ids\":" + Pubsub.ids(Arrays.stream(messages).map(Message::id).toList());
    send(
        "{\"type\":\"%s\",\"payload\":{%s%s}}"
            .formatted(type, ids, further.isEmpty() ? "" : "," + further));
  }

  void send(String text) {
    socket.send(text);
  }

  void sendBinary(byte[] bytes) {
    socket.sendBinary(bytes);
  }

  /// The next frame, which must be a message.
  Message next() {
    String frame = socket.nextText();
    Matcher matcher = FRAME.matcher(frame);
    assertThat(matcher.matches()).as("a message, in %s", frame).isTrue();
    return new Message(matcher.group(1), matcher.group(2));
  }

  List<Message> next(int count) {
    var messages = new ArrayList<Message>();
    while (messages.size() < count) {
      messages.add(next());
    }
    return messages;
  }

  List<Integer> numbers(int count) {
    return next(count).stream().map(Message::n).toList();
  }

  String nextText() {
    return socket.nextText();
  }

  /// How many frames have come that nobody has taken.
  int waiting() {
    return socket.waiting();
  }

  boolean isClosed() {
    return socket.isClosed();
  }

  /// Asserts the next frame, see [Template].
  void expect(String template) {
    socket.expect(template);
  }

  /// Asserts the answer to a SUBSCRIBE to an existing queue.
  void expectSubscribed(String queue) {
    JsonNode frame = socket.next();
    assertThat(frame.path("type").asString()).as("type of %s", frame).isEqualTo("SUBSCRIBED");
    assertThat(frame.propertyNames()).containsExactly("type", "payload");
    assertThat(frame.get("payload").propertyNames())
        .containsExactlyInAnyOrder("queue_name", "mode");
    assertThat(frame.get("payload").get("queue_name").asString()).isEqualTo(queue);
  }

  void expectSubscribed(String queue, String mode) {
    expect(
        "{\"type\":\"SUBSCRIBED\",\"payload\":{\"queue_name\":%s,\"mode\":%s}}"
            .formatted(Template.quoted(queue), mode.equals("null") ? mode : Template.quoted(mode)));
  }

  void expectUnsubscribed(String queue) {
    expect(
        "{\"type\":\"UNSUBSCRIBED\",\"payload\":{\"queue_name\":%s}}"
            .formatted(Template.quoted(queue)));
  }

  /// Asserts a frame ERROR about this queue.
  void expectError(String queue, String code) {
    expect(
        "{\"type\":\"ERROR\",\"payload\":{\"code\":%s,\"message\":\"<text>\",\"queue_name\":%s}}"
            .formatted(Template.quoted(code), Template.quoted(queue)));
  }

  /// Makes sure that a SUBSCRIBE nobody answers to has been processed: publishes until something
  /// comes, and takes all that.
  void awaitLive(Exchanges exchanges, Route route) {
    Pubsub.eventually(
        "a subscriber of " + route.queue(),
        () -> {
          exchanges.put(route.exchange(), "", "\"probe\"");
          return socket.waiting() > 0;
        });
    exchanges.put(route.exchange(), "", "\"live\"");
    Message message = next();
    while (!message.body().equals("\"live\"")) {
      assertThat(message.body()).isEqualTo("\"probe\"");
      message = next();
    }
  }

  /// Asserts that nothing else was sent before what is published now.
  void expectNothingElse(Exchanges exchanges, Route route) {
    String marker = Template.quoted(Caller.unique("marker"));
    exchanges.put(route.exchange(), "", marker);
    assertThat(next().body()).isEqualTo(marker);
  }

  int closeCode() {
    return socket.closeCode();
  }

  /// Ends without a word.
  @Override
  public void close() {
    socket.close();
  }
}
