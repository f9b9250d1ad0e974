// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// What a subscriber gets: everything, once, in order, from where it asked.
@SystemTest
final class DeliveryTest {

  private final RelayClient admin;

  DeliveryTest(@On(Setup.SECURED) TidingsProcess server) {
    this.admin = server.admin();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @Test
  void offsetLast_startsWithTheNextMessage() {
    String topic = RelayClient.unique("last");
    admin.publishNumbers(topic, 0, 5);
    try (RelaySocket socket = admin.subscribeFrom("last", topic)) {
      admin.publishNumber(topic, 5);
      assertThat(socket.numbers(1)).containsExactly(5);
    }
  }

  @Test
  void offsetEarliest_startsWithTheFirstMessageAndGoesOnLive() {
    String topic = RelayClient.unique("earliest");
    admin.publishNumbers(topic, 0, 250);
    try (RelaySocket socket = admin.subscribeFrom("earliest", topic)) {
      assertThat(socket.numbers(250)).isEqualTo(range(0, 250));
      admin.publishNumber(topic, 250);
      assertThat(socket.numbers(1)).containsExactly(250);
    }
  }

  @Test
  void offsetOfAMessage_startsWithTheOneAfterIt() {
    String topic = RelayClient.unique("offset");
    List<String> ids = admin.publishNumbers(topic, 0, 5);
    for (String offset : List.of(ids.get(2), Shape.asUuid(ids.get(2)))) {
      try (RelaySocket socket = admin.subscribeFrom(offset, topic)) {
        assertThat(socket.numbers(2)).containsExactly(3, 4);
        socket.expectNothingBeforePong();
      }
    }
  }

  /// A typo replayed the whole topic, in silence.
  @Test
  void offsetThatIsNoPlace_isRefused() {
    String topic = RelayClient.unique("typo");
    try (RelaySocket socket = admin.open()) {
      socket.send(Json.object("type", "subscribe", "topics", List.of(topic), "offset", "latest"));

      assertThat(socket.expect("error").get("code").asString()).isEqualTo("SUBSCRIPTION_ERROR");
      assertThat(socket.expectClosed().code()).isEqualTo(1000);
    }
  }

  @Test
  void offsetOfAMessageOfAnotherTopic_tellsTheGapAndStartsWithTheFirst() {
    String topic = RelayClient.unique("foreign");
    String elsewhere = admin.publishNumber(RelayClient.unique("elsewhere"), 9);
    admin.publishNumbers(topic, 0, 3);
    try (RelaySocket socket = admin.subscribeFrom(elsewhere, topic)) {
      assertThat(socket.expect("gap").get("topic").asString()).isEqualTo(topic);
      assertThat(socket.numbers(3)).containsExactly(0, 1, 2);
    }
  }

  @Test
  void reconnecting_fromTheLastMessageSeen_missesNothingAndRepeatsNothing() {
    String topic = RelayClient.unique("resume");
    int count = 400;
    var seen = new ArrayList<Integer>();
    var lastId = "earliest";
    try (var publisher = Executors.newVirtualThreadPerTaskExecutor()) {
      publisher.execute(() -> {
        for (int n = 0; n < count; n++) {
          admin.publishNumber(topic, n);
        }
      });
      while (seen.size() < count) {
        try (RelaySocket socket = admin.subscribeFrom(lastId, topic)) {
          for (int i = 0; i < 50 && seen.size() < count; i++) {
            JsonNode message = socket.expect("message");
            seen.add(message.get("payload").get("n").asInt());
            lastId = message.get("message_id").asString();
          }
        }
      }
    }

    assertThat(seen).isEqualTo(range(0, count));
  }

  @Test
  void everySubscriber_getsEveryMessageInTheOrderOfTheLog() {
    String topic = RelayClient.unique("fanout");
    int publishers = 3;
    int each = 100;
    List<RelaySocket> sockets =
        IntStream.range(0, 20).mapToObj(_ -> admin.subscribe(topic)).toList();
    try {
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int p = 0; p < publishers; p++) {
          int first = p * each;
          threads.execute(() -> {
            for (int n = first; n < first + each; n++) {
              admin.publishNumber(topic, n);
            }
          });
        }
      }
      List<Integer> log = admin.readAll(topic).numbers();

      assertThat(log).containsExactlyInAnyOrderElementsOf(range(0, publishers * each));
      for (int p = 0; p < publishers; p++) {
        int first = p * each;
        assertThat(log.stream().filter(n -> n >= first && n < first + each))
            .as("order of one publisher, who waits for each answer")
            .isEqualTo(range(first, first + each));
      }
      assertThat(sockets)
          .allSatisfy(socket -> assertThat(socket.numbers(publishers * each)).isEqualTo(log));
      sockets.forEach(RelaySocket::expectNothingBeforePong);
    } finally {
      sockets.forEach(RelaySocket::close);
    }
  }

  @Test
  void answeredMessage_isReadableAtOnce() {
    String topic = RelayClient.unique("atonce");
    String last = "start";
    for (int n = 0; n < 100; n++) {
      String id = admin.publishNumber(topic, n);
      Poll poll = admin.readFrom(topic, last);
      assertThat(poll.ids()).containsExactly(id);
      last = id;
    }
  }

  @Test
  void largeMessage_isDeliveredWhole() {
    String topic = RelayClient.unique("large");
    String filler = "grüße".repeat(130_000);
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publish(topic, Map.of("filler", filler)).expect(201);

      assertThat(socket.expect("message").get("payload").get("filler").asString())
          .isEqualTo(filler);
    }
  }

  @Test
  void missingTopic_isDeliveredOnceItAppears() {
    User owner = admin.newUser("read", "write");
    String topic = RelayClient.unique("appears");
    try (RelaySocket socket = owner.client().subscribe(topic)) {
      owner.client().publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void subscribing_doesNotCreateTheTopic() {
    String topic = RelayClient.unique("notcreated");
    try (RelaySocket _ = admin.subscribe(topic)) {
      admin.createTopic("topic_name", topic).expect(201);
    }
  }

  @Test
  void missingTopic_thatAppearsPublic_isDelivered() {
    User owner = admin.newUser("write");
    User reader = admin.newUser("read");
    String topic = RelayClient.unique("public");
    try (RelaySocket socket = reader.client().subscribe(topic)) {
      owner.client().createTopic("topic_name", topic, "is_public", true).expect(201);
      owner.client().publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void missingTopic_thatAppearsPrivateToAnother_isNotDelivered() {
    User owner = admin.newUser("write");
    User reader = admin.newUser("read");
    String secret = RelayClient.unique("secret");
    try (RelaySocket socket = reader.client().subscribe(secret)) {
      owner.client().publishNumber(secret, 1);
      owner.client().publishNumber(secret, 2);

      // The server may say so in a frame, and it may close the socket.
      for (var frame = socket.poll(Duration.ofSeconds(1));
          frame.isPresent();
          frame = socket.poll(Duration.ofSeconds(1))) {
        assertThat(frame.get().path("type").asString()).isNotEqualTo("message");
      }
    }
  }

  @Test
  void missingTopic_thatAppearsPrivateToAnother_leavesTheOtherTopicsAlone() {
    User owner = admin.newUser("write");
    User reader = admin.newUser("read");
    String open = RelayClient.unique("open");
    admin.createTopic("topic_name", open, "is_public", true).expect(201);
    String secret = RelayClient.unique("secret");
    try (RelaySocket socket = reader.client().subscribe(open, secret)) {
      owner.client().publishNumber(secret, 1);
      admin.publishNumber(open, 2);

      JsonNode frame = socket.next();
      while (!frame.path("type").asString().equals("message")) {
        frame = socket.next();
      }
      assertThat(frame.get("topic").asString()).isEqualTo(open);
    }
  }

  @Test
  void socketsThatNeverRead_holdUpNobodyAndCostNoMemory() {
    String topic = RelayClient.unique("stalled");
    int count = 4_000;
    String filler = "x".repeat(4_000);
    var stalled = new ArrayList<RawWebSocket>();
    try (RelaySocket reader = admin.subscribe(topic)) {
      for (int i = 0; i < 40; i++) {
        RawWebSocket socket = RawWebSocket.open(admin, 4_096);
        stalled.add(socket);
        socket.subscribe(topic);
      }

      // 16 MB, which nobody but the reader takes: 640 MB if it were kept for each.
      admin.publishNumbers(topic, 0, count, filler);

      assertThat(reader.numbers(count)).isEqualTo(range(0, count));
      admin
          .server()
          .residentMemory()
          .ifPresent(bytes -> assertThat(bytes).as("resident memory").isLessThan(1L << 30));
      // And one that begins to read after all gets everything, in order.
      RawWebSocket late = stalled.getFirst();
      for (int n = 0; n < count; n++) {
        assertThat(late.expect("message").get("payload").get("n").asInt()).isEqualTo(n);
      }
    } finally {
      stalled.forEach(RawWebSocket::close);
    }
  }
}
