// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.Pubsub.Delivered;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/// What a queue keeps at most: by length, by age and by memory; and how many exchanges, queues and
/// bindings there may be.
@SystemTest
final class ExchangeBoundsTest {
  private static final int EXCHANGES = 5;
  private static final int QUEUES = 6;
  private static final int BINDINGS = 8;
  private static final String REJECT = ",\"overflow\":\"reject\"";
  private static final String BIG = Template.quoted("x".repeat(50_000));
  private static final String EARLIEST = "\"from\":\"earliest\"";

  private final Caller client;
  private final Exchanges exchanges;
  private final TidingsProcess small =
      TidingsProcess.startDev(
          Map.of(
              "TIDINGS_EXCHANGES_LIMIT", Integer.toString(EXCHANGES),
              "TIDINGS_EXCHANGES_QUEUE_LIMIT", Integer.toString(QUEUES),
              "TIDINGS_EXCHANGES_BINDING_LIMIT", Integer.toString(BINDINGS),
              "TIDINGS_MEMORY_TRANSIENT_QUEUES_SIZE", "1MiB"));
  private final Exchanges few = Exchanges.on(small);

  ExchangeBoundsTest(@On(Setup.DEV) TidingsProcess server) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
  }

  @AfterAll
  void stop() {
    small.close();
  }

  static Stream<String> kinds() {
    return Stream.of(
        "\"durable\":false,\"mode\":\"broadcast\"",
        "\"durable\":true,\"mode\":\"broadcast\"",
        "\"durable\":false,\"mode\":\"work\"",
        "\"durable\":true,\"mode\":\"work\"");
  }

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::n).toList();
  }

  // Length

  @ParameterizedTest
  @MethodSource("kinds")
  void maxLength_dropsTheOldest(String kind) {
    Route route = exchanges.route("fanout", kind + ",\"max_length\":3");
    exchanges.putNumbers(route.exchange(), 0, 2);
    exchanges.awaitCounts(route.queue(), 2, 0, 0);
    exchanges.putNumbers(route.exchange(), 2, 3);
    exchanges.awaitCounts(route.queue(), 3, 0, 0);
    exchanges.putNumbers(route.exchange(), 3, 5);
    exchanges.awaitCounts(route.queue(), 3, 0, 0);
    Pubsub pubsub = exchanges.pubsub();

    List<Delivered> leased = pubsub.consume(route.queue(), 10);
    assertThat(numbers(leased)).containsExactly(2, 3, 4);

    // What is leased counts, and is dropped too.
    exchanges.put(route.exchange(), 5);
    exchanges.awaitCounts(route.queue(), 1, 2, 0);
    // What is acked does not count.
    pubsub.ack(route.queue(), leased.toArray(Delivered[]::new));
    exchanges.putNumbers(route.exchange(), 6, 8);
    exchanges.awaitCounts(route.queue(), 3, 0, 0);
    assertThat(numbers(pubsub.await(route.queue(), 3))).containsExactly(5, 6, 7);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void maxLength_dropped_isNotReplayed(String kind) {
    if (kind.contains("work")) {
      return; // There is no `from`.
    }
    Route route = exchanges.route("fanout", kind + ",\"max_length\":2");
    try (QueueSocket live = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.putNumbers(route.exchange(), 0, 20);
      assertThat(live.next(20)).hasSize(20);
    }
    exchanges.awaitCounts(route.queue(), 2, 0, 0);
    try (QueueSocket late = QueueSocket.subscribed(client, route.queue(), EARLIEST)) {
      assertThat(late.numbers(2)).containsExactly(18, 19);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void maxLength_rejects_andNamesTheFullQueue_othersHaveGotIt(String kind) {
    Route route = exchanges.route("fanout", kind + ",\"max_length\":2" + REJECT);
    String other = exchanges.boundQueue(route.exchange(), "", "");
    Pubsub pubsub = exchanges.pubsub();
    exchanges.putNumbers(route.exchange(), 0, 2);

    for (int n = 2; n < 4; n++) {
      Exchanges.expectFull(
          exchanges.publish(route.exchange(), "", "{\"n\":" + n + "}"), route.queue());
    }

    exchanges.awaitCounts(route.queue(), 2, 0, 0);
    assertThat(numbers(pubsub.await(other, 4))).containsExactly(0, 1, 2, 3);
    List<Delivered> leased = pubsub.await(route.queue(), 2);
    assertThat(numbers(leased)).containsExactly(0, 1);
    // Leased is not acked: still full.
    Exchanges.expectFull(exchanges.publish(route.exchange(), "", "{\"n\":4}"), route.queue());
    pubsub.ack(route.queue(), leased.getFirst());
    exchanges.put(route.exchange(), 5);
    Exchanges.expectFull(exchanges.publish(route.exchange(), "", "{\"n\":6}"), route.queue());
    client.post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200, "{\"purged\":2}");
    exchanges.putNumbers(route.exchange(), 7, 9);
    assertThat(numbers(pubsub.await(route.queue(), 2))).containsExactly(7, 8);
  }

  @Test
  void maxLength_severalFullQueues_areAllNamed() {
    String exchange = exchanges.exchange("direct");
    String first = exchanges.boundQueue(exchange, "k", "\"max_length\":1" + REJECT);
    String second =
        exchanges.boundQueue(exchange, "k", Exchanges.DURABLE_WORK + ",\"max_length\":1" + REJECT);
    String third = exchanges.boundQueue(exchange, "k", "\"max_length\":2" + REJECT);
    String elsewhere = exchanges.boundQueue(exchange, "l", "\"max_length\":1" + REJECT);
    exchanges.put(exchange, "k", "1");
    exchanges.put(exchange, "l", "1");

    Exchanges.expectFull(exchanges.publish(exchange, "k", "2"), first, second);
    Exchanges.expectFull(exchanges.publish(exchange, "k", "3"), first, second, third);
    Exchanges.expectFull(exchanges.publish(exchange, "l", "4"), elsewhere);
    exchanges.awaitCounts(third, 2, 0, 0);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void maxLength_underManyPublishesAtOnce_isExact(String kind) {
    Route route = exchanges.route("fanout", kind + ",\"max_length\":10" + REJECT);
    var calls =
        IntStream.range(0, 60)
            .mapToObj(n -> exchanges.publishLater(route.exchange(), "", "{\"n\":" + n + "}"))
            .toList();
    var accepted = new ArrayList<Integer>();
    for (int n = 0; n < 60; n++) {
      Answer answer = Streams.result(calls.get(n));
      if (answer.status() == 200) {
        accepted.add(n);
      } else {
        Exchanges.expectFull(answer, route.queue());
      }
    }

    assertThat(accepted).hasSize(10);
    assertThat(numbers(exchanges.pubsub().await(route.queue(), 10)))
        .containsExactlyInAnyOrderElementsOf(accepted);
  }

  @Test
  void maxLength_reject_isFreedByAutoSubscribers() {
    Route route = exchanges.route("fanout", Exchanges.WORK + ",\"max_length\":5" + REJECT);
    exchanges.putNumbers(route.exchange(), 0, 5);
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      assertThat(socket.next(5)).hasSize(5);
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
      exchanges.putNumbers(route.exchange(), 5, 8);
      assertThat(socket.next(3)).hasSize(3);
    }
  }

  // Age

  @Test
  void messageTtl_endsMessages() {
    var routes = new ArrayList<Route>();
    var sockets = new ArrayList<QueueSocket>();
    List<String> kinds = kinds().toList();
    try {
      for (String kind : kinds) {
        Route route =
            exchanges.route("fanout", kind + ",\"message_ttl\":1,\"max_length\":3" + REJECT);
        routes.add(route);
        if (kind.contains("broadcast")) {
          sockets.add(QueueSocket.subscribed(client, route.queue(), ""));
        }
        exchanges.putNumbers(route.exchange(), 0, 3);
        Exchanges.expectFull(exchanges.publish(route.exchange(), "", "3"), route.queue());
      }
      sockets.forEach(socket -> assertThat(socket.numbers(3)).containsExactly(0, 1, 2));
    } finally {
      sockets.forEach(QueueSocket::close);
    }
    for (int i = 0; i < kinds.size(); i++) {
      Route route = routes.get(i);
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
      exchanges.pubsub().expectNothing(route.queue());
      // What has expired makes room.
      Pubsub.eventually(
          "room in a queue with " + kinds.get(i),
          () -> exchanges.publish(route.exchange(), "", "{\"n\":7}").status() == 200);
      boolean work = kinds.get(i).contains("work");
      try (QueueSocket socket =
          QueueSocket.subscribed(client, route.queue(), work ? "" : EARLIEST)) {
        assertThat(socket.numbers(1)).containsExactly(7);
      }
    }
  }

  // Memory

  private static String id(JsonNode payload) {
    return payload.get("n").asString();
  }

  private static String big(int n) {
    return "{\"n\":%d,\"x\":%s}".formatted(n, BIG);
  }

  private void deleteAllOfTheSmall() {
    for (String collection : List.of("queues", "exchanges")) {
      few.caller()
          .get("/" + collection)
          .expect(200)
          .json()
          .get(collection)
          .forEach(item ->
              few.caller()
                  .delete("/" + collection + "/" + Exchanges.segment(item.get("name").asString()))
                  .expectNoContent());
    }
    Pubsub.eventually("no bindings", () -> few.bindings("").isEmpty());
  }

  /// 5 MB through a queue that may have 1 MiB.
  @Test
  void memory_transientQueueThatDrops_keepsItsNewest() {
    deleteAllOfTheSmall();
    Route route = few.route("fanout", Exchanges.WORK);
    for (int n = 0; n < 100; n++) {
      few.put(route.exchange(), "", big(n));
    }

    int kept = few.count(route.queue(), "messages");
    assertThat(kept).isBetween(5, 21);
    List<String> all =
        few.pubsub().await(route.queue(), kept).stream().map(m -> id(m.payload())).toList();
    assertThat(all)
        .isEqualTo(IntStream.range(100 - kept, 100).mapToObj(Integer::toString).toList());
  }

  @Test
  void memory_transientQueueThatRejects_is503_untilThereIsRoom() {
    deleteAllOfTheSmall();
    Route route = few.route("fanout", Exchanges.WORK + REJECT);
    int accepted = 0;
    Answer answer = few.publish(route.exchange(), "", big(0));
    while (answer.status() == 200) {
      accepted++;
      assertThat(accepted).isLessThan(25);
      answer = few.publish(route.exchange(), "", big(accepted));
    }
    Exchanges.expectError(answer, 503, "UNAVAILABLE");
    assertThat(answer.headers().firstValue("retry-after").orElse("")).matches("[1-9]\\d*");
    assertThat(accepted).isGreaterThan(5);

    // Durable queues need none of that memory.
    String durable = few.exchange("fanout");
    String queue = few.boundQueue(durable, "", Exchanges.DURABLE_WORK);
    few.put(durable, "", big(0));
    few.awaitCounts(queue, 1, 0, 0);

    Pubsub pubsub = few.pubsub();
    List<Delivered> leased = pubsub.await(route.queue(), accepted);
    pubsub.ack(route.queue(), leased.subList(0, accepted / 2).toArray(Delivered[]::new));
    Pubsub.eventually("room", () -> few.publish(route.exchange(), "", big(99)).status() == 200);
    few.caller().delete(Exchanges.queuePath(route.queue())).expectNoContent();
    Route next = few.route("fanout", Exchanges.WORK + REJECT);
    Pubsub.eventually(
        "room for another", () -> few.publish(next.exchange(), "", big(1)).status() == 200);
  }

  /// On a server of its own: what deleted queues held is given back in the background.
  @Test
  void memory_transientBroadcastQueues_areTrimmedToTheirShare() {
    try (TidingsProcess server =
        TidingsProcess.startDev(Map.of("TIDINGS_MEMORY_TRANSIENT_QUEUES_SIZE", "1MiB"))) {
      Exchanges own = Exchanges.on(server);
      String exchange = own.exchange("fanout");
      String first = own.boundQueue(exchange, "", "");
      String second = own.boundQueue(exchange, "", "");
      try (QueueSocket live = QueueSocket.subscribed(own.caller(), first, "")) {
        for (int n = 0; n < 60; n++) {
          own.put(exchange, "", big(n));
          assertThat(live.next().body()).startsWith("{\"n\":" + n + ",");
        }
      }
      for (String queue : List.of(first, second)) {
        Pubsub.eventually("trimmed", () -> own.count(queue, "messages") <= 11);
        int kept = own.count(queue, "messages");
        try (QueueSocket late = QueueSocket.subscribed(own.caller(), queue, EARLIEST)) {
          for (int n = 60 - kept; n < 60; n++) {
            assertThat(late.next().body()).startsWith("{\"n\":" + n + ",");
          }
        }
      }
    }
  }

  // Number

  private static String limitReached(Answer answer) {
    return Exchanges.expectError(answer, 429, "LIMIT_REACHED");
  }

  @Test
  void limits_ofExchangesQueuesAndBindings_refuseFurtherOnes() {
    deleteAllOfTheSmall();
    var ofExchanges = IntStream.range(0, EXCHANGES).mapToObj(_ -> few.exchange("direct")).toList();
    var ofQueues = IntStream.range(0, QUEUES).mapToObj(_ -> few.queue("")).toList();
    String more = Exchanges.unique("more");
    limitReached(few.createExchange(more, "direct"));
    limitReached(few.createQueue(more, ""));
    Exchanges.expectError(few.createExchange(ofExchanges.getFirst(), "direct"), 409, "E001");
    Exchanges.expectError(few.createQueue(ofQueues.getFirst(), ""), 409, "Q001");
    for (int i = 0; i < BINDINGS; i++) {
      Exchanges.expectDone(few.bind(ofExchanges.getFirst(), ofQueues.get(i % 2), "k" + i));
    }
    limitReached(few.bind(ofExchanges.getLast(), ofQueues.getLast(), "more"));
    // One that is there is no further one.
    Exchanges.expectDone(few.bind(ofExchanges.getFirst(), ofQueues.getFirst(), "k0"));

    few.unbind(ofExchanges.getFirst(), ofQueues.getFirst(), "k0").expectNoContent();
    Exchanges.expectDone(few.bind(ofExchanges.getLast(), ofQueues.getLast(), "more"));
    few.caller().delete(Exchanges.queuePath(ofQueues.getFirst())).expectNoContent();
    Exchanges.expectDone(few.createQueue(more, ""));
    few.caller().delete(Exchanges.exchangePath(ofExchanges.getFirst())).expectNoContent();
    Exchanges.expectDone(few.createExchange(more, "direct"));
    Pubsub.eventually("room for bindings", () -> few.bind(more, more, "k").status() == 200);
    few.put(more, "k", "1");
    few.awaitCounts(more, 1, 0, 0);
  }
}
