// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.Pubsub.Delivered;
import dev.tidings.system.contract.QueueSocket.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Queues of the mode work over sockets: each message goes to one subscriber, and stays until it is
/// acked. Durable and transient queues behave alike.
@SystemTest
final class ExchangeWorkTest {
  private static final String AT_ONCE = "\"delay_seconds\":0";
  private static final String QUICK = ",\"backoff_min_seconds\":1,\"backoff_max_seconds\":1";

  private final Caller client;
  private final Exchanges exchanges;
  private final Pubsub pubsub;

  ExchangeWorkTest(@On(Setup.DEV) TidingsProcess server) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
    this.pubsub = exchanges.pubsub();
  }

  static Stream<String> kinds() {
    return Stream.of(Exchanges.WORK, Exchanges.DURABLE_WORK);
  }

  private QueueSocket manual(String queue, int prefetch) {
    return QueueSocket.subscribed(client, queue, QueueSocket.MANUAL + ",\"prefetch\":" + prefetch);
  }

  private Route filled(String kind, int count) {
    Route route = exchanges.route("fanout", kind);
    exchanges.putNumbers(route.exchange(), 0, count);
    return route;
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  // Auto

  @ParameterizedTest
  @MethodSource("kinds")
  void auto_backlogComesInOrder_andIsAckedOnceWritten(String kind) {
    Route route = filled(kind, 20);
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(route.queue()); // As the original's clients do.
      assertThat(socket.numbers(20)).isEqualTo(range(0, 20));
      exchanges.put(route.exchange(), 20);
      assertThat(socket.numbers(1)).containsExactly(20);
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
    }
    try (QueueSocket next = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.put(route.exchange(), 21);
      assertThat(next.numbers(1)).containsExactly(21);
    }
    pubsub.awaitMetrics(route.queue(), 0, 0, 22, 0);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void auto_eachMessageGoesToOneSubscriber(String kind) {
    Route route = filled(kind, 50);
    var sockets = new ArrayList<QueueSocket>();
    try {
      for (int i = 0; i < 5; i++) {
        QueueSocket socket = QueueSocket.open(client);
        sockets.add(socket);
        socket.subscribe(route.queue());
      }
      exchanges.putNumbers(route.exchange(), 50, 200);
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
      Pubsub.eventually(
          "200 messages", () -> sockets.stream().mapToInt(QueueSocket::waiting).sum() >= 200);

      var numbers = new ArrayList<Integer>();
      for (QueueSocket socket : sockets) {
        List<Integer> own = socket.numbers(socket.waiting());
        assertThat(own).isSorted();
        numbers.addAll(own);
      }
      assertThat(numbers).containsExactlyInAnyOrderElementsOf(range(0, 200));
    } finally {
      sockets.forEach(QueueSocket::close);
    }
  }

  @Test
  void auto_subscriberThatGoes_leavesWhatItWasNotSent() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE_WORK + QUICK);
    var got = new ArrayList<Integer>();
    for (int round = 0; round < 5; round++) {
      exchanges.putNumbers(route.exchange(), round * 10, round * 10 + 10);
      try (QueueSocket socket = QueueSocket.open(client)) {
        socket.subscribe(route.queue());
        got.add(socket.next().n());
      }
    }
    try (QueueSocket last = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
      exchanges.put(route.exchange(), 50);
      Message message = last.next();
      while (message.n() != 50) {
        got.add(message.n());
        message = last.next();
      }
    }
    // What was written to a socket that went away may be lost with auto: it was acked.
    assertThat(got).doesNotHaveDuplicates().isSubsetOf(range(0, 50));
    exchanges.awaitCounts(route.queue(), 0, 0, 0);
  }

  // Manual

  @ParameterizedTest
  @MethodSource("kinds")
  void manual_givesUpToPrefetch_andMoreWithEachAck(String kind) {
    Route route = filled(kind, 7);
    try (QueueSocket socket = manual(route.queue(), 2)) {
      List<Message> first = socket.next(2);
      assertThat(first).extracting(Message::n).containsExactly(0, 1);
      exchanges.awaitCounts(route.queue(), 5, 2, 0);
      assertThat(socket.waiting()).isZero();

      socket.ack(first.getFirst());
      assertThat(socket.numbers(1)).containsExactly(2);
      exchanges.awaitCounts(route.queue(), 4, 2, 0);
      socket.ack(first.getLast());
      Message third = socket.next();
      assertThat(third.n()).isEqualTo(3);
      // Unknown ids and those that were acked before make no room.
      socket.ack(first.getFirst(), first.getLast());
      socket.send(
          "{\"type\":\"ACK\",\"payload\":{\"unique_id\":\"550e8400-e29b-41d4-a716-446655440000\"}}");
      exchanges.awaitCounts(route.queue(), 3, 2, 0);
      assertThat(socket.waiting()).isZero();
    }
    pubsub.awaitMetrics(route.queue(), 5, 0, 2, 0);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void manual_acksInLists(String kind) {
    Route route = filled(kind, 10);
    try (QueueSocket socket = manual(route.queue(), 5)) {
      socket.ack(socket.next(5).toArray(Message[]::new));
      List<Message> second = socket.next(5);
      assertThat(second).extracting(Message::n).containsExactly(5, 6, 7, 8, 9);
      socket.ack(second.toArray(Message[]::new));
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
      pubsub.awaitMetrics(route.queue(), 0, 0, 10, 0);
    }
  }

  @Test
  void manual_withoutPrefetch_givesAHundred() {
    Route route = filled(Exchanges.WORK, 110);
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), QueueSocket.MANUAL)) {
      assertThat(socket.numbers(100)).isEqualTo(range(0, 100));
      exchanges.awaitCounts(route.queue(), 10, 100, 0);
      assertThat(socket.waiting()).isZero();
    }
  }

  @Test
  void manual_prefetchOf1000_isReal() {
    Route route = filled(Exchanges.WORK, 1);
    var calls =
        IntStream.range(1, 1010)
            .mapToObj(n -> exchanges.publishLater(route.exchange(), "", "{\"n\":" + n + "}"))
            .toList();
    calls.forEach(call -> Exchanges.expectDone(Streams.result(call)));
    try (QueueSocket socket = manual(route.queue(), 1000)) {
      List<Message> first = socket.next(1000);
      exchanges.awaitCounts(route.queue(), 10, 1000, 0);
      socket.ack(first.toArray(Message[]::new));
      assertThat(socket.next(10)).hasSize(10);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void nack_comesAgain_afterTheBackoffOrItsDelay(String kind) {
    Route route = filled(kind + QUICK, 3);
    try (QueueSocket socket = manual(route.queue(), 10)) {
      List<Message> messages = socket.next(3);
      long start = System.nanoTime();
      socket.settle("NACK", AT_ONCE, messages.getFirst());
      Message again = socket.next();
      assertThat(again).isEqualTo(messages.getFirst());
      socket.settle("NACK", "\"delay_seconds\":3600", again);
      socket.nack(messages.get(1));
      exchanges.awaitCounts(route.queue(), 2, 1, 0);
      assertThat(socket.next()).isEqualTo(messages.get(1));
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(990), Duration.ofSeconds(8));
      exchanges.awaitCounts(route.queue(), 1, 2, 0);
    }
  }

  @Test
  void nack_ofSeveral_makesRoomForOthers() {
    Route route = filled(Exchanges.DURABLE_WORK + ",\"backoff_min_seconds\":3600", 4);
    try (QueueSocket socket = manual(route.queue(), 2)) {
      socket.nack(socket.next(2).toArray(Message[]::new));
      assertThat(socket.numbers(2)).containsExactly(2, 3);
      exchanges.awaitCounts(route.queue(), 2, 2, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void failedTooOften_becomesADeadLetter(String kind) {
    Route route = filled(kind + QUICK + ",\"max_delivery_attempts\":2", 2);
    try (QueueSocket socket = manual(route.queue(), 1)) {
      Message message = socket.next();
      socket.settle("NACK", AT_ONCE, message);
      assertThat(socket.next()).isEqualTo(message);
      socket.settle("NACK", AT_ONCE, message);
      assertThat(socket.next().n()).isEqualTo(1);
      exchanges.awaitCounts(route.queue(), 0, 1, 1);
      assertThat(pubsub.deadLetters(route.queue()))
          .singleElement()
          .satisfies(dead -> {
            assertThat(dead.id()).isEqualTo(message.id());
            assertThat(dead.n()).isZero();
            assertThat(dead.attempts()).isEqualTo(2);
          });
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void reprocessed_comesToTheSocketAgain(String kind) {
    Route route = filled(kind + ",\"max_delivery_attempts\":1", 1);
    try (QueueSocket socket = manual(route.queue(), 5)) {
      Message message = socket.next();
      socket.nack(message);
      exchanges.awaitCounts(route.queue(), 0, 0, 1);
      client
          .post(
              Exchanges.subscriptionPath(route.queue(), "/dlq/reprocess"),
              Pubsub.ids(List.of(message.id())))
          .expectNoContent();
      assertThat(socket.next()).isEqualTo(message);
      socket.ack(message);
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void socketThatEnds_givesBackWhatItHadNotAcked_asAFailedAttempt(String kind) {
    Route route = filled(kind + QUICK, 3);
    List<Message> taken;
    try (QueueSocket socket = manual(route.queue(), 10)) {
      taken = socket.next(3);
      socket.ack(taken.getFirst());
      exchanges.awaitCounts(route.queue(), 0, 2, 0);
    }
    try (QueueSocket next = manual(route.queue(), 10)) {
      assertThat(next.next(2)).containsExactlyInAnyOrder(taken.get(1), taken.get(2));
    }
    // Now both have failed twice.
    List<Delivered> third = pubsub.await(route.queue(), 2);
    assertThat(third).extracting(Delivered::attempts).containsOnly(3);
  }

  @Test
  void socketThatEnds_onTheLastAttempt_leavesDeadLetters() {
    Route route = filled(Exchanges.DURABLE_WORK + ",\"max_delivery_attempts\":1", 5);
    try (QueueSocket socket = manual(route.queue(), 2)) {
      socket.next(2);
    }
    exchanges.awaitCounts(route.queue(), 3, 0, 2);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void leaseThatEnds_isAFailedAttempt_alsoWhileTheSocketIsOpen(String kind) {
    Route route =
        filled(kind + QUICK + ",\"ack_deadline_seconds\":1,\"max_delivery_attempts\":2", 1);
    try (QueueSocket socket = manual(route.queue(), 10)) {
      Message message = socket.next();
      assertThat(socket.next()).isEqualTo(message);
      exchanges.awaitCounts(route.queue(), 0, 0, 1);
      exchanges.put(route.exchange(), 7);
      assertThat(socket.next().n()).isEqualTo(7);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void unsubscribe_endsDelivery_andOthersGetTheRest(String kind) {
    Route route = filled(kind + QUICK, 5);
    try (QueueSocket socket = manual(route.queue(), 2);
        QueueSocket other = QueueSocket.open(client)) {
      Message acked = socket.next();
      Message kept = socket.next();
      socket.ack(acked);
      Message third = socket.next();
      assertThat(third.n()).isEqualTo(2);
      socket.unsubscribe(route.queue());
      socket.expectUnsubscribed(route.queue());
      exchanges.put(route.exchange(), 5);
      other.subscribe(route.queue());

      Set<Integer> all = new HashSet<>(other.numbers(5));
      assertThat(all).containsExactlyInAnyOrder(kept.n(), third.n(), 3, 4, 5);
      assertThat(socket.waiting()).isZero();
    }
  }

  @Test
  void modes_autoAndManual_shareOneQueue() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE_WORK);
    try (QueueSocket auto = QueueSocket.subscribed(client, route.queue(), "");
        QueueSocket manual = manual(route.queue(), 5)) {
      exchanges.putNumbers(route.exchange(), 0, 100);
      Set<Integer> numbers = new HashSet<>();
      Pubsub.eventually(
          "100 messages",
          () -> {
            while (manual.waiting() > 0) {
              Message message = manual.next();
              assertThat(numbers.add(message.n())).isTrue();
              manual.ack(message);
            }
            while (auto.waiting() > 0) {
              assertThat(numbers.add(auto.next().n())).isTrue();
            }
            return numbers.size() == 100;
          });
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
    }
  }

  @Test
  void socketsAndHttpConsumers_shareOneQueue() {
    Route route = filled(Exchanges.DURABLE_WORK, 10);
    List<Delivered> leased = pubsub.consume(route.queue(), 4);
    try (QueueSocket socket = manual(route.queue(), 100)) {
      List<Message> messages = socket.next(6);
      assertThat(messages).extracting(Message::n).containsExactly(4, 5, 6, 7, 8, 9);
      // Either may ack what the other has.
      client
          .post(
              Exchanges.subscriptionPath(route.queue(), "/acks"),
              Pubsub.ids(List.of(messages.getFirst().id())))
          .expectNoContent();
      socket.ack(new Message(leased.getFirst().id(), ""));
      exchanges.awaitCounts(route.queue(), 0, 8, 0);
      pubsub.post(route.queue(), "release", leased.get(1));
      assertThat(socket.next().id()).isEqualTo(leased.get(1).id());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"ACK\"}",
        "{\"type\":\"ACK\",\"payload\":{}}",
        "{\"type\":\"ACK\",\"payload\":5}",
        "{\"type\":\"ACK\",\"payload\":{\"unique_id\":5}}",
        "{\"type\":\"ACK\",\"payload\":{\"unique_id\":\"x\"}}",
        "{\"type\":\"ACK\",\"payload\":{\"unique_ids\":\"x\"}}",
        "{\"type\":\"ACK\",\"payload\":{\"unique_ids\":[5,null]}}",
        "{\"type\":\"NACK\",\"payload\":{\"unique_id\":\"ID\",\"delay_seconds\":-1}}",
        "{\"type\":\"NACK\",\"payload\":{\"unique_id\":\"ID\",\"delay_seconds\":\"long\"}}",
        "{\"type\":\"NACK\",\"payload\":{\"unique_id\":\"ID\",\"delay_seconds\":1e99}}"
      })
  void invalidAckOrNack_isToldOrIgnored_andTheSocketGoesOn(String frame) {
    Route route = filled(Exchanges.WORK, 2);
    try (QueueSocket socket = manual(route.queue(), 1)) {
      Message message = socket.next();
      socket.send(frame.replace("ID", message.id()));
      socket.ack(message);

      String next = socket.nextText();
      if (next.contains("\"type\":\"ERROR\"")) {
        Template.assertMatches(
            Template.parse(next).get("payload").get("message").toString(), "\"<text>\"");
        next = socket.nextText();
      }
      assertThat(next).contains("{\"n\":1}");
    }
  }

  /// A socket without additions, which does not know of acks, and one that acks nothing it has.
  @Test
  void acksOfOthers_areNoFailure() {
    Route route = filled(Exchanges.WORK, 1);
    try (QueueSocket auto = QueueSocket.open(client)) {
      auto.subscribe(route.queue());
      Message message = auto.next();
      auto.ack(message);
      auto.nack(message);
      exchanges.put(route.exchange(), 1);
      assertThat(auto.numbers(1)).containsExactly(1);
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
    }
  }

  @Test
  void unknownQueue_createdLater_givesManualSubscribersTheirDue() {
    String exchange = exchanges.exchange("fanout");
    String queue = Exchanges.unique("later");
    try (QueueSocket socket = QueueSocket.open(client)) {
      socket.subscribe(queue, QueueSocket.MANUAL + ",\"prefetch\":2");
      socket.expectSubscribed(queue, "null");
      Exchanges.expectDone(exchanges.createQueue(queue, Exchanges.DURABLE_WORK));
      Exchanges.expectDone(exchanges.bind(exchange, queue, ""));
      exchanges.putNumbers(exchange, 0, 3);

      List<Message> first = socket.next(2);
      exchanges.awaitCounts(queue, 1, 2, 0);
      socket.ack(first.getFirst());
      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void deletedWorkQueue_leavesManualSubscribersUsable() {
    Route route = filled(Exchanges.DURABLE_WORK, 3);
    try (QueueSocket socket = manual(route.queue(), 2)) {
      List<Message> old = socket.next(2);
      client.delete(Exchanges.queuePath(route.queue())).expectNoContent();
      Exchanges.expectDone(exchanges.createQueue(route.queue(), Exchanges.DURABLE_WORK));
      Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), ""));
      socket.ack(old.getFirst()); // Of the former queue: nothing.
      exchanges.putNumbers(route.exchange(), 10, 14);

      assertThat(socket.numbers(2)).containsExactly(10, 11);
      exchanges.awaitCounts(route.queue(), 2, 2, 0);
      socket.nack(old.getLast());
      exchanges.awaitCounts(route.queue(), 2, 2, 0);
    }
  }

  @Test
  void subscribersThatComeAndGo_loseAndRepeatNothingThatWasAcked() {
    Route route =
        exchanges.route(
            "fanout",
            Exchanges.DURABLE_WORK
                + ",\"backoff_min_seconds\":1,\"backoff_max_seconds\":1,\"max_delivery_attempts\":1000");
    exchanges.putNumbers(route.exchange(), 0, 60);
    Set<Integer> acked = new HashSet<>();
    for (int round = 0; round < 8; round++) {
      try (QueueSocket socket = manual(route.queue(), 5)) {
        for (int i = 0; i < 4 && acked.size() < 30; i++) {
          Message message = socket.next();
          assertThat(acked.add(message.n())).as("acked before: %s", message).isTrue();
          socket.ack(message);
        }
        int soFar = acked.size();
        Pubsub.eventually(
            "the acks have been handled",
            () -> pubsub.metrics(route.queue()).expect(200).json().get("acked").asInt() == soFar);
      }
    }
    assertThat(acked).hasSize(30);
    try (QueueSocket last = manual(route.queue(), 100)) {
      List<Integer> rest = last.numbers(30);
      assertThat(acked).doesNotContainAnyElementsOf(rest);
      acked.addAll(rest);
    }
    assertThat(acked).hasSize(60);
  }
}
