// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.QueueSocket.Message;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 2 of the contract, the frames of `/ws`, and section 9, which API a socket belongs to;
/// and what SUBSCRIBE may ask for beside the queue of the mode broadcast.
@SystemTest
final class ExchangeSocketTest {
  private static final String EARLIEST = "\"from\":\"earliest\"";

  private final Caller client;
  private final Exchanges exchanges;
  private final Exchanges tight;
  private final TidingsProcess secured;
  private final TidingsProcess open =
      TidingsProcess.startSecured(Map.of("TIDINGS_EXCHANGES_ANONYMOUS", "all"));

  ExchangeSocketTest(
      @On(Setup.DEV) TidingsProcess server,
      @On(Setup.TIGHT) TidingsProcess tight,
      @On(Setup.SECURED) TidingsProcess secured) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
    this.tight = Exchanges.on(tight);
    this.secured = secured;
  }

  @AfterAll
  void stop() {
    open.close();
  }

  private static String from(Message message) {
    return "\"from\":" + Template.quoted(message.id());
  }

  // The original's frames

  @Test
  void frames_areExactlyThoseOfTheContract() {
    Route route = exchanges.route("fanout", "\"message_ttl\":60");
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(route.queue());
      socket.awaitLive(exchanges, route);
      exchanges.put(route.exchange(), "", "{\"a\" : 1}");

      String frame = socket.nextText();
      assertThat(frame)
          .matches("\\{\"unique_id\":\"[0-9a-f-]{36}\",\"body\":\\{\"a\" : 1\\},\"TTL\":0\\}\n");
    }
  }

  @Test
  void subscriber_seesOnlyWhatIsPublishedLater() {
    for (String further : List.of("", Exchanges.DURABLE)) {
      Route route = exchanges.route("fanout", further);
      exchanges.putNumbers(route.exchange(), 0, 5);
      try (QueueSocket socket = QueueSocket.open(client)) {
        socket.subscribe(route.queue());
        socket.awaitLive(exchanges, route); // The first frame is none of the five.
      }
    }
  }

  @Test
  void oneConnection_subscribesToSeveralQueues() {
    Route first = exchanges.route("fanout", "");
    Route second = exchanges.route("fanout", Exchanges.DURABLE);
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(first.queue());
      socket.subscribe(second.queue());
      socket.awaitLive(exchanges, first);
      socket.awaitLive(exchanges, second);
      exchanges.put(first.exchange(), 1);
      exchanges.put(second.exchange(), 2);

      assertThat(socket.numbers(2)).containsExactlyInAnyOrder(1, 2);
    }
  }

  @Test
  void repeatedSubscribe_doublesNothing() {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.open(client)) {
      for (int i = 0; i < 3; i++) {
        socket.subscribe(route.queue());
      }
      socket.awaitLive(exchanges, route);
      socket.subscribe(route.queue());
      exchanges.putNumbers(route.exchange(), 0, 10);

      assertThat(socket.numbers(10)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
      socket.expectNothingElse(exchanges, route);
    }
  }

  @Test
  void unknownQueue_isAccepted_andServedFromItsFirstMessage() {
    for (String further : List.of("", Exchanges.DURABLE, Exchanges.WORK, Exchanges.DURABLE_WORK)) {
      String exchange = exchanges.exchange("fanout");
      String queue = Exchanges.unique("later");
      try (QueueSocket plain = QueueSocket.open(client);
          QueueSocket told = QueueSocket.open(client)) {
        plain.subscribe(queue);
        told.subscribe(queue, QueueSocket.CONFIRM);
        told.expectSubscribed(queue, "null");
        // By now the other has surely been heard too.
        Exchanges.expectDone(exchanges.createQueue(queue, further));
        Exchanges.expectDone(exchanges.bind(exchange, queue, ""));
        exchanges.putNumbers(exchange, 0, 3);

        if (further.contains("work")) {
          Pubsub.eventually("three messages", () -> plain.waiting() + told.waiting() == 3);
        } else {
          assertThat(told.numbers(3)).containsExactly(0, 1, 2);
          assertThat(plain.numbers(3)).containsExactly(0, 1, 2);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"SUBSCRIBE\"}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":null}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":{}}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":[]}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":\"q\"}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":\"\"}}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":null}}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":5}}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":[\"q\"]}}",
        "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue\":\"q\"}}",
        "{\"type\":\"PUBLISH\",\"payload\":{}}",
        "{\"type\":\"Subscribed\",\"payload\":{\"queue_name\":\"q\"}}",
        "{\"type\":\"ping\"}",
        "{\"type\":5}",
        "{\"type\":null}",
        "{\"payload\":{\"queue_name\":\"q\"}}",
        "{}",
        "[]",
        "5",
        "null",
        "\"SUBSCRIBE\""
      })
  void frameThatAsksForNothing_isIgnored(String frame) {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.send(frame);
      socket.subscribe(route.queue());
      socket.send(frame);
      socket.awaitLive(exchanges, route); // The first frame that comes is a message.
      socket.send(frame);
      exchanges.put(route.exchange(), 1);
      assertThat(socket.numbers(1)).containsExactly(1);
      socket.expectNothingElse(exchanges, route);
    }
  }

  @Test
  void lowercaseSubscribe_afterTheFirstFrame_isIgnored() {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(route.queue());
      socket.awaitLive(exchanges, route);
      socket.send(Socket.subscribe("", Caller.unique("topic")));
      exchanges.put(route.exchange(), 1);

      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "SUBSCRIBE", "{\"type\":\"SUBSCRIBE\"", "{'type':'SUBSCRIBE'}"})
  void malformedJson_endsTheSocket_firstOrLater(String frame) {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket first = QueueSocket.open(client);
        QueueSocket later = QueueSocket.subscribed(client, route.queue(), "");
        QueueSocket other = QueueSocket.subscribed(client, route.queue(), "")) {
      first.send(frame);
      later.send(frame);

      assertThat(first.closeCode()).isIn(1007, 1008);
      assertThat(later.closeCode()).isIn(1007, 1008);
      exchanges.put(route.exchange(), 1);
      assertThat(other.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void binaryFrames_areIgnored() {
    Route route = exchanges.route("fanout", "");
    Route another = exchanges.route("fanout", "");
    byte[] subscribe =
        QueueSocket.subscribeFrame(another.queue(), "").getBytes(StandardCharsets.UTF_8);
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.sendBinary(new byte[] {1, 2, 3});
      socket.sendBinary(subscribe);
      socket.subscribe(route.queue());
      socket.awaitLive(exchanges, route);
      socket.sendBinary(subscribe);
      socket.sendBinary(new byte[0]);
      exchanges.put(another.exchange(), 1);
      exchanges.put(route.exchange(), 2);

      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  /// On this server the relay would close a socket that is silent for a second; pings are answered
  /// by the client's library.
  @Test
  void silence_isNoReasonToClose_onceAFrameHasCome() {
    Route route = tight.route("fanout", "");
    long start = System.nanoTime();
    try (QueueSocket subscriber = QueueSocket.open(tight.caller());
        QueueSocket strange = QueueSocket.open(tight.caller());
        QueueSocket mute = QueueSocket.open(tight.caller())) {
      subscriber.subscribe(route.queue());
      strange.send("{}");
      int code = mute.closeCode();
      assertThat(code).isBetween(1000, 1013);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(800), Duration.ofSeconds(5));

      Pubsub.eventually("4 s", () -> System.nanoTime() - start > Duration.ofSeconds(4).toNanos());
      assertThat(subscriber.waiting()).isZero();
      assertThat(subscriber.isClosed()).isFalse();
      subscriber.awaitLive(tight, route);
      strange.subscribe(route.queue());
      strange.awaitLive(tight, route);
    }
  }

  @Test
  void socketsThatEnd_areForgotten() {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket stays = QueueSocket.subscribed(client, route.queue(), "")) {
      for (int i = 0; i < 50; i++) {
        QueueSocket.subscribed(client, route.queue(), "").close();
      }
      exchanges.putNumbers(route.exchange(), 0, 100);
      assertThat(stays.numbers(100)).hasSize(100);
    }
  }

  @Test
  void manySubscribersOfOneQueue_allGetEverything() {
    Route route = exchanges.route("fanout", "");
    var sockets = new ArrayList<QueueSocket>();
    try {
      for (int i = 0; i < 100; i++) {
        sockets.add(QueueSocket.subscribed(client, route.queue(), ""));
      }
      exchanges.putNumbers(route.exchange(), 0, 20);
      List<Message> all = sockets.getFirst().next(20);
      sockets.subList(1, 100).forEach(socket -> assertThat(socket.next(20)).isEqualTo(all));
    } finally {
      sockets.forEach(QueueSocket::close);
    }
  }

  // Deleting what is subscribed to

  @Test
  void deletedQueue_isServedAgainWhenItIsCreatedAnew() {
    for (String further : List.of("", Exchanges.DURABLE, Exchanges.DURABLE_WORK)) {
      Route route = exchanges.route("fanout", further);
      String other = exchanges.boundQueue(route.exchange(), "", "");
      try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "");
          QueueSocket witness = QueueSocket.subscribed(client, other, "")) {
        exchanges.put(route.exchange(), 1);
        assertThat(socket.numbers(1)).containsExactly(1);

        client.delete(Exchanges.queuePath(route.queue())).expectNoContent();
        exchanges.put(route.exchange(), 2);
        assertThat(witness.numbers(2)).containsExactly(1, 2);
        Exchanges.expectDone(exchanges.createQueue(route.queue(), further));
        exchanges.put(route.exchange(), 3); // The new one is not bound yet.
        Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), ""));
        exchanges.put(route.exchange(), 4);

        assertThat(socket.numbers(1)).containsExactly(4);
        assertThat(exchanges.shown(route.queue()).get("bindings").asInt()).isEqualTo(1);
      }
    }
  }

  @Test
  void deletedExchange_routesNoMore_andItsQueuesStay() {
    Route route = exchanges.route("fanout", "");
    String other = exchanges.exchange("fanout");
    Exchanges.expectDone(exchanges.bind(other, route.queue(), ""));
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      client.delete(Exchanges.exchangePath(route.exchange())).expectNoContent();
      Exchanges.expectError(exchanges.publish(route.exchange(), "", "1"), 404, "E002");
      Exchanges.expectDone(exchanges.createExchange(route.exchange(), "fanout"));
      exchanges.put(route.exchange(), 1);
      exchanges.put(other, 2);

      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  // Additions

  @Test
  void confirm_isAnsweredWithTheMode() {
    String broadcast = exchanges.queue("");
    String work = exchanges.queue(Exchanges.WORK);
    String missing = Exchanges.unique("missing");
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(broadcast, QueueSocket.CONFIRM);
      socket.expectSubscribed(broadcast, "broadcast");
      socket.subscribe(work, QueueSocket.CONFIRM);
      socket.expectSubscribed(work, "work");
      socket.subscribe(missing, QueueSocket.CONFIRM);
      socket.expectSubscribed(missing, "null");
    }
  }

  @Test
  void everyAddition_isAnswered() {
    String broadcast = exchanges.queue("");
    String work = exchanges.queue(Exchanges.WORK);
    for (String addition : List.of("\"from\":\"last\"", EARLIEST)) {
      try (QueueSocket socket = QueueSocket.open(client)) {
        socket.subscribe(broadcast, addition);
        socket.expectSubscribed(broadcast, "broadcast");
      }
    }
    for (String addition :
        List.of(
            "\"ack\":\"auto\"",
            QueueSocket.MANUAL,
            QueueSocket.MANUAL + ",\"prefetch\":1",
            QueueSocket.MANUAL + ",\"prefetch\":1000")) {
      try (QueueSocket socket = QueueSocket.open(client)) {
        socket.subscribe(work, addition);
        socket.expectSubscribed(work, "work");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"from\":\"yesterday\"",
        "\"from\":5",
        "\"from\":\"\"",
        "\"ack\":\"never\"",
        "\"ack\":true",
        "\"ack\":\"manual\",\"prefetch\":0",
        "\"ack\":\"manual\",\"prefetch\":1001",
        "\"ack\":\"manual\",\"prefetch\":-1",
        "\"ack\":\"manual\",\"prefetch\":\"5\"",
        "\"ack\":\"manual\",\"prefetch\":1.5",
        "\"confirm\":\"yes\""
      })
  void invalidAddition_isAnErrorFrame_andTheSocketGoesOn(String addition) {
    String mode = addition.contains("ack") ? Exchanges.WORK : "";
    Route route = exchanges.route("fanout", mode);
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(route.queue(), addition);
      socket.expectError(route.queue(), "INVALID_REQUEST");
      exchanges.put(route.exchange(), 1);
      socket.subscribe(route.queue(), QueueSocket.CONFIRM);
      socket.expectSubscribed(route.queue());
      exchanges.put(route.exchange(), 2);
      assertThat(socket.next().n()).isEqualTo(mode.isEmpty() ? 2 : 1);
    }
  }

  /// `from` is for broadcast, `ack` and `prefetch` are for work.
  @Test
  void additionOfTheOtherMode_isAnErrorFrame() {
    String broadcast = exchanges.queue("");
    String work = exchanges.queue(Exchanges.WORK);
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(work, EARLIEST);
      socket.expectError(work, "INVALID_REQUEST");
      socket.subscribe(broadcast, QueueSocket.MANUAL);
      socket.expectError(broadcast, "INVALID_REQUEST");
    }
  }

  @Test
  void confirm_repeated_isAnsweredAndDoublesNothing() {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      socket.subscribe(route.queue(), QueueSocket.CONFIRM);
      socket.expectSubscribed(route.queue(), "broadcast");
      exchanges.put(route.exchange(), 1);

      assertThat(socket.numbers(1)).containsExactly(1);
      socket.expectNothingElse(exchanges, route);
    }
  }

  @Test
  void from_earliestLastAndAnId() {
    for (String further : List.of("", Exchanges.DURABLE)) {
      Route route = exchanges.route("fanout", further);
      exchanges.putNumbers(route.exchange(), 0, 10);
      List<Message> all;
      try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), EARLIEST)) {
        all = socket.next(10);
        assertThat(all).extracting(Message::n).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        exchanges.put(route.exchange(), 10);
        assertThat(socket.numbers(1)).containsExactly(10);
      }
      try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), from(all.get(6)))) {
        assertThat(socket.numbers(4)).containsExactly(7, 8, 9, 10);
        socket.expectNothingElse(exchanges, route);
      }
      try (QueueSocket socket =
          QueueSocket.subscribed(client, route.queue(), "\"from\":\"last\"")) {
        socket.expectNothingElse(exchanges, route);
      }
      // What others have read is still there for the next: nobody acks.
      try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), EARLIEST)) {
        assertThat(socket.next(10)).isEqualTo(all);
      }
    }
  }

  @Test
  void from_whatIsDropped_tellsAGap_orMissesNothing() {
    Route route = exchanges.route("fanout", "\"max_length\":3");
    exchanges.putNumbers(route.exchange(), 0, 3);
    Message first;
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), EARLIEST)) {
      first = socket.next();
    }
    exchanges.putNumbers(route.exchange(), 3, 8);
    exchanges.awaitCounts(route.queue(), 3, 0, 0);

    // What is dropped no longer counts, and may be there for a while all the same.
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), from(first))) {
      String frame = socket.nextText();
      if (!frame.contains("\"n\":1")) {
        JsonNode gap = Template.parse(frame);
        assertThat(gap.path("type").asString()).as("type of %s", gap).isEqualTo("GAP");
        assertThat(gap.get("payload").propertyNames())
            .containsExactlyInAnyOrder("queue_name", "from", "to");
        assertThat(gap.get("payload").get("queue_name").asString()).isEqualTo(route.queue());
      } else {
        assertThat(socket.numbers(3)).containsExactly(2, 3, 4);
      }
      assertThat(socket.numbers(3)).containsExactly(5, 6, 7);
    }
  }

  @Test
  void from_anIdOfAnotherQueue_tellsAGapAndBeginsWithTheEarliest() {
    Route route = exchanges.route("fanout", "");
    Route another = exchanges.route("fanout", "");
    exchanges.putNumbers(route.exchange(), 0, 3);
    exchanges.putNumbers(another.exchange(), 5, 6);
    Message foreign;
    try (QueueSocket socket = QueueSocket.subscribed(client, another.queue(), EARLIEST)) {
      foreign = socket.next();
    }

    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), from(foreign))) {
      assertThat(Template.parse(socket.nextText()).path("type").asString()).isEqualTo("GAP");
      assertThat(socket.numbers(3)).containsExactly(0, 1, 2);
    }
  }

  @Test
  void unsubscribe_isAnswered_andEndsThatQueueOnly() {
    Route left = exchanges.route("fanout", "");
    Route kept = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.subscribed(client, left.queue(), "")) {
      socket.subscribe(kept.queue(), QueueSocket.CONFIRM);
      socket.expectSubscribed(kept.queue());
      socket.unsubscribe(left.queue());
      socket.expectUnsubscribed(left.queue());
      exchanges.put(left.exchange(), 1);
      exchanges.put(kept.exchange(), 2);
      assertThat(socket.numbers(1)).containsExactly(2);

      // What was never subscribed to is left as well.
      String never = Exchanges.unique("never");
      socket.unsubscribe(never);
      socket.expectUnsubscribed(never);

      socket.subscribe(left.queue(), QueueSocket.CONFIRM);
      socket.expectSubscribed(left.queue());
      exchanges.put(left.exchange(), 3);
      assertThat(socket.numbers(1)).containsExactly(3);
    }
  }

  @Test
  void unsubscribe_byAnOriginalSubscriber_endsItToo() {
    Route route = exchanges.route("fanout", "");
    Route other = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(route.queue());
      socket.subscribe(other.queue());
      socket.awaitLive(exchanges, route);
      socket.awaitLive(exchanges, other);
      socket.unsubscribe(route.queue());
      socket.expectUnsubscribed(route.queue());
      exchanges.put(route.exchange(), 1);
      exchanges.put(other.exchange(), 2);

      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  // Section 9: which API

  private static URI url(TidingsProcess server, String query) {
    return URI.create(server.webSocketUrl() + query);
  }

  private static String relaySubscribe() {
    return Socket.subscribe("", Caller.unique("topic"));
  }

  private static void expectRelay(QueueSocket socket) {
    socket.send(relaySubscribe());
    assertThat(Template.parse(socket.nextText()).path("type").asString()).isEqualTo("subscribed");
  }

  private static void expectExchange(QueueSocket socket, Exchanges exchanges) {
    Route route = exchanges.route("fanout", "");
    socket.subscribe(route.queue(), QueueSocket.CONFIRM);
    socket.expectSubscribed(route.queue(), "broadcast");
    exchanges.put(route.exchange(), 1);
    assertThat(socket.numbers(1)).containsExactly(1);
  }

  @Test
  void discriminator_withAToken_isTheFirstFrame() {
    for (TidingsProcess server : List.of(secured, open)) {
      Caller admin = Caller.admin(server);
      try (QueueSocket relay = QueueSocket.open(admin);
          QueueSocket exchange = QueueSocket.open(admin);
          QueueSocket neither = QueueSocket.open(admin)) {
        expectRelay(relay);
        expectExchange(exchange, new Exchanges(admin));
        neither.send("{\"type\":\"PING\"}");
        neither.expect(
            """
            {"type":"error","code":"SUBSCRIPTION_ERROR","message":"<text>","details":null}
            """);
        assertThat(neither.closeCode()).isEqualTo(1000);
      }
    }
  }

  @Test
  void discriminator_withTheBearerSubprotocol_isTheFirstFrame() {
    Caller admin = Caller.admin(secured);
    String[] subprotocols = {"bearer", "bearer." + admin.token()};
    try (QueueSocket relay = QueueSocket.open(url(secured, ""), subprotocols);
        QueueSocket exchange = QueueSocket.open(url(secured, ""), subprotocols)) {
      expectRelay(relay);
      expectExchange(exchange, new Exchanges(admin));
    }
  }

  @Test
  void discriminator_badToken_is403_alsoWhereNoneIsNeeded() {
    for (TidingsProcess server : List.of(secured, open, client.server())) {
      assertThat(Socket.refused(url(server, "?token=rubbish")).statusCode()).isEqualTo(403);
    }
  }

  @Test
  void discriminator_withoutAToken_is403WhereItIsNeeded() {
    assertThat(Socket.refused(url(secured, "")).statusCode()).isEqualTo(403);
  }

  @Test
  void discriminator_withoutAToken_isTheExchange_andARelayClientIsClosedWith1008() {
    Exchanges anonymous = Exchanges.on(open);
    try (QueueSocket exchange = QueueSocket.open(url(open, ""));
        QueueSocket relay = QueueSocket.open(url(open, ""));
        QueueSocket neither = QueueSocket.open(url(open, ""));
        QueueSocket malformed = QueueSocket.open(url(open, ""))) {
      expectExchange(exchange, anonymous);
      relay.send(relaySubscribe());
      assertThat(relay.closeCode()).isEqualTo(1008);
      neither.send("{\"type\":\"ping\"}");
      neither.send("{\"type\":\"publish\",\"topic\":\"t\",\"payload\":{}}");
      expectExchange(neither, anonymous);
      malformed.send("{");
      assertThat(malformed.closeCode()).isIn(1007, 1008);
    }
  }

  @Test
  void discriminator_inDevMode_isTheFirstFrameWithoutAToken() {
    try (QueueSocket relay = QueueSocket.open(client);
        QueueSocket exchange = QueueSocket.open(client);
        QueueSocket neither = QueueSocket.open(client)) {
      expectRelay(relay);
      expectExchange(exchange, exchanges);
      neither.send("{\"type\":\"ping\"}");
      expectExchange(neither, exchanges);
    }
  }

  /// A relay socket does not understand the frames of the exchange API, nor the other way round.
  @Test
  void discriminator_holdsForAllFramesOfTheSocket() {
    try (QueueSocket relay = QueueSocket.open(client)) {
      expectRelay(relay);
      relay.subscribe(exchanges.queue(""));
      JsonNode frame = Template.parse(relay.nextText());
      assertThat(frame.path("code").asString()).isEqualTo("UNKNOWN_MESSAGE_TYPE");
    }
  }
}
