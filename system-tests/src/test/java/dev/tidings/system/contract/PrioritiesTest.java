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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Priorities of messages in work queues: higher ones first, without starving lower ones. Numbers
/// below 100 are mostly low messages, those from 100 on high ones.
@SystemTest
final class PrioritiesTest {
  /// Every so many messages one is given out by age instead.
  private static final int TURN = 8;

  private final Caller client;
  private final Exchanges exchanges;
  private final Pubsub pubsub;

  PrioritiesTest(@On(Setup.DEV) TidingsProcess server) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
    this.pubsub = exchanges.pubsub();
  }

  static Stream<String> kinds() {
    return Stream.of(Exchanges.WORK, Exchanges.DURABLE_WORK);
  }

  private Answer publish(String exchange, int n, String further) {
    return client.post(
        "/publish",
        "{\"exchange_name\":\"%s\",\"key\":\"\",\"payload\":{\"n\":%d}%s}"
            .formatted(exchange, n, further.isEmpty() ? "" : "," + further));
  }

  private void put(Route route, int n, int priority) {
    Exchanges.expectDone(publish(route.exchange(), n, "\"priority\":" + priority));
  }

  private void put(Route route, int from, int to, int priority) {
    for (int n = from; n < to; n++) {
      put(route, n, priority);
    }
  }

  /// Publishes 0, 1 and so on with these priorities.
  private Route filled(String kind, int... priorities) {
    Route route = exchanges.route("fanout", kind);
    for (int n = 0; n < priorities.length; n++) {
      put(route, n, priorities[n]);
    }
    return route;
  }

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::n).toList();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private List<Integer> consume(Route route, int count) {
    return numbers(pubsub.consume(route.queue(), count));
  }

  /// Everything that is there now: one answer may have fewer, only an empty one says that there are
  /// none.
  private List<Integer> all(Route route) {
    var all = new ArrayList<Integer>();
    List<Integer> some = consume(route, 100);
    while (!some.isEmpty()) {
      all.addAll(some);
      some = consume(route, 100);
    }
    return all;
  }

  private void nack(Route route, Delivered message) {
    client
        .post(
            Exchanges.subscriptionPath(route.queue(), "/nacks"),
            "{\"ids\":" + Pubsub.ids(message) + ",\"delay_seconds\":0}")
        .expectNoContent();
  }

  private QueueSocket manual(Route route, int prefetch) {
    return QueueSocket.subscribed(
        client, route.queue(), QueueSocket.MANUAL + ",\"prefetch\":" + prefetch);
  }

  // Order

  @ParameterizedTest
  @MethodSource("kinds")
  void higherOnesFirst_thenInTheOrderOfPublishing(String kind) {
    Route route = filled(kind, 0, 5, 9, 1, 5, 0, 9);
    assertThat(all(route)).containsExactly(2, 6, 1, 4, 3, 0, 5);

    route = filled(kind, 0, 3, 0, 7);
    for (int n : List.of(3, 1, 0, 2)) {
      assertThat(consume(route, 1)).containsExactly(n);
    }
    exchanges.awaitCounts(route.queue(), 0, 4, 0);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void laterHighOnes_overtake(String kind) {
    Route route = filled(kind, 0, 0, 1);
    assertThat(consume(route, 1)).containsExactly(2);
    assertThat(consume(route, 1)).containsExactly(0);
    put(route, 3, 4);
    put(route, 4, 2);
    assertThat(all(route)).containsExactly(3, 4, 1);
  }

  @Test
  void withoutPriority_isTheLowest() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE_WORK);
    exchanges.put(route.exchange(), 0);
    put(route, 1, 1);
    put(route, 2, 0);
    exchanges.put(route.exchange(), 3);

    assertThat(all(route)).containsExactly(1, 0, 2, 3);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void sockets_getHigherOnesFirst(String kind) {
    Route route = filled(kind, 0, 5, 9, 1, 5);
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      assertThat(socket.numbers(5)).containsExactly(2, 1, 4, 3, 0);
    }

    route = filled(kind, 0, 5, 9, 1, 5);
    try (QueueSocket socket = manual(route, 1)) {
      for (int n : List.of(2, 1, 4, 3, 0)) {
        Message message = socket.next();
        assertThat(message.n()).isEqualTo(n);
        socket.ack(message);
      }
      exchanges.awaitCounts(route.queue(), 0, 0, 0);
    }
  }

  /// What a consumer already has stays there.
  @Test
  void prefetched_isNotTakenBack() {
    Route route = filled(Exchanges.DURABLE_WORK, 0, 0, 0);
    try (QueueSocket socket = manual(route, 2)) {
      List<Message> held = socket.next(2);
      put(route, 100, 9);
      exchanges.awaitCounts(route.queue(), 2, 2, 0);
      assertThat(socket.waiting()).isZero();

      socket.ack(held.getFirst());
      assertThat(socket.next().n()).isEqualTo(100);
      socket.ack(held.getLast());
      assertThat(socket.next().n()).isEqualTo(2);
    }
  }

  @Test
  void everyQueueOfAnExchange_hasTheSameOrder() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE_WORK);
    String second = exchanges.boundQueue(route.exchange(), "", Exchanges.WORK);
    String log = exchanges.boundQueue(route.exchange(), "", Exchanges.DURABLE);
    put(route, 0, 0);
    put(route, 1, 9);
    put(route, 2, 3);

    assertThat(consume(route, 10)).containsExactly(1, 2, 0);
    assertThat(numbers(pubsub.consume(second, 10))).containsExactly(1, 2, 0);
    assertThat(numbers(pubsub.consume(log, 10))).containsExactly(0, 1, 2);
  }

  // Retries

  @ParameterizedTest
  @MethodSource("kinds")
  void retries_areFirstInTheirPriorityOnly(String kind) {
    Route route = filled(kind, 0, 5, 9);
    List<Delivered> leased = pubsub.consume(route.queue(), 100);
    assertThat(numbers(leased)).containsExactly(2, 1, 0);
    // Nacked from the lowest to the highest: it is the priority that counts.
    nack(route, leased.get(2));
    nack(route, leased.get(1));
    nack(route, leased.get(0));
    put(route, 3, 9);
    put(route, 4, 0);
    put(route, 5, 5);

    assertThat(all(route)).containsExactly(2, 3, 1, 5, 0, 4);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void retryThatIsNotDue_holdsNobodyUp(String kind) {
    Route route = filled(kind + ",\"backoff_min_seconds\":3600", 9, 0);
    pubsub.nack(route.queue(), pubsub.consume(route.queue(), 1).getFirst());

    assertThat(all(route)).containsExactly(1);
    exchanges.awaitCounts(route.queue(), 1, 1, 0);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void leaseThatEnds_comesAgainByItsPriority(String kind) {
    Route route = filled(kind + ",\"ack_deadline_seconds\":1", 9, 0);
    assertThat(consume(route, 2)).containsExactly(0, 1);
    exchanges.awaitCounts(route.queue(), 2, 0, 0);
    put(route, 2, 5);

    assertThat(all(route)).containsExactly(0, 2, 1);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void released_isBackInItsPlace(String kind) {
    Route route = filled(kind, 3, 9, 3, 9);
    List<Delivered> leased = pubsub.consume(route.queue(), 3);
    assertThat(numbers(leased)).containsExactly(1, 3, 0);

    pubsub.post(route.queue(), "release", leased.get(2), leased.get(0));

    assertThat(all(route)).containsExactly(1, 0, 2);
  }

  @Test
  void socketThatUnsubscribes_givesBackByPriority() {
    Route route = filled(Exchanges.DURABLE_WORK, 0, 9);
    try (QueueSocket socket = manual(route, 2)) {
      assertThat(socket.numbers(2)).containsExactly(1, 0);
      socket.unsubscribe(route.queue());
      socket.expectUnsubscribed(route.queue());
    }
    exchanges.awaitCounts(route.queue(), 2, 0, 0);
    put(route, 2, 5);

    assertThat(all(route)).containsExactly(1, 2, 0);
  }

  @Test
  void reprocessed_hasItsPriorityStill() {
    Route route = filled(Exchanges.DURABLE_WORK + ",\"max_delivery_attempts\":1", 9, 0);
    List<Delivered> dead = pubsub.consume(route.queue(), 2);
    pubsub.nack(route.queue(), dead.toArray(Delivered[]::new));
    exchanges.awaitCounts(route.queue(), 0, 0, 2);
    put(route, 2, 5);

    pubsub.post(route.queue(), "dlq/reprocess", dead.get(1), dead.get(0));

    assertThat(all(route)).containsExactly(0, 2, 1);
  }

  // No starvation

  /// Asserts that what was given out is high ones in their order, but for every eighth, and that
  /// every sixteenth at least is the oldest.
  private static void expectShares(List<Integer> given) {
    List<Integer> low = given.stream().filter(n -> n < 100).toList();
    List<Integer> high = given.stream().filter(n -> n >= 100).toList();
    assertThat(high).as("of %s the high ones", given).isEqualTo(range(100, 100 + high.size()));
    assertThat(low).as("of %s the low ones", given).isEqualTo(range(0, low.size()));
    assertThat(low.size())
        .as("low ones in %s", given)
        .isBetween(given.size() / (2 * TURN), given.size() / TURN);
    for (int i = 0; i < given.size(); i++) {
      if ((i + 1) % TURN != 0) {
        assertThat(given.get(i)).as("place %d of %s", i, given).isGreaterThanOrEqualTo(100);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyEighth_isByAge(String kind) {
    Route route = exchanges.route("fanout", kind);
    put(route, 0, 5, 0);
    put(route, 100, 140, 5);
    var given = new ArrayList<Integer>();
    for (int i = 0; i < 4 * TURN; i++) {
      given.addAll(consume(route, 1));
    }

    expectShares(given);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyEighth_isByAge_inOneLeaseToo(String kind) {
    Route route = exchanges.route("fanout", kind);
    put(route, 0, 5, 0);
    put(route, 100, 140, 5);

    var given = new ArrayList<Integer>();
    while (given.size() < 4 * TURN) {
      given.addAll(consume(route, 4 * TURN - given.size()));
    }

    expectShares(given);
  }

  @Test
  void everyEighth_isByAge_overASocketToo() {
    Route route = exchanges.route("fanout", Exchanges.WORK);
    put(route, 0, 5, 1);
    put(route, 100, 140, 9);
    var given = new ArrayList<Integer>();
    try (QueueSocket socket = manual(route, 1)) {
      while (given.size() < 4 * TURN) {
        Message message = socket.next();
        given.add(message.n());
        socket.ack(message);
      }
    }

    expectShares(given);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyEighth_isByTurns_theLongestDueRetry_andTheOldestNeverGivenOut(String kind) {
    Route route = exchanges.route("fanout", kind);
    put(route, 0, 4, 0);
    List<Delivered> retries = pubsub.consume(route.queue(), 4);
    // The second has waited longest, then the first.
    for (int i : List.of(1, 0, 2, 3)) {
      nack(route, retries.get(i));
    }
    put(route, 10, 14, 0);
    put(route, 100, 140, 5);
    var given = new ArrayList<Integer>();
    for (int i = 0; i < 4 * TURN; i++) {
      given.addAll(consume(route, 1));
    }

    assertThat(given.stream().filter(n -> n >= 100)).isEqualTo(range(100, 100 + 28));
    var byAge = new ArrayList<Integer>();
    for (int i = TURN - 1; i < given.size(); i += TURN) {
      byAge.add(given.get(i));
    }
    assertThat(byAge)
        .as("every eighth of %s", given)
        .isIn(List.of(1, 10, 0, 11), List.of(10, 1, 11, 0));
  }

  /// New high ones come faster than anybody could take them.
  @ParameterizedTest
  @MethodSource("kinds")
  void lowOnes_comeThrough_whileHighOnesKeepComing(String kind) {
    Route route = exchanges.route("fanout", kind);
    int low = 6;
    put(route, 0, low, 0);
    put(route, 100, 105, 9);
    int next = 105;
    var got = new ArrayList<Integer>();
    int given = 0;
    while (got.size() < low) {
      Delivered message = pubsub.consume(route.queue(), 1).getFirst();
      given++;
      assertThat(given).as("given out until %s", got).isLessThanOrEqualTo(low * 2 * TURN);
      if (message.n() < 100) {
        got.add(message.n());
      }
      pubsub.ack(route.queue(), message);
      put(route, next++, 9);
    }

    assertThat(got).isEqualTo(range(0, low));
  }

  // Bounds

  @ParameterizedTest
  @MethodSource("kinds")
  void maxLength_dropsTheOldest_whateverItsPriority(String kind) {
    Route route = filled(kind + ",\"max_length\":3", 9, 0, 5, 1, 0);
    exchanges.awaitCounts(route.queue(), 3, 0, 0);

    assertThat(all(route)).containsExactly(2, 3, 4);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void maxLength_rejects_whateverThePriority(String kind) {
    Route route = filled(kind + ",\"max_length\":2,\"overflow\":\"reject\"", 0, 0);
    Exchanges.expectFull(publish(route.exchange(), 2, "\"priority\":9"), route.queue());

    assertThat(all(route)).containsExactly(0, 1);
  }

  @Test
  void purge_takesAllPriorities() {
    Route route = filled(Exchanges.DURABLE_WORK, 0, 9, 5);
    pubsub.consume(route.queue(), 1);
    client.post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200);
    exchanges.awaitCounts(route.queue(), 0, 0, 0);
    put(route, 7, 0);
    put(route, 8, 1);

    assertThat(all(route)).containsExactly(8, 7);
  }

  @Test
  void expired_arePassedOver() {
    Route route = filled(Exchanges.DURABLE_WORK + ",\"message_ttl\":1", 0, 9);
    Pubsub.eventually(
        "the end of the time to live",
        () -> {
          put(route, 5, 3);
          List<Delivered> messages = pubsub.consume(route.queue(), 1);
          messages.forEach(message -> pubsub.post(route.queue(), "release", message));
          return numbers(messages).equals(List.of(5));
        });
  }

  // Broadcast

  @ParameterizedTest
  @ValueSource(strings = {"", Exchanges.DURABLE})
  void broadcastQueues_keepTheOrderOfPublishing(String kind) {
    Route route = exchanges.route("fanout", kind);
    try (QueueSocket live = QueueSocket.subscribed(client, route.queue(), "")) {
      for (int n = 0; n < 20; n++) {
        put(route, n, n % 10);
      }
      assertThat(live.numbers(20)).isEqualTo(range(0, 20));
    }
    try (QueueSocket late =
        QueueSocket.subscribed(client, route.queue(), "\"from\":\"earliest\"")) {
      assertThat(late.numbers(20)).isEqualTo(range(0, 20));
    }
    assertThat(all(route)).isEqualTo(range(0, 20));
  }

  // Fields

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-1",
        "10",
        "1e99",
        "99999999999999999999",
        "0.5",
        "\"5\"",
        "\"\"",
        "true",
        "[]",
        "{}"
      })
  void badPriority_is400_andNothingIsRouted(String priority) {
    Route route = exchanges.route("fanout", Exchanges.WORK);

    String message =
        Exchanges.expectInvalid(publish(route.exchange(), 1, "\"priority\":" + priority));

    assertThat(message).contains("priority");
    assertThat(consume(route, 10)).isEmpty();
  }

  /// As for the other members of this API.
  @Test
  void name_isReadInAnyCase() {
    Route route = filled(Exchanges.WORK, 0);
    Exchanges.expectDone(publish(route.exchange(), 1, "\"PRIORITY\":9"));
    Exchanges.expectDone(publish(route.exchange(), 2, "\"Priority\":5"));

    assertThat(consume(route, 10)).containsExactly(1, 2, 0);
  }

  /// The priority is none of the consumer's business.
  @Test
  void message_looksAsBefore() {
    Route route = filled(Exchanges.WORK, 9);

    pubsub
        .lease(route.queue(), 1, "")
        .expect(
            200,
            """
            {"data":[{"id":"<uuid7>","subscription_id":"%s","payload":{"n":0},
                      "delivery_attempts":1,"created_at":"<microseconds>"}]}
            """
                .formatted(route.queue()));
  }

  // Under load

  @ParameterizedTest
  @MethodSource("kinds")
  void manyConsumers_getEachOnce(String kind) {
    Route route = exchanges.route("fanout", kind + ",\"max_delivery_attempts\":1000");
    int count = 200;
    Set<Integer> acked = ConcurrentHashMap.newKeySet();
    Set<Integer> twice = ConcurrentHashMap.newKeySet();
    var publishing = new Random(7);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 3; i++) {
        var random = new Random(i);
        var _ =
            threads.submit(() -> {
              long end = System.nanoTime() + 20_000_000_000L;
              while (acked.size() < count && System.nanoTime() - end < 0) {
                for (Delivered message : pubsub.consume(route.queue(), 1 + random.nextInt(9))) {
                  switch (random.nextInt(8)) {
                    case 0 -> nack(route, message);
                    case 1 -> pubsub.post(route.queue(), "release", message);
                    default -> {
                      if (!acked.add(message.n())) {
                        twice.add(message.n());
                      }
                      pubsub.ack(route.queue(), message);
                    }
                  }
                }
              }
            });
      }
      for (int n = 0; n < count; n++) {
        put(route, n, publishing.nextInt(10));
      }
    }

    assertThat(twice).isEmpty();
    assertThat(acked).containsExactlyInAnyOrderElementsOf(range(0, count));
    pubsub.awaitMetrics(route.queue(), 0, 0, count, 0);
  }
}
