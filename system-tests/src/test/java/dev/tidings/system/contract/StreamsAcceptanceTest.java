// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Streams.Message;
import dev.tidings.system.contract.Streams.Timed;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Sections 1, 7 and 9 of the contract: iPubSub's own integration and engine tests, and its
/// acceptance pairs.
@SystemTest
final class StreamsAcceptanceTest {
  private final Streams streams;

  StreamsAcceptanceTest(@On(Setup.DEV) TidingsProcess server) {
    this.streams = Streams.on(server);
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  // Section 9, row by row

  @Test
  void pair_userNotifications_sentAndReceivedOnce() {
    String id = Caller.unique("user-notifications");
    String uuid = UUID.randomUUID().toString();
    Outgoing message = Outgoing.to(id, "{\"type\":\"welcome\",\"userId\":123}").as(uuid).size(100);
    Answer sent = streams.send(message);
    sent.expect(200, Streams.SENT);
    assertThat(sent.body()).isEqualTo(Streams.SENT);

    Answer received = streams.receive(id, "timeoutSeconds=30");

    received.expect(
        200,
        """
        {"message":{"type":"welcome","userId":123},"messageUuid":"%s","timestamp":"<text>"}
        """
            .formatted(uuid));
    assertThat(received.body())
        .matches(
            "\\{\"message\":\\{\"type\":\"welcome\",\"userId\":123\\},\"messageUuid\":\""
                + uuid
                + "\",\"timestamp\":\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z\"\\}");

    Timed again = Streams.result(Streams.timed(() -> streams.receiveLater(id, 1)));
    Streams.expectTimeout(again.answer());
    assertThat(again.took()).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(2));
  }

  @Test
  void pair_receiveFirst_sendLater_isReceived() {
    String id = Streams.unique();
    CompletableFuture<Answer> receiver = streams.receiveLater(id, 5);
    streams.awaitWaitingReceivers(1);
    streams.put(Outgoing.to(id, 1));

    assertThat(Streams.message(Streams.result(receiver)).n()).isEqualTo(1);
  }

