// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static dev.tidings.system.contract.Scheduling.delay;
import static dev.tidings.system.contract.Scheduling.keyed;
import static dev.tidings.system.contract.Scheduling.message;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Pubsub.Delivered;
import dev.tidings.system.contract.Pubsub.Pair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Messages with an ordering key: of each key a subscription has one outstanding at a time, and
/// those behind it wait for it, whatever becomes of it.
@SystemTest
final class OrderingKeysTest {
  private static final String NO_RETRY =
      "\"backoff_min_seconds\":3600,\"backoff_max_seconds\":3600";
  private static final String ONE_ATTEMPT = "\"max_delivery_attempts\":1";
  private static final int PARKED = 3;

  private final TidingsProcess small =
      TidingsProcess.startDev(Map.of("TIDINGS_SUBSCRIPTIONS_MAX_PARKED", Integer.toString(PARKED)));
  private final Caller nobody;
  private final Pubsub pubsub;
  private final Scheduling scheduling;

  OrderingKeysTest(@On(Setup.DEV) TidingsProcess server) {
    this.pubsub = Pubsub.on(server);
    this.nobody = pubsub.caller();
    this.scheduling = new Scheduling(nobody);
  }

  @AfterAll
  void stop() {
    small.close();
  }

  /// Publishes in one call `{"n":0}`, `{"n":1}` and so on with these keys; `-` stands for none.
  private static List<String> put(Scheduling to, String topic, String keys) {
    String[] all = keys.split(" ", -1);
    return to.put(
        topic,
        IntStream.range(0, all.length)
            .mapToObj(n -> keyed(all[n].equals("-") ? "" : all[n], n))
            .toList());
  }

  private List<String> put(String topic, String keys) {
    return put(scheduling, topic, keys);
  }

