// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Pubsub.Delivered;
import dev.tidings.system.contract.Pubsub.Pair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Section 5 of the contract: leases, acks, retries, dead letters and their counts. Leases end by
/// themselves and the first retry waits the least backoff (compatibility.md).
@SystemTest
final class PubsubDeliveryTest {
  /// Failed messages are there again at once or never, whatever the test's pace.
  private static final String NO_RETRY =
      "\"backoff_min_seconds\":3600,\"backoff_max_seconds\":3600";

  private final Pubsub pubsub;
  private final Caller nobody;

  PubsubDeliveryTest(@On(Setup.DEV) TidingsProcess server) {
    this.pubsub = Pubsub.on(server);
    this.nobody = pubsub.caller();
  }

  private Pair pairWithMessages(int count, String further) {
    Pair pair = pubsub.pair(further);
    pubsub.publishNumbers(pair.topic(), 0, count);
    return pair;
  }

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::n).toList();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  // Consume

  @Test
  void consume_is200WithTheMessage() {
    Pair pair = pubsub.pair("");
    pubsub.publish(pair.topic(), "{\"type\":\"email\",\"to\":[1,null,{\"a\":true}]}");

    pubsub
        .lease(pair.subscription(), 10, "")
        .expect(
            200,
            """
            {"data":[{"id":"<uuid7>","subscription_id":"%s",
              "payload":{"type":"email","to":[1,null,{"a":true}]},
              "delivery_attempts":1,"created_at":"<microseconds>"}]}
            """
                .formatted(pair.subscription()));
  }

  @Test
  void consume_nothing_isAnEmptyList() {
    pubsub.expectNothing(pubsub.pair("").subscription());
  }

  @Test
  void consume_rightAfterPublish_findsIt() {
    Pair pair = pubsub.pair("");
    String filtered = pubsub.subscription(pair.topic(), "\"filter\":{\"even\":[true]}");
    for (int n = 0; n < 50; n++) {
      pubsub.publish(pair.topic(), "{\"n\":%d,\"even\":%s}".formatted(n, n % 2 == 0));

      assertThat(numbers(pubsub.consume(pair.subscription(), 10))).containsExactly(n);
      assertThat(numbers(pubsub.consume(filtered, 10)))
          .isEqualTo(n % 2 == 0 ? List.of(n) : List.of());
    }
  }

  @Test
  void consume_isInTheOrderOfPublishing() {
    Pair pair = pubsub.pair("");
    pubsub.publishNumbers(pair.topic(), 0, 30);
    pubsub.publishNumbers(pair.topic(), 30, 31);
    pubsub.publishNumbers(pair.topic(), 31, 60);

    assertThat(numbers(pubsub.consume(pair.subscription(), 100))).isEqualTo(range(0, 60));
  }

  @Test
  void consume_has10ByDefault_and1To100AsAskedFor() {
    String subscription = pairWithMessages(150, "").subscription();

    assertThat(
            numbers(
                Pubsub.delivered(nobody.get(Pubsub.path(subscription, "/messages?consumer_id=c")))))
        .isEqualTo(range(0, 10));
    assertThat(numbers(pubsub.consume(subscription, 1))).containsExactly(10);
    assertThat(numbers(pubsub.consume(subscription, 100))).isEqualTo(range(11, 111));
    assertThat(numbers(pubsub.consume(subscription, 100))).isEqualTo(range(111, 150));
    pubsub.expectNothing(subscription);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a%20b%2F%C3%A9", "x"})
  void consume_consumerIdIsFreeText(String consumer) {
    String subscription = pairWithMessages(1, "").subscription();

    assertThat(
            Pubsub.delivered(
                nobody.get(Pubsub.path(subscription, "/messages?consumer_id=" + consumer))))
        .hasSize(1);
  }

  @Test
  void consume_byTwo_givesEachMessageToOne() {
    String subscription = pairWithMessages(20, "").subscription();

    Answer first = nobody.get(Pubsub.path(subscription, "/messages?consumer_id=1&batch_size=12"));
    Answer second = nobody.get(Pubsub.path(subscription, "/messages?consumer_id=2&batch_size=12"));

    assertThat(numbers(Pubsub.delivered(first))).isEqualTo(range(0, 12));
    assertThat(numbers(Pubsub.delivered(second))).isEqualTo(range(12, 20));
  }

  @Test
  void consume_byManyAtOnce_givesEachMessageToOne() {
    String subscription = pairWithMessages(1_000, "").subscription();
    Set<Integer> seen = ConcurrentHashMap.newKeySet();
    Set<Integer> twice = ConcurrentHashMap.newKeySet();

    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int consumer = 0; consumer < 8; consumer++) {
        var _ =
            threads.submit(() -> {
              for (var batch = pubsub.consume(subscription, 7);
                  !batch.isEmpty();
                  batch = pubsub.consume(subscription, 7)) {
                batch.stream().map(Delivered::n).filter(n -> !seen.add(n)).forEach(twice::add);
                pubsub.ack(subscription, batch.toArray(Delivered[]::new));
              }
            });
      }
    }

    assertThat(twice).isEmpty();
    assertThat(seen).containsExactlyInAnyOrderElementsOf(range(0, 1_000));
    pubsub.awaitMetrics(subscription, 0, 0, 1_000, 0);
  }

  @Test
  void everySubscription_hasItsOwnCopy() {
    Pair pair = pubsub.pair("");
    String second = pubsub.subscription(pair.topic(), "");
    String third = pubsub.subscription(pair.topic(), "");
    pubsub.publish(pair.topic(), "{\"n\":1}");

    pubsub.ack(pair.subscription(), pubsub.awaitOne(pair.subscription()));
    assertThat(pubsub.awaitOne(second).attempts()).isEqualTo(1);
    assertThat(pubsub.awaitOne(third).attempts()).isEqualTo(1);
    pubsub.awaitMetrics(pair.subscription(), 0, 0, 1, 0);
    pubsub.awaitMetrics(second, 0, 1, 0, 0);
  }

  @Test
  void payload_isDeliveredToTheByte() {
    Pair pair = pubsub.pair("");
    String payload =
        "{ \"z\" : 1.50,\"a\":1e2, \"\\u00e9\":\"\\u0000é\",\"n\":12345678901234567890123 }";
    pubsub.publish(pair.topic(), payload);

    assertThat(pubsub.lease(pair.subscription(), 1, "").expect(200).body()).contains(payload);
  }

  @Test
  void messagesOfOneCall_haveIdsInTheirOrder() {
    String subscription = pairWithMessages(100, "").subscription();

    assertThat(pubsub.consume(subscription, 100))
        .extracting(Delivered::id)
        .isSorted()
        .doesNotHaveDuplicates();
  }

  // Acks

  @Test
  void ack_isNeverDeliveredAgain() {
    String subscription = pairWithMessages(3, "").subscription();
    List<Delivered> messages = pubsub.await(subscription, 3);

    pubsub.ack(subscription, messages.get(0), messages.get(2));

    pubsub.awaitMetrics(subscription, 0, 1, 2, 0);
    pubsub.expectNothing(subscription);
  }

  @Test
  void ack_emptyList_is204() {
    nobody.post(Pubsub.path(pubsub.pair("").subscription(), "/acks"), "[]").expectNoContent();
    nobody.post(Pubsub.path(pubsub.pair("").subscription(), "/nacks"), "[]").expectNoContent();
  }

  @Test
  void ack_twiceAndDoubled_countsOnce() {
    String subscription = pairWithMessages(1, "").subscription();
    Delivered message = pubsub.awaitOne(subscription);

    pubsub.ack(subscription, message, message);
    pubsub.ack(subscription, message);

    pubsub.awaitMetrics(subscription, 0, 0, 1, 0);
  }

  @Test
  void ack_byAnotherConsumer_counts() {
    String subscription = pairWithMessages(1, "").subscription();
    Delivered message = pubsub.awaitOne(subscription);

    pubsub.lease(subscription, 1, "&consumer_id=another").expect(200);
    pubsub.ack(subscription, message);

    pubsub.awaitMetrics(subscription, 0, 0, 1, 0);
  }

  @Test
  void ack_unknownAndForeignIds_arePassedOver() {
    String subscription = pairWithMessages(2, "").subscription();
    Delivered foreign = pubsub.awaitOne(pairWithMessages(1, "").subscription());
    List<Delivered> messages = pubsub.await(subscription, 2);

    for (String to : List.of("acks", "nacks", "dlq/reprocess")) {
      nobody
          .post(
              Pubsub.path(subscription, "/" + to),
              Pubsub.ids(
                  List.of(
                      foreign.id(),
                      "550e8400-e29b-41d4-a716-446655440000",
                      "00000000-0000-0000-0000-000000000000",
                      "ffffffff-ffff-ffff-ffff-ffffffffffff")))
          .expectNoContent();
    }
    pubsub.awaitMetrics(subscription, 0, 2, 0, 0);
    nobody
        .post(
            Pubsub.path(subscription, "/acks"),
            Pubsub.ids(List.of(foreign.id(), messages.getFirst().id())))
        .expectNoContent();
    pubsub.awaitMetrics(subscription, 0, 1, 1, 0);
  }

  @Test
  void ack_upperCaseAndBareIds_count() {
    String subscription = pairWithMessages(2, "").subscription();
    List<Delivered> messages = pubsub.await(subscription, 2);

    nobody
        .post(
            Pubsub.path(subscription, "/acks"),
            Pubsub.ids(
                List.of(
                    messages.get(0).id().toUpperCase(Locale.ROOT),
                    messages.get(1).id().replace("-", ""))))
        .expectNoContent();

    pubsub.awaitMetrics(subscription, 0, 0, 2, 0);
  }

  // Nacks

  /// How long a message that was just nacked takes to come again.
  private Duration retry(String subscription, Delivered message, int attempts) {
    long start = System.nanoTime();
    pubsub.nack(subscription, message);
    Delivered again = pubsub.awaitOne(subscription);
    assertThat(again.id()).isEqualTo(message.id());
    assertThat(again.attempts()).isEqualTo(attempts);
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  void nack_waitsTheLeastBackoff_thenTwice() {
    Pair pair = pairWithMessages(1, "\"backoff_min_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());

    assertThat(retry(pair.subscription(), message, 2)).isBetween(seconds(1), seconds(10));
    assertThat(retry(pair.subscription(), message, 3)).isBetween(seconds(2), seconds(10));
  }

  private static Duration seconds(int seconds) {
    return Duration.ofSeconds(seconds);
  }

  @Test
  void nack_waitsTheMostBackoffAtMost() {
    Pair pair = pairWithMessages(1, "\"backoff_min_seconds\":3600,\"backoff_max_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());

    assertThat(retry(pair.subscription(), message, 2)).isBetween(seconds(1), seconds(10));
    assertThat(retry(pair.subscription(), message, 3)).isBetween(seconds(1), seconds(10));
  }

  @Test
  void nack_whileWaiting_isAvailableInMetrics_andNotDelivered() {
    String subscription = pairWithMessages(2, NO_RETRY).subscription();
    List<Delivered> messages = pubsub.await(subscription, 2);

    pubsub.nack(subscription, messages.getFirst());

    pubsub.awaitMetrics(subscription, 1, 1, 0, 0);
    pubsub.expectNothing(subscription);
  }

  @Test
  void nack_twice_countsOnce() {
    String subscription =
        pairWithMessages(1, NO_RETRY + ",\"max_delivery_attempts\":2").subscription();
    Delivered message = pubsub.awaitOne(subscription);

    pubsub.nack(subscription, message, message);
    pubsub.nack(subscription, message);

    pubsub.awaitMetrics(subscription, 1, 0, 0, 0);
  }

  @Test
  void nack_ofWhatIsNotLeased_isPassedOver() {
    Pair pair = pairWithMessages(1, "\"backoff_min_seconds\":1,\"backoff_max_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());
    pubsub.ack(pair.subscription(), message);

    pubsub.nack(pair.subscription(), message);

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 1, 0);
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void ack_whileWaitingForARetry_counts() {
    String subscription = pairWithMessages(1, NO_RETRY).subscription();
    Delivered message = pubsub.awaitOne(subscription);
    pubsub.nack(subscription, message);

    pubsub.ack(subscription, message);

    pubsub.awaitMetrics(subscription, 0, 0, 1, 0);
  }

  @Test
  void retries_comeBeforeWhatWasNeverDelivered() {
    Pair pair = pairWithMessages(2, "\"backoff_min_seconds\":1,\"backoff_max_seconds\":1");
    String subscription = pair.subscription();
    Delivered first = pubsub.consume(subscription, 1).getFirst();
    pubsub.nack(subscription, first);
    // The second one's lease is what tells that the wait is over: it is taken again and again.
    var taken = new ArrayList<Delivered>();
    Pubsub.eventually(
        "the retry",
        () -> {
          pubsub.publish(pair.topic(), "{\"n\":9}");
          taken.addAll(pubsub.consume(subscription, 1));
          return taken.getLast().id().equals(first.id());
        });

    assertThat(taken.getLast().attempts()).isEqualTo(2);
    assertThat(numbers(taken.subList(0, taken.size() - 1)))
        .as("what came before was in the order of publishing")
        .startsWith(1);
    assertThat(pubsub.consume(subscription, 100)).isNotEmpty();
  }

  // Leases that end

  @Test
  void leaseThatEnds_countsAsAnAttempt_andComesAtOnce() {
    Pair pair = pairWithMessages(1, NO_RETRY + ",\"ack_deadline_seconds\":1");
    long start = System.nanoTime();
    Delivered first = pubsub.consume(pair.subscription(), 1).getFirst();
    pubsub.awaitMetrics(pair.subscription(), 0, 1, 0, 0);

    Delivered second = pubsub.awaitOne(pair.subscription());

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(seconds(1));
    assertThat(second.id()).isEqualTo(first.id());
    assertThat(second.attempts()).isEqualTo(2);
  }

  @Test
  void lastLeaseThatEnds_goesToTheDeadLetters() {
    Pair pair = pairWithMessages(1, "\"max_delivery_attempts\":1,\"ack_deadline_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 0, 1);

    assertThat(pubsub.deadLetters(pair.subscription())).containsExactly(message);
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void ack_afterTheLeaseEnded_counts() {
    Pair pair = pairWithMessages(1, "\"ack_deadline_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());
    pubsub.awaitMetrics(pair.subscription(), 1, 0, 0, 0);

    pubsub.ack(pair.subscription(), message);

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 1, 0);
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void ack_afterAnotherHasLeasedIt_counts() {
    Pair pair = pairWithMessages(1, "\"ack_deadline_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());
    assertThat(pubsub.awaitOne(pair.subscription()).attempts()).isEqualTo(2);

    pubsub.ack(pair.subscription(), message);

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 1, 0);
  }

  @Test
  void nack_afterTheLeaseEnded_isPassedOver() {
    Pair pair = pairWithMessages(1, NO_RETRY + ",\"ack_deadline_seconds\":1");
    Delivered message = pubsub.awaitOne(pair.subscription());
    pubsub.awaitMetrics(pair.subscription(), 1, 0, 0, 0);

    pubsub.nack(pair.subscription(), message);

    assertThat(pubsub.awaitOne(pair.subscription()).attempts()).isEqualTo(2);
  }

  // Dead letters

  private Pair pairWithDeadLetters(int count) {
    Pair pair = pairWithMessages(count, "\"max_delivery_attempts\":1");
    pubsub.nack(
        pair.subscription(), pubsub.await(pair.subscription(), count).toArray(Delivered[]::new));
    return pair;
  }

  @Test
  void nack_ofTheLastAttempt_goesToTheDeadLetters() {
    Pair pair = pubsub.pair("\"max_delivery_attempts\":1");
    pubsub.publish(pair.topic(), "{\"a\":\"b\"}");
    Delivered message = pubsub.awaitOne(pair.subscription());

    pubsub.nack(pair.subscription(), message);

    nobody
        .get(Pubsub.path(pair.subscription(), "/dlq"))
        .expect(
            200,
            """
            {"data":[{"id":"%s","subscription_id":"%s","payload":{"a":"b"},
              "delivery_attempts":1,"created_at":"<microseconds>"}]}
            """
                .formatted(message.id(), pair.subscription()));
    pubsub.awaitMetrics(pair.subscription(), 0, 0, 0, 1);
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void nack_ofTheSecondOfTwo_goesToTheDeadLetters() {
    Pair pair =
        pairWithMessages(
            1, "\"max_delivery_attempts\":2,\"backoff_min_seconds\":1,\"backoff_max_seconds\":1");
    pubsub.nack(pair.subscription(), pubsub.awaitOne(pair.subscription()));
    assertThat(pubsub.deadLetters(pair.subscription())).isEmpty();

    pubsub.nack(pair.subscription(), pubsub.awaitOne(pair.subscription()));

    assertThat(pubsub.deadLetters(pair.subscription()))
        .extracting(Delivered::attempts)
        .containsExactly(2);
  }

  @Test
  void dlq_isListedInPagesInTheOrderOfPublishing() {
    Pair pair = pairWithMessages(15, "\"max_delivery_attempts\":1");
    String subscription = pair.subscription();
    var messages = new ArrayList<>(pubsub.await(subscription, 15));
    for (Delivered message : messages.reversed()) {
      pubsub.nack(subscription, message);
    }

    assertThat(numbers(Pubsub.delivered(nobody.get(Pubsub.path(subscription, "/dlq")))))
        .isEqualTo(range(0, 10));
    assertThat(
            numbers(
                Pubsub.delivered(nobody.get(Pubsub.path(subscription, "/dlq?offset=3&limit=4")))))
        .isEqualTo(range(3, 7));
    assertThat(
            numbers(
                Pubsub.delivered(
                    nobody.get(Pubsub.path(subscription, "/dlq?offset=12&limit=100")))))
        .isEqualTo(range(12, 15));
    assertThat(Pubsub.delivered(nobody.get(Pubsub.path(subscription, "/dlq?offset=15")))).isEmpty();
  }

  @Test
  void reprocess_beginsAnewAtOnce() {
    Pair pair = pairWithDeadLetters(3);
    List<Delivered> dead = pubsub.deadLetters(pair.subscription());

    pubsub.post(pair.subscription(), "dlq/reprocess", dead.get(0), dead.get(2));

    pubsub.awaitMetrics(pair.subscription(), 2, 0, 0, 1);
    List<Delivered> again = pubsub.await(pair.subscription(), 2);
    assertThat(again).extracting(Delivered::attempts).containsOnly(1);
    assertThat(numbers(again)).containsExactlyInAnyOrder(0, 2);
    assertThat(numbers(pubsub.deadLetters(pair.subscription()))).containsExactly(1);
  }

  @Test
  void reprocess_andFailedAgain_isADeadLetterAgain() {
    Pair pair = pairWithDeadLetters(1);
    pubsub.post(
        pair.subscription(), "dlq/reprocess", pubsub.deadLetters(pair.subscription()).getFirst());

    pubsub.nack(pair.subscription(), pubsub.awaitOne(pair.subscription()));

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 0, 1);
  }

  @Test
  void reprocess_ofWhatIsNoDeadLetter_isPassedOver() {
    String subscription = pairWithMessages(2, NO_RETRY).subscription();
    List<Delivered> messages = pubsub.await(subscription, 2);
    pubsub.nack(subscription, messages.get(0));

    pubsub.post(subscription, "dlq/reprocess", messages.get(0), messages.get(1));

    pubsub.awaitMetrics(subscription, 1, 1, 0, 0);
    pubsub.expectNothing(subscription);
  }

  @Test
  void deadLetters_areNeitherAckedNorNacked() {
    Pair pair = pairWithDeadLetters(1);
    Delivered dead = pubsub.deadLetters(pair.subscription()).getFirst();

    pubsub.ack(pair.subscription(), dead);
    pubsub.nack(pair.subscription(), dead);

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 0, 1);
  }

  // Metrics

  @Test
  void metrics_countByState() {
    Pair pair = pairWithMessages(10, NO_RETRY + ",\"max_delivery_attempts\":1");
    String subscription = pair.subscription();
    pubsub.awaitMetrics(subscription, 10, 0, 0, 0);
    List<Delivered> messages = pubsub.consume(subscription, 7);
    pubsub.ack(subscription, messages.get(0), messages.get(1), messages.get(2));
    pubsub.nack(subscription, messages.get(3), messages.get(4));

    pubsub.awaitMetrics(subscription, 3, 2, 3, 2);
  }

  @Test
  void metrics_ofAFilteredSubscription_countItsOwnOnly() {
    String topic = pubsub.topic();
    String subscription = pubsub.subscription(topic, "\"filter\":{\"n\":[1,3]}");
    pubsub.publishNumbers(topic, 0, 10);

    pubsub.awaitMetrics(subscription, 2, 0, 0, 0);
    assertThat(numbers(pubsub.await(subscription, 2))).containsExactly(1, 3);
    pubsub.awaitMetrics(subscription, 0, 2, 0, 0);
  }

  // Under load

  /// Publishers, and consumers that ack, nack and let go: in the end everything is acked once.
  @Test
  void everythingPublished_isAckedInTheEnd() {
    Pair pair =
        pubsub.pair(
            """
            "ack_deadline_seconds":1,"backoff_min_seconds":1,"backoff_max_seconds":1,
            "max_delivery_attempts":1000
            """);
    int publishers = 4;
    int each = 200;
    Set<Integer> acked = ConcurrentHashMap.newKeySet();
    Set<Integer> afterAck = ConcurrentHashMap.newKeySet();
    var running = new ArrayList<CompletableFuture<Void>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < publishers; i++) {
        int first = i * each;
        running.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int n = first; n < first + each; n += 10) {
                    pubsub.publishNumbers(pair.topic(), n, n + 10);
                  }
                },
                threads));
      }
      for (int i = 0; i < 4; i++) {
        running.add(
            CompletableFuture.runAsync(
                () ->
                    Pubsub.eventually(
                        "everything acked",
                        () -> {
                          Set<Integer> before = new HashSet<>(acked);
                          consumeSome(pair.subscription(), before, acked, afterAck);
                          return acked.size() == publishers * each;
                        }),
                threads));
      }
      running.forEach(CompletableFuture::join);
    }

    assertThat(afterAck).isEmpty();
    pubsub.awaitMetrics(pair.subscription(), 0, 0, publishers * each, 0);
  }

  /// Acks what comes, but nacks every fifth message and lets every seventh go, the first time.
  private void consumeSome(
      String subscription, Set<Integer> before, Set<Integer> acked, Set<Integer> afterAck) {
    List<Delivered> batch = pubsub.consume(subscription, 13);
    batch.stream().map(Delivered::n).filter(before::contains).forEach(afterAck::add);
    List<Delivered> nacks =
        batch.stream().filter(m -> m.attempts() == 1 && m.n() % 5 == 0).toList();
    List<Delivered> acks =
        batch.stream().filter(m -> m.attempts() > 1 || (m.n() % 5 != 0 && m.n() % 7 != 0)).toList();
    pubsub.nack(subscription, nacks.toArray(Delivered[]::new));
    pubsub.ack(subscription, acks.toArray(Delivered[]::new));
    acks.forEach(message -> acked.add(message.n()));
  }
}