  @Test
  void pair_blockingSend_belowCapacity_is200AtOnce() {
    String id = Streams.unique();
    long start = System.nanoTime();
    for (int n = 0; n < 10; n++) {
      streams.put(Outgoing.to(id, n).size(10).blocking(5));
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
    assertThat(streams.drain(id)).isEqualTo(range(0, 10));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"text\"",
        "\"\"",
        "23.5",
        "0",
        "-1",
        "true",
        "false",
        "[1,\"two\",null,[]]",
        "[]",
        "{}",
        "{\"a\":{\"b\":[null]}}",
        "null"
      })
  void pair_messageOfAnyType_isReceivedEqual(String value) {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, value));

    assertThat(streams.take(id).value()).isEqualTo(Template.parse(value));
  }

  @Test
  void pair_size3_fiveSends_keepsTheLastThree() {
    String id = Streams.unique();
    for (int n = 1; n <= 5; n++) {
      streams.put(Outgoing.to(id, n).size(3));
    }
    for (int n = 3; n <= 5; n++) {
      assertThat(streams.take(id).n()).isEqualTo(n);
    }
    streams.expectNothing(id);
  }

  @Test
  void pair_size2_blocking_thirdSend_is424() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 1).size(2).blocking(1));
    streams.put(Outgoing.to(id, 2).size(2).blocking(1));

    Timed third =
        Streams.result(
            Streams.timed(() -> streams.sendLater(Outgoing.to(id, 3).size(2).blocking(1))));

    Streams.expectTimeout(third.answer());
    assertThat(third.took()).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(2));
    assertThat(streams.drain(id)).containsExactly(1, 2);
  }

  @Test
  void pair_size0_blocking_noReceiver_is424() {
    String id = Streams.unique();
    Timed sent =
        Streams.result(
            Streams.timed(() -> streams.sendLater(Outgoing.to(id, 1).size(0).blocking(1))));

    Streams.expectTimeout(sent.answer());
    assertThat(sent.took()).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(2));
    streams.expectNothing(id);
  }

  @Test
  void pair_readmesMsg123_is400_andWithAUuid200() {
    String body =
        """
        {
          "streamId": "user-notifications",
          "messageUuid": "msg-123",
          "message": {"type": "welcome", "userId": 123},
          "writeToDB": false,
          "inMemoryStreamSize": 100
        }
        """;
    String id = Streams.unique();
    Streams.expectError(
        streams.caller().post(Streams.SEND, body), 400, "invalid request schema", "messageUuid");
    streams
        .caller()
        .post(
            Streams.SEND,
            body.replace("user-notifications", id)
                .replace("msg-123", "550e8400-e29b-41d4-a716-446655440000"))
        .expect(200, Streams.SENT);
    assertThat(streams.take(id).value().get("userId").asInt()).isEqualTo(123);
  }

  @Test
  void pair_receiveWithoutStreamId_is400() {
    Streams.expectError(
        streams.caller().get(Streams.ROOT + "/receive?timeoutSeconds=1"),
        400,
        "streamId is required");
  }

  @Test
  void pair_receiveWithoutTimeout_waitsLongerThanASecond() {
    String id = Streams.unique();
    CompletableFuture<Answer> receiver = streams.caller().getLater(Streams.receivePath(id, ""));
    Streams.expectTimeout(streams.receive(Streams.unique(), "timeoutSeconds=1"));
    assertThat(receiver).isNotDone();
    streams.put(Outgoing.to(id, 1));

    assertThat(Streams.message(Streams.result(receiver)).n()).isEqualTo(1);
  }

  @Test
  @Tag("long")
  void pair_receiveWithoutTimeout_waits30Seconds() {
    long start = System.nanoTime();
    Streams.expectTimeout(streams.receive(Streams.unique(), ""));

    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofSeconds(30), Duration.ofSeconds(32));
  }

  @Test
  void pair_readFromDb_givesTheMessageAndAToken() {
    String id = Streams.unique();
    Outgoing message = Outgoing.to(id, 1).durable();
    streams.put(message);

    Answer answer = streams.receive(id, "readFromDB=true&timeoutSeconds=1");

    answer.expect(
        200,
        """
        {"message":{"n":1},"messageUuid":"%s","timestamp":"<text>","dbResumeToken":"<text>"}
        """
            .formatted(message.uuid()));
    assertThat(answer.text("dbResumeToken")).matches("[A-Za-z0-9_.~-]+");
  }

  // Section 7: the integration tests

  @Test
  void scenario_singleNodeBasicSendReceive() {
    String id = Streams.unique();
    Outgoing message = Outgoing.to(id, "{\"content\":\"hello\",\"number\":42}").size(10);
    streams.put(message);

    Message received = Streams.message(streams.receive(id, "timeoutSeconds=5"));

    assertThat(received.uuid()).isEqualTo(message.uuid());
    assertThat(received.value()).isEqualTo(Template.parse(message.message()));
  }

  @Test
  void scenario_circularBufferMode() {
    String id = Streams.unique();
    for (int n = 0; n < 5; n++) {
      streams.put(Outgoing.to(id, n).size(3));
    }
    for (int n = 2; n <= 4; n++) {
      assertThat(Streams.message(streams.receive(id, "timeoutSeconds=5")).n()).isEqualTo(n);
    }
    Streams.expectTimeout(streams.receive(id, "timeoutSeconds=1"));
  }

  @Test
  void scenario_blockingQueueMode() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(2).blocking(1));
    streams.put(Outgoing.to(id, 1).size(2).blocking(1));
    Streams.expectTimeout(streams.send(Outgoing.to(id, 2).size(2).blocking(1)));

    assertThat(streams.take(id).n()).isZero();
    streams.put(Outgoing.to(id, 3).size(2).blocking(1));
    assertThat(streams.drain(id)).containsExactly(1, 3);
  }

  @Test
  void scenario_syncMatchQueue() {
    String id = Streams.unique();
    long start = System.nanoTime();
    CompletableFuture<Timed> sender =
        Streams.timed(() -> streams.sendLater(Outgoing.to(id, 7).size(0).blocking(10)));
    streams.awaitBlocked(id, 1);
    Pubsub.eventually("100 ms", () -> System.nanoTime() - start > 100_000_000L);
    assertThat(sender).isNotDone();

    assertThat(Streams.message(streams.receive(id, "timeoutSeconds=5")).n()).isEqualTo(7);

    Timed sent = Streams.result(sender);
    Streams.expectSent(sent.answer());
    assertThat(sent.took()).isBetween(Duration.ofMillis(80), Duration.ofSeconds(9));
  }

  /// Twenty senders at once and three receivers; a buffer of ten blocks instead of dropping, so
  /// that it does not depend on who is faster.
  @Test
  void scenario_concurrentSendReceive() throws Exception {
    String id = Streams.unique();
    var received = new ConcurrentLinkedQueue<Integer>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var receivers = new ArrayList<Future<?>>();
      for (int i = 0; i < 3; i++) {
        receivers.add(
            threads.submit(() -> {
              while (received.size() < 20) {
                Answer answer = streams.receive(id, "timeoutSeconds=1");
                if (answer.status() != 424) {
                  received.add(Streams.message(answer).n());
                }
              }
            }));
      }
      var senders =
          IntStream.range(0, 20)
              .mapToObj(n -> streams.sendLater(Outgoing.to(id, n).size(10).blocking(10)))
              .toList();
      senders.forEach(sender -> Streams.expectSent(Streams.result(sender)));
      for (Future<?> receiver : receivers) {
        receiver.get();
      }
    }
    assertThat(received).containsExactlyInAnyOrderElementsOf(range(0, 20));
  }

  /// The same with a buffer that drops: nothing comes twice, and what was buffered last is there.
  @Test
  void scenario_concurrentSendReceive_circular() {
    String id = Streams.unique();
    var senders =
        IntStream.range(0, 20)
            .mapToObj(n -> streams.sendLater(Outgoing.to(id, n).size(10)))
            .toList();
    senders.forEach(sender -> Streams.expectSent(Streams.result(sender)));

    assertThat(streams.drain(id)).hasSize(10).doesNotHaveDuplicates().allMatch(n -> n < 20);
  }

  @Test
  void scenario_messageWithDifferentTypes() {
    String id = Streams.unique();
    var values =
        List.of(
            "\"simple string\"",
            "42.5",
            "true",
            "[\"a\",\"b\",\"c\"]",
            "{\"nested\":{\"key\":\"value\"}}",
            "null");
    values.forEach(value -> streams.put(Outgoing.to(id, value)));

    values.forEach(
        value -> assertThat(streams.take(id).value()).as(value).isEqualTo(Template.parse(value)));
  }

  @Test
  void scenario_health() {
    streams.caller().get("/health").expect(200);
  }

  @Test
  void scenario_root() {
    Answer answer = streams.caller().get("/").expect(200);
    assertThat(answer.body()).isEqualTo("{\"hello\":\"This is the iPubSub service\"}");
    assertThat(answer.headers().firstValue("content-type").orElse(""))
        .startsWith("application/json");
  }

  @Test
  void scenario_errorScenarios() {
    Streams.expectTimeout(streams.receive(Streams.unique(), "timeoutSeconds=1"));
    Streams.expectError(streams.caller().post(Streams.SEND, "{}"), 400, "invalid request schema");
    Streams.expectError(streams.caller().post(Streams.SEND, ""), 400, "invalid request schema");
  }

  @Test
  void scenario_benchmarkSendReceive() throws Exception {
    String id = Streams.unique();
    var received = new ConcurrentLinkedQueue<Integer>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var workers = new ArrayList<Future<?>>();
      for (int w = 0; w < 8; w++) {
        int first = w * 25;
        workers.add(
            threads.submit(() -> {
              for (int n = first; n < first + 25; n++) {
                streams.put(Outgoing.to(id, n).size(1000));
                received.add(Streams.message(streams.receive(id, "timeoutSeconds=5")).n());
              }
            }));
      }
      for (Future<?> worker : workers) {
        worker.get();
      }
    }
    assertThat(received).containsExactlyInAnyOrderElementsOf(range(0, 200));
  }

  // Section 7: what the engine tests add

  @Test
  void engine_severalWaiters_getOneMessageEach() {
    String id = Streams.unique();
    var waiters = IntStream.range(0, 5).mapToObj(_ -> streams.receiveLater(id, 10)).toList();
    streams.awaitWaitingReceivers(5);
    streams.putNumbers(id, 0, 5);

    var received = new HashSet<Integer>();
    waiters.forEach(waiter -> received.add(Streams.message(Streams.result(waiter)).n()));
    assertThat(received).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
    streams.expectNothing(id);
  }

  @Test
  void engine_mixedModes_stayInOrder() {
    String id = Streams.unique();
    streams.put(Outgoing.to(id, 0).size(4));
    streams.put(Outgoing.to(id, 1).size(4).blocking(1));
    streams.put(Outgoing.to(id, 2));
    streams.put(Outgoing.to(id, 3).blocking(5));

    assertThat(streams.drain(id)).isEqualTo(range(0, 4));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, -2147483648})
  void engine_negativeBlockingTimeout_isCircular(int seconds) {
    String id = Streams.unique();
    for (int n = 0; n < 3; n++) {
      streams.put(Outgoing.to(id, n).size(2).blocking(seconds));
    }
    assertThat(streams.drain(id)).containsExactly(1, 2);
  }

  @Test
  void engine_timestampIsThatOfTheArrival_andNeverGoesBack() {
    String id = Streams.unique();
    Instant before = Instant.now();
    streams.putNumbers(id, 0, 3);
    Instant after = Instant.now();
    Pubsub.eventually("100 ms", () -> Instant.now().isAfter(after.plusMillis(100)));

    JsonNode peeked = streams.peek(id, "").expect(200).json().get("messages");
    Instant last = Instant.MIN;
    for (int n = 0; n < 3; n++) {
      Message message = streams.take(id);
      assertThat(message.timestamp())
          .isBetween(before.minusMillis(5), after.plusMillis(5))
          .isAfterOrEqualTo(last)
          .isEqualTo(Message.of(peeked.get(n)).timestamp());
      last = message.timestamp();
    }
  }
}