  private String subscriptionWith(String further, String keys) {
    Pair pair = pubsub.pair(further);
    put(pair.topic(), keys);
    return pair.subscription();
  }

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::n).toList();
  }

  private Delivered one(String subscription) {
    List<Delivered> messages = pubsub.consume(subscription, 100);
    assertThat(messages).hasSize(1);
    return messages.getFirst();
  }

  private void expectNext(String subscription, Integer... numbers) {
    assertThat(numbers(pubsub.consume(subscription, 100))).containsExactly(numbers);
  }

  private void nack(String subscription, Delivered message, int delaySeconds) {
    nobody
        .post(
            Pubsub.path(subscription, "/nacks"),
            "{\"ids\":%s,\"delay_seconds\":%d}".formatted(Pubsub.ids(message), delaySeconds))
        .expectNoContent();
  }

  // What is shown

  @Test
  void key_isShownToConsumersAndInDeadLetters_whereThereIsOne() {
    Pair pair = pubsub.pair(ONE_ATTEMPT);
    String key = "é 😀 \"a\" \t";
    scheduling.put(pair.topic(), keyed(key, 1), keyed("", 2));
    String shown =
        """
        {"data":[{"id":"<uuid7>","subscription_id":"%1$s","payload":{"n":1},
                  "delivery_attempts":1,"created_at":"<microseconds>","ordering_key":%2$s},
                 {"id":"<uuid7>","subscription_id":"%1$s","payload":{"n":2},
                  "delivery_attempts":1,"created_at":"<microseconds>"}]}
        """
            .formatted(pair.subscription(), Template.quoted(key));

    Answer lease = pubsub.lease(pair.subscription(), 10, "").expect(200, shown);
    pubsub.nack(pair.subscription(), Pubsub.delivered(lease).toArray(Delivered[]::new));

    nobody.get(Pubsub.path(pair.subscription(), "/dlq")).expect(200, shown);
    String id = Pubsub.delivered(lease).getFirst().id();
    assertThat(
            nobody
                .get(Pubsub.path(pair.subscription(), "/dlq/" + id))
                .expect(200)
                .text("ordering_key"))
        .isEqualTo(key);
  }

  @Test
  void key_isNotShownToReadersOfTheRelay() {
    String topic = pubsub.topic();
    scheduling.put(topic, keyed("secret", 1));

    Answer page = nobody.get("/api/v1/topics/" + topic + "/messages").expect(200);
    Answer poll =
        nobody.poll(
            "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"start\"},\"timeout\":5}"
                .formatted(topic));

    assertThat(page.json().get("messages")).hasSize(1);
    assertThat(poll.expect(200).json().get("messages")).hasSize(1);
    assertThat(page.body() + poll.body()).doesNotContain("secret", "ordering_key");
  }

  @Test
  void arrayForm_knowsNoKeys() {
    Pair pair = pubsub.pair("");
    pubsub.publish(
        pair.topic(), "{\"n\":0,\"ordering_key\":\"a\"}", "{\"n\":1,\"ordering_key\":\"a\"}");

    expectNext(pair.subscription(), 0, 1);
  }

  // One of a key

  @Test
  void oneOfAKey_isOutstanding_othersAreNotHeldUp() {
    String subscription = subscriptionWith(NO_RETRY, "a a b a - b -");

    List<Delivered> first = pubsub.consume(subscription, 100);

    assertThat(numbers(first)).containsExactly(0, 2, 4, 6);
    pubsub.expectNothing(subscription);
    scheduling.awaitCounts(subscription, 3, 4, 0, 0);
    scheduling.awaitParked(subscription, 3, false);

    pubsub.ack(subscription, first.get(0));
    List<Delivered> second = pubsub.consume(subscription, 100);
    assertThat(numbers(second)).containsExactly(1);
    pubsub.ack(subscription, first.get(1), first.get(2));
    expectNext(subscription, 5);
    pubsub.expectNothing(subscription);
    pubsub.ack(subscription, second.getFirst());
    expectNext(subscription, 3);
    scheduling.awaitCounts(subscription, 0, 3, 4, 0);
    scheduling.awaitParked(subscription, 0, false);
  }

  @Test
  void severalAcksInOneCall_releaseOneOfEachKey() {
    String subscription = subscriptionWith("", "a b a b a b");
    for (int n = 0; n < 6; n += 2) {
      List<Delivered> messages = pubsub.consume(subscription, 100);
      assertThat(numbers(messages)).containsExactlyInAnyOrder(n, n + 1);
      pubsub.ack(subscription, messages.toArray(Delivered[]::new));
    }
    pubsub.expectNothing(subscription);
    scheduling.awaitCounts(subscription, 0, 0, 6, 0);
  }

  @Test
  void aKeyThatWasFree_isTakenAnew() {
    Pair pair = pubsub.pair("");
    for (int n = 0; n < 3; n++) {
      scheduling.put(pair.topic(), keyed("a", n));
      pubsub.ack(pair.subscription(), one(pair.subscription()));
    }
    scheduling.put(pair.topic(), keyed("a", 3));
    Delivered held = one(pair.subscription());
    scheduling.put(pair.topic(), keyed("a", 4), keyed("", 5));
    expectNext(pair.subscription(), 5);
    pubsub.ack(pair.subscription(), held);
    expectNext(pair.subscription(), 4);
  }

  /// Also of several consumers that ask for little.
  @Test
  void consumersThatCompete_shareKeys_neverOne() {
    String subscription = subscriptionWith("", "a a a b b - a");

    var taken = new ArrayList<Delivered>();
    for (int i = 0; i < 5; i++) {
      taken.addAll(
          Pubsub.delivered(
              nobody.get(Pubsub.path(subscription, "/messages?batch_size=1&consumer_id=c" + i))));
    }

    assertThat(numbers(taken)).containsExactly(0, 3, 5);
  }

  @Test
  void keysThatLookAlike_areTwo() {
    // Two of them have one hash in Java.
    String subscription = subscriptionWith("", "Aa BB aa A a é e\u0301 0 00");

    expectNext(subscription, 0, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  @Test
  void everySubscription_hasItsOwnOrder() {
    Pair pair = pubsub.pair("");
    String second = pubsub.subscription(pair.topic(), "");
    put(pair.topic(), "a a");
    String later = pubsub.subscription(pair.topic(), "\"start\":\"earliest\"");

    pubsub.ack(pair.subscription(), one(pair.subscription()));

    expectNext(pair.subscription(), 1);
    expectNext(second, 0);
    expectNext(later, 0);
    pubsub.expectNothing(second);
    pubsub.expectNothing(later);
  }

  @Test
  void filteredOut_holdsNobodyUp() {
    Pair pair = pubsub.pair("\"filter\":{\"n\":[1,3,4]}");
    put(pair.topic(), "a a a a b");

    List<Delivered> first = pubsub.await(pair.subscription(), 2);

    assertThat(numbers(first)).containsExactly(1, 4);
    pubsub.ack(pair.subscription(), first.getFirst());
    expectNext(pair.subscription(), 3);
    scheduling.awaitCounts(pair.subscription(), 0, 2, 1, 0);
  }

  // What becomes of the one before

  @Test
  void nack_holdsFollowersUntilItsRetryIsAcked() {
    String subscription = subscriptionWith(NO_RETRY, "a a b");
    List<Delivered> first = pubsub.consume(subscription, 100);
    assertThat(numbers(first)).containsExactly(0, 2);

    nack(subscription, first.getFirst(), 1);
    pubsub.expectNothing(subscription);
    scheduling.awaitParked(subscription, 1, false);

    Delivered retry = pubsub.awaitOne(subscription);
    assertThat(retry.id()).isEqualTo(first.getFirst().id());
    assertThat(retry.attempts()).isEqualTo(2);
    pubsub.expectNothing(subscription);
    pubsub.ack(subscription, retry);
    expectNext(subscription, 1);
  }

  @Test
  void ackOfOneThatWaitsForItsRetry_releasesTheNext() {
    String subscription = subscriptionWith(NO_RETRY, "a a");
    Delivered first = one(subscription);
    pubsub.nack(subscription, first);
    pubsub.expectNothing(subscription);

    pubsub.ack(subscription, first);

    expectNext(subscription, 1);
  }

  @Test
  void deadLetter_releasesTheNext() {
    String subscription = subscriptionWith(ONE_ATTEMPT, "a a a");
    pubsub.nack(subscription, one(subscription));

    Delivered second = pubsub.awaitOne(subscription);

    assertThat(second.n()).isEqualTo(1);
    pubsub.expectNothing(subscription);
    pubsub.nack(subscription, second);
    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(2);
    scheduling.awaitCounts(subscription, 0, 1, 0, 2);
  }

  @Test
  void leaseThatEnds_keepsTheKey() {
    String subscription = subscriptionWith("\"ack_deadline_seconds\":1", "a a");
    Delivered first = one(subscription);

    Delivered again = pubsub.awaitOne(subscription);

    assertThat(again.id()).isEqualTo(first.id());
    assertThat(again.attempts()).isEqualTo(2);
    pubsub.ack(subscription, again);
    expectNext(subscription, 1);
  }

  @Test
  void lastLeaseThatEnds_releasesTheNext() {
    String subscription = subscriptionWith(ONE_ATTEMPT + ",\"ack_deadline_seconds\":1", "a a");
    one(subscription);

    Delivered next = pubsub.awaitOne(subscription);

    assertThat(next.n()).isEqualTo(1);
    assertThat(numbers(pubsub.deadLetters(subscription))).containsExactly(0);
  }

  @Test
  void released_isTheNextAgain() {
    String subscription = subscriptionWith(NO_RETRY, "a a -");
    List<Delivered> first = pubsub.consume(subscription, 100);
    assertThat(numbers(first)).containsExactly(0, 2);

    pubsub.post(subscription, "release", first.getFirst());

    assertThat(pubsub.consume(subscription, 100)).containsExactly(first.getFirst());
    pubsub.expectNothing(subscription);
  }

  @Test
  void expiredWhileItWaits_releasesTheNext() {
    Pair pair = pubsub.pair(NO_RETRY);
    scheduling.put(pair.topic(), message(0, Scheduling.key("a") + ",\"ttl\":1"), keyed("a", 1));
    pubsub.nack(pair.subscription(), one(pair.subscription()));

    expectNextExpired(pair.subscription(), 1);
  }

  @Test
  void expiredWhileItIsLeased_releasesTheNext() {
    Pair pair = pubsub.pair("\"ack_deadline_seconds\":3");
    scheduling.put(pair.topic(), message(0, Scheduling.key("a") + ",\"ttl\":1"), keyed("a", 1));
    one(pair.subscription());

    expectNextExpired(pair.subscription(), 1);
  }

  @Test
  void expiredWhileItIsParked_isPassedOver() {
    Pair pair = pubsub.pair(NO_RETRY);
    scheduling.put(
        pair.topic(), keyed("a", 0), message(1, Scheduling.key("a") + ",\"ttl\":1"), keyed("a", 2));
    Delivered first = one(pair.subscription());
    long expired = System.nanoTime() + Duration.ofMillis(1_100).toNanos();
    Pubsub.eventually("the end of the time to live", () -> System.nanoTime() - expired > 0);
    pubsub.ack(pair.subscription(), first);

    expectNextExpired(pair.subscription(), 2);
  }

  private void expectNextExpired(String subscription, int next) {
    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(next);
    Pubsub.eventually(
        "one has expired", () -> pubsub.metrics(subscription).json().path("expired").asInt() == 1);
  }

  // Those that wait

  @Test
  void ackOfAParkedOne_settlesIt() {
    Pair pair = pubsub.pair(NO_RETRY);
    List<String> ids = put(pair.topic(), "a a a");
    Delivered first = one(pair.subscription());

    nobody
        .post(Pubsub.path(pair.subscription(), "/acks"), Pubsub.ids(List.of(ids.get(1))))
        .expectNoContent();

    pubsub.expectNothing(pair.subscription());
    scheduling.awaitCounts(pair.subscription(), 1, 1, 1, 0);
    scheduling.awaitParked(pair.subscription(), 1, false);
    pubsub.ack(pair.subscription(), first);
    expectNext(pair.subscription(), 2);
    scheduling.awaitCounts(pair.subscription(), 0, 1, 2, 0);
  }

  @Test
  void ackOfTheLastParkedOne_andOfAll_leavesTheKeyFree() {
    Pair pair = pubsub.pair(NO_RETRY);
    List<String> ids = put(pair.topic(), "a a a");
    one(pair.subscription());
    nobody
        .post(
            Pubsub.path(pair.subscription(), "/acks"),
            Pubsub.ids(List.of(ids.get(2), ids.get(1), ids.get(0))))
        .expectNoContent();
    scheduling.awaitCounts(pair.subscription(), 0, 0, 3, 0);

    scheduling.put(pair.topic(), keyed("a", 3));
    expectNext(pair.subscription(), 3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nacks", "release"})
  void nackOrReleaseOfAParkedOne_doesNothing(String to) {
    Pair pair = pubsub.pair(NO_RETRY + "," + ONE_ATTEMPT);
    List<String> ids = put(pair.topic(), "a a");
    Delivered first = one(pair.subscription());

    nobody
        .post(Pubsub.path(pair.subscription(), "/" + to), Pubsub.ids(List.of(ids.get(1))))
        .expectNoContent();

    scheduling.awaitCounts(pair.subscription(), 1, 1, 0, 0);
    pubsub.expectNothing(pair.subscription());
    pubsub.ack(pair.subscription(), first);
    assertThat(one(pair.subscription()).attempts()).isEqualTo(1);
  }

  @Test
  void consumerThatWaits_isWokenByWhatReleasesTheNext() {
    String subscription = subscriptionWith(ONE_ATTEMPT, "a a a a");
    Delivered first = one(subscription);

    Delivered second = whileWaiting(subscription, () -> pubsub.ack(subscription, first));
    assertThat(second.n()).isEqualTo(1);
    Delivered third = whileWaiting(subscription, () -> pubsub.nack(subscription, second));
    assertThat(third.n()).isEqualTo(2);
    Delivered again = whileWaiting(subscription, () -> pubsub.post(subscription, "release", third));
    assertThat(again.n()).isEqualTo(2);
  }

  private Delivered whileWaiting(String subscription, Runnable action) {
    CompletableFuture<Answer> waiting =
        nobody.getLater(Pubsub.path(subscription, "/messages?consumer_id=w&wait_seconds=20"));
    action.run();
    List<Delivered> messages = Pubsub.delivered(waiting.join());
    assertThat(messages).hasSize(1);
    return messages.getFirst();
  }

  // Dead letters that come again

  @Test
  void reprocessed_waitsForWhatIsOutstanding_thenComesByItsPlace() {
    String subscription = subscriptionWith(ONE_ATTEMPT, "a a a");
    Delivered dead = one(subscription);
    pubsub.nack(subscription, dead);
    Delivered second = pubsub.awaitOne(subscription);

    pubsub.post(subscription, "dlq/reprocess", dead);

    scheduling.awaitCounts(subscription, 2, 1, 0, 0);
    pubsub.expectNothing(subscription);
    scheduling.awaitParked(subscription, 2, false);
    pubsub.ack(subscription, second);
    Delivered again = one(subscription);
    assertThat(again.id()).isEqualTo(dead.id());
    assertThat(again.attempts()).isEqualTo(1);
    pubsub.expectNothing(subscription);
    pubsub.ack(subscription, again);
    expectNext(subscription, 2);
  }

  @Test
  void reprocessed_whileNothingIsOutstanding_isTheNext() {
    String subscription = subscriptionWith(ONE_ATTEMPT, "a a");
    Delivered dead = one(subscription);
    pubsub.nack(subscription, dead);
    scheduling.awaitCounts(subscription, 1, 0, 0, 1);

    pubsub.post(subscription, "dlq/reprocess", dead);

    Delivered again = one(subscription);
    assertThat(again.id()).isEqualTo(dead.id());
    pubsub.ack(subscription, again);
    expectNext(subscription, 1);
  }

  @Test
  void severalReprocessed_comeOneByOne_inTheirOrder() {
    String subscription = subscriptionWith(ONE_ATTEMPT, "a b a - a");
    var dead = new ArrayList<Delivered>();
    while (dead.size() < 5) {
      List<Delivered> messages = pubsub.consume(subscription, 100);
      dead.addAll(messages);
      pubsub.nack(subscription, messages.toArray(Delivered[]::new));
    }
    scheduling.awaitCounts(subscription, 0, 0, 0, 5);

    pubsub.post(subscription, "dlq/reprocess", dead.reversed().toArray(Delivered[]::new));

    List<Delivered> first = pubsub.consume(subscription, 100);
    assertThat(numbers(first)).containsExactlyInAnyOrder(0, 1, 3);
    pubsub.ack(subscription, first.toArray(Delivered[]::new));
    pubsub.ack(subscription, expectOne(subscription, 2));
    expectOne(subscription, 4);
  }

  private Delivered expectOne(String subscription, int n) {
    Delivered message = one(subscription);
    assertThat(message.n()).isEqualTo(n);
    return message;
  }

  // With times

  @Test
  void scheduled_joinsItsKeyWhenItIsDue() {
    Pair pair = pubsub.pair("\"backoff_min_seconds\":1,\"backoff_max_seconds\":1");
    String subscription = pair.subscription();
    scheduling.put(
        pair.topic(),
        message(1, Scheduling.key("a") + "," + delay(0.8)),
        keyed("a", 0),
        message(3, Scheduling.key("a") + "," + delay(0.9)),
        message(4, Scheduling.key("b") + "," + delay(1)),
        message(5, Scheduling.key("b") + "," + delay(1)));
    Delivered first = expectOne(subscription, 0);
    // It has not been appended yet: this one is before it.
    scheduling.put(pair.topic(), keyed("a", 2));

    Delivered other = pubsub.awaitOne(subscription);
    assertThat(other.n()).isEqualTo(4);
    scheduling.awaitParked(subscription, 4, false);
    pubsub.expectNothing(subscription);
    // Its retry and the rest of its key are nobody else's business.
    pubsub.nack(subscription, first);
    pubsub.ack(subscription, other);
    pubsub.ack(subscription, expectOne(subscription, 5));
    pubsub.expectNothing(subscription);
    Delivered retry = pubsub.awaitOne(subscription);
    assertThat(retry.id()).isEqualTo(first.id());
    pubsub.ack(subscription, retry);
    for (int n : List.of(2, 1, 3)) {
      pubsub.ack(subscription, expectOne(subscription, n));
    }
    scheduling.awaitCounts(subscription, 0, 0, 6, 0);
  }

  @Test
  void scheduled_failsAndIsRetriedAheadOfItsFollowers() {
    Pair pair = pubsub.pair("\"max_delivery_attempts\":2");
    String subscription = pair.subscription();
    scheduling.put(
        pair.topic(),
        message(0, Scheduling.key("a") + "," + delay(0.2)),
        message(1, Scheduling.key("a") + "," + delay(0.3)));
    Delivered first = pubsub.awaitOne(subscription);
    scheduling.awaitNoneWaits(pair.topic());
    nack(subscription, first, 0);
    Delivered retry = pubsub.awaitOne(subscription);
    assertThat(retry.id()).isEqualTo(first.id());
    assertThat(retry.attempts()).isEqualTo(2);

    nack(subscription, retry, 0);

    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(1);
    scheduling.awaitCounts(subscription, 0, 1, 0, 1);
  }

  // The bound

  @Test
  void parkedUpToTheBound_isNoPause() {
    var topics = Pubsub.on(small);
    var few = new Scheduling(topics.caller());
    Pair pair = topics.pair("");
    put(few, pair.topic(), "a a a a b -");

    assertThat(numbers(topics.consume(pair.subscription(), 100))).containsExactly(0, 4, 5);

    few.awaitParked(pair.subscription(), PARKED, false);
    few.awaitCounts(pair.subscription(), 3, 3, 0, 0);
  }

  @Test
  void oneMoreThanTheBound_pausesDelivery_untilThereIsRoom() {
    var topics = Pubsub.on(small);
    Caller caller = topics.caller();
    var few = new Scheduling(caller);
    Pair pair = topics.pair("\"max_delivery_attempts\":1000");
    String subscription = pair.subscription();
    String other = topics.subscription(pair.topic(), "\"filter\":{\"n\":[6,7]}");
    List<String> ids = put(few, pair.topic(), "a a a a a a b -");

    List<Delivered> first = topics.consume(subscription, 100);
    assertThat(numbers(first)).containsExactly(0);
    few.awaitParked(subscription, PARKED, true);
    few.awaitCounts(subscription, 7, 1, 0, 0);
    topics.expectNothing(subscription);
    double parked = metric(caller, "tidings_subscription_parked_messages");
    assertThat(parked).isGreaterThanOrEqualTo(PARKED);
    assertThat(metric(caller, "tidings_subscriptions_paused")).isEqualTo(1);
    // Others of the topic are not concerned.
    assertThat(numbers(topics.await(other, 2))).containsExactly(6, 7);
    few.awaitParked(other, 0, false);
    // Retries are no fresh delivery.
    caller
        .post(
            Pubsub.path(subscription, "/nacks"),
            "{\"ids\":" + Pubsub.ids(first.getFirst()) + ",\"delay_seconds\":0}")
        .expectNoContent();
    Delivered retry = topics.awaitOne(subscription);
    assertThat(retry.id()).isEqualTo(first.getFirst().id());

    // Its place is taken by the next: there are as many as before.
    topics.ack(subscription, retry);
    List<Delivered> second = topics.consume(subscription, 100);
    assertThat(numbers(second)).containsExactly(1);
    few.awaitParked(subscription, PARKED, true);
    // An ack of a parked one makes room, too, and now the rest fits: who waits for it gets it.
    CompletableFuture<Answer> waiting =
        caller.getLater(Pubsub.path(subscription, "/messages?consumer_id=w&wait_seconds=20"));
    caller
        .post(Pubsub.path(subscription, "/acks"), Pubsub.ids(List.of(ids.get(3))))
        .expectNoContent();
    var rest = new ArrayList<>(numbers(Pubsub.delivered(waiting.join())));
    Pubsub.eventually(
        "the rest",
        () -> {
          rest.addAll(numbers(topics.consume(subscription, 100)));
          return rest.size() >= 2;
        });
    assertThat(rest).containsExactly(6, 7);
    few.awaitParked(subscription, PARKED, false);
    Pubsub.eventually("none is paused", () -> metric(caller, "tidings_subscriptions_paused") == 0);
    topics.ack(subscription, second.getFirst());
    for (int n : List.of(2, 4, 5)) {
      Delivered next = topics.awaitOne(subscription);
      assertThat(next.n()).isEqualTo(n);
      topics.ack(subscription, next);
    }
    few.awaitCounts(subscription, 0, 2, 6, 0);
    few.awaitParked(subscription, 0, false);
  }

  private static double metric(Caller caller, String name) {
    return caller
        .get("/metrics")
        .expect(200)
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no metric " + name));
  }

  // Bad keys

  @ParameterizedTest
  @ValueSource(strings = {"\"\"", "5", "[]", "{}", "true"})
  void badKey_is422_andStoresNothing(String key) {
    Pair pair = pubsub.pair("");

    expectBadKey(pair.topic(), key);

    pubsub.expectNothing(pair.subscription());
  }

  private void expectBadKey(String topic, String key) {
    Answer answer =
        scheduling.publish(topic, message(0, ""), message(1, "\"ordering_key\":" + key));
    JsonNode detail = answer.expect(422).json().get("detail");
    assertThat(detail).as("in %s", answer.body()).hasSize(1);
    assertThat(detail.get(0).get("loc").toString())
        .isEqualTo("[\"body\",\"messages\",1,\"ordering_key\"]");
    assertThat(detail.get(0).get("msg").asString()).isNotBlank();
  }

  @Test
  void key_has1To256BytesOfUtf8() {
    Pair pair = pubsub.pair("");
    List<String> keys =
        List.of("x", "x".repeat(256), "é".repeat(128), "日".repeat(85), "😀".repeat(64));
    for (String key : keys) {
      scheduling.put(pair.topic(), keyed(key, 0));
    }
    JsonNode data = pubsub.lease(pair.subscription(), 10, "").expect(200).json().get("data");
    assertThat(data.valueStream().map(message -> message.get("ordering_key").asString()).toList())
        .isEqualTo(keys);

    for (String key : List.of("x".repeat(257), "é".repeat(129), "日".repeat(86), "😀".repeat(65))) {
      expectBadKey(pair.topic(), Template.quoted(key));
    }
  }

  // Under load

  /// Consumers that ack, nack, give back and forget: of each key, what they acked is in the order
  /// of publishing, and never did two have one of the same key.
  @Test
  void manyConsumers_ackEachKeyInOrder() {
    Pair pair =
        pubsub.pair(
            """
            "ack_deadline_seconds":2,"backoff_min_seconds":1,"backoff_max_seconds":1,
            "max_delivery_attempts":1000
            """);
    int keys = 20;
    int each = 15;
    var messages = new ArrayList<String>();
    for (int n = 0; n < keys * each; n++) {
      messages.add(keyed("key-" + n % keys, n));
    }
    scheduling.put(pair.topic(), messages);
    Map<Integer, Queue<Integer>> acked = new ConcurrentHashMap<>();
    Map<Integer, Integer> held = new ConcurrentHashMap<>();
    Queue<String> faults = new ConcurrentLinkedQueue<>();
    var left = new AtomicInteger(keys * each);

    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 4; i++) {
        var random = new Random(i);
        var _ =
            threads.submit(() -> {
              long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
              while (left.get() > 0 && faults.isEmpty() && System.nanoTime() - end < 0) {
                long fresh = System.nanoTime() + Duration.ofSeconds(1).toNanos();
                for (Delivered message :
                    pubsub.consume(pair.subscription(), 1 + random.nextInt(10))) {
                  if (System.nanoTime() - fresh > 0) {
                    break; // Too slow to be sure that the lease has not ended.
                  }
                  int key = message.n() % keys;
                  Integer other = held.putIfAbsent(key, message.n());
                  if (other != null && other != message.n()) {
                    faults.add("of key " + key + " both " + other + " and " + message.n());
                  }
                  switch (random.nextInt(50)) {
                    case 0 -> {} // Forgotten: its lease ends by itself.
                    case 1, 2, 3 -> nack(pair.subscription(), message, 0);
                    case 4, 5 -> pubsub.post(pair.subscription(), "release", message);
                    case 6 -> nack(pair.subscription(), message, 1);
                    default -> {
                      held.remove(key, message.n());
                      acked
                          .computeIfAbsent(key, _ -> new ConcurrentLinkedQueue<>())
                          .add(message.n());
                      left.decrementAndGet();
                      pubsub.ack(pair.subscription(), message);
                    }
                  }
                }
              }
            });
      }
    }

    assertThat(faults).isEmpty();
    Map<Integer, List<Integer>> wanted = new HashMap<>();
    Map<Integer, List<Integer>> got = new HashMap<>();
    for (int key = 0; key < keys; key++) {
      int first = key;
      wanted.put(key, IntStream.range(0, each).mapToObj(i -> first + i * keys).toList());
      got.put(
          key,
          Arrays.asList(
              acked.getOrDefault(key, new ConcurrentLinkedQueue<>()).toArray(Integer[]::new)));
    }
    assertThat(got).isEqualTo(wanted);
    scheduling.awaitCounts(pair.subscription(), 0, 0, keys * each, 0);
  }
}
