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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What Tidings adds to the pubsub API (compatibility.md): nothing here is needed by fastpubsub's
/// own clients.
@SystemTest
final class PubsubExtrasTest {
  private static final String NO_RETRY =
      "\"backoff_min_seconds\":3600,\"backoff_max_seconds\":3600";
  private static final String UNKNOWN = "550e8400-e29b-41d4-a716-446655440000";

  private final Pubsub pubsub;
  private final Caller nobody;

  PubsubExtrasTest(@On(Setup.DEV) TidingsProcess server) {
    this.pubsub = Pubsub.on(server);
    this.nobody = pubsub.caller();
  }

  private Pair pairWithMessages(int count, String further) {
    Pair pair = pubsub.pair(further);
    pubsub.publishNumbers(pair.topic(), 0, count);
    return pair;
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  private static String leaseId(Answer answer) {
    return answer.headers().firstValue("x-lease-id").orElseThrow();
  }

  private Answer send(
      String subscription, String to, String leaseId, String further, Delivered... m) {
    return nobody.post(
        Pubsub.path(subscription, "/" + to),
        "{\"ids\":%s%s%s}"
            .formatted(
                Pubsub.ids(m),
                leaseId.isEmpty() ? "" : ",\"lease_id\":" + Template.quoted(leaseId),
                further.isEmpty() ? "" : "," + further));
  }

  private static void expectError(Answer answer, String type, String loc) {
    JsonNode detail = answer.expect(422).json().get("detail");
    assertThat(detail)
        .as("in %s", answer.body())
        .singleElement()
        .satisfies(error -> {
          assertThat(error.get("type").asString()).isEqualTo(type);
          assertThat(error.get("loc").toString()).isEqualTo(loc);
        });
  }

  // Waiting

  @Test
  void wait_endsWithTheFirstMessage() {
    Pair pair = pubsub.pair("\"filter\":{\"a\":[1]}");
    long start = System.nanoTime();
    CompletableFuture<Answer> waiting =
        CompletableFuture.supplyAsync(
            () -> pubsub.lease(pair.subscription(), 10, "&wait_seconds=30"),
            Thread::startVirtualThread);

    pubsub.publish(pair.topic(), "{\"a\":2}");
    pubsub.publish(pair.topic(), "{\"a\":1,\"n\":5}");

    assertThat(Pubsub.delivered(waiting.join()))
        .singleElement()
        .satisfies(message -> assertThat(message.n()).isEqualTo(5));
    assertThat(since(start)).isLessThan(Duration.ofSeconds(25));
  }

  @Test
  void wait_withoutMessages_isEmptyWhenItIsOver() {
    long start = System.nanoTime();

    pubsub
        .lease(pubsub.pair("").subscription(), 10, "&wait_seconds=1")
        .expect(200, "{\"data\":[]}");

    assertThat(since(start)).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(10));
  }

  @Test
  void wait_withMessages_isAnsweredAtOnce() {
    Pair pair = pairWithMessages(3, "");
    long start = System.nanoTime();

    assertThat(Pubsub.delivered(pubsub.lease(pair.subscription(), 10, "&wait_seconds=60")))
        .hasSize(3);

    assertThat(since(start)).isLessThan(Duration.ofSeconds(30));
  }

  @Test
  void wait_endsWithARetry_aReleaseAndAnEndedLease() {
    Pair pair = pairWithMessages(1, "\"backoff_min_seconds\":1,\"ack_deadline_seconds\":1");
    pubsub.nack(pair.subscription(), pubsub.awaitOne(pair.subscription()));
    assertThat(Pubsub.delivered(pubsub.lease(pair.subscription(), 1, "&wait_seconds=20")))
        .as("the retry")
        .singleElement()
        .satisfies(message -> assertThat(message.attempts()).isEqualTo(2));

    List<Delivered> third =
        Pubsub.delivered(
            pubsub.lease(pair.subscription(), 1, "&wait_seconds=20&ack_deadline_seconds=3600"));
    assertThat(third)
        .as("what a lease gave back")
        .singleElement()
        .satisfies(message -> assertThat(message.attempts()).isEqualTo(3));

    CompletableFuture<Answer> waiting =
        CompletableFuture.supplyAsync(
            () -> pubsub.lease(pair.subscription(), 1, "&wait_seconds=20"),
            Thread::startVirtualThread);
    pubsub.post(pair.subscription(), "release", third.getFirst());
    assertThat(Pubsub.delivered(waiting.join())).as("what was released").hasSize(1);
  }

  @Test
  void wait_byTwo_givesOneMessageToOne() {
    Pair pair = pubsub.pair("");
    var waiting = new ArrayList<CompletableFuture<Answer>>();
    for (int i = 0; i < 2; i++) {
      waiting.add(
          CompletableFuture.supplyAsync(
              () -> pubsub.lease(pair.subscription(), 10, "&wait_seconds=3"),
              Thread::startVirtualThread));
    }

    pubsub.publish(pair.topic(), "{}");

    assertThat(waiting.stream().mapToInt(one -> Pubsub.delivered(one.join()).size()).sum())
        .isEqualTo(1);
  }

  @Test
  void wait_endsWithTheSubscription() {
    Pair pair = pubsub.pair("");
    long start = System.nanoTime();
    CompletableFuture<Answer> waiting =
        CompletableFuture.supplyAsync(
            () -> pubsub.lease(pair.subscription(), 10, "&wait_seconds=30"),
            Thread::startVirtualThread);

    nobody.delete(Pubsub.path(pair.subscription(), "")).expectNoContent();

    waiting.join().expectDetail(404, "Subscription not found");
    assertThat(since(start)).isLessThan(Duration.ofSeconds(25));
  }

  @Test
  void consume_bounds() {
    Pair pair = pairWithMessages(1, "");
    for (String good :
        List.of("wait_seconds=60", "ack_deadline_seconds=1", "ack_deadline_seconds=86400")) {
      Pair own = pairWithMessages(1, "");
      assertThat(Pubsub.delivered(pubsub.lease(own.subscription(), 1, "&" + good))).hasSize(1);
    }
    String path = pair.subscription();
    expectError(
        pubsub.lease(path, 1, "&wait_seconds=-1"),
        "greater_than_equal",
        "[\"query\",\"wait_seconds\"]");
    expectError(
        pubsub.lease(path, 1, "&wait_seconds=61"),
        "less_than_equal",
        "[\"query\",\"wait_seconds\"]");
    expectError(
        pubsub.lease(path, 1, "&wait_seconds=x"), "int_parsing", "[\"query\",\"wait_seconds\"]");
    expectError(
        pubsub.lease(path, 1, "&ack_deadline_seconds=0"),
        "greater_than_equal",
        "[\"query\",\"ack_deadline_seconds\"]");
    expectError(
        pubsub.lease(path, 1, "&ack_deadline_seconds=86401"),
        "less_than_equal",
        "[\"query\",\"ack_deadline_seconds\"]");
    assertThat(pubsub.consume(path, 1)).extracting(Delivered::attempts).containsExactly(1);
  }

  @Test
  void consume_withItsOwnDeadline() {
    Pair pair = pairWithMessages(1, NO_RETRY);

    pubsub.lease(pair.subscription(), 1, "&ack_deadline_seconds=1").expect(200);

    assertThat(pubsub.awaitOne(pair.subscription()).attempts()).isEqualTo(2);
  }

  // Leases

  @Test
  void leaseId_isInAnswersWithMessagesOnly() {
    Pair pair = pairWithMessages(2, "");
    Answer first = pubsub.lease(pair.subscription(), 1, "");
    Answer second = pubsub.lease(pair.subscription(), 1, "");

    assertThat(leaseId(first)).isNotBlank().isNotEqualTo(leaseId(second));
    assertThat(pubsub.lease(pair.subscription(), 1, "").headers().firstValue("x-lease-id"))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"acks, 0, 1, 1, 0", "nacks, 1, 1, 0, 0", "release, 1, 1, 0, 0"})
  void leaseId_ofAnotherLease_isPassedOver(
      String to, int available, int delivered, int acked, int dlq) {
    String subscription = pairWithMessages(2, NO_RETRY).subscription();
    Answer first = pubsub.lease(subscription, 1, "");
    Answer second = pubsub.lease(subscription, 1, "");
    Delivered message = Pubsub.delivered(first).getFirst();

    send(subscription, to, leaseId(second), "", message).expectNoContent();
    pubsub.awaitMetrics(subscription, 0, 2, 0, 0);

    send(subscription, to, leaseId(first), "", message).expectNoContent();
    pubsub.awaitMetrics(subscription, available, delivered, acked, dlq);
  }

  @Test
  void leaseId_ofALeaseThatEnded_isPassedOver() {
    String subscription = pairWithMessages(1, "\"ack_deadline_seconds\":1").subscription();
    Answer first = pubsub.lease(subscription, 1, "");
    Delivered message = Pubsub.delivered(first).getFirst();
    pubsub.awaitMetrics(subscription, 1, 0, 0, 0);

    send(subscription, "acks", leaseId(first), "", message).expectNoContent();

    pubsub.awaitMetrics(subscription, 1, 0, 0, 0);
    Answer second = pubsub.lease(subscription, 1, "&ack_deadline_seconds=3600");
    assertThat(Pubsub.delivered(second)).extracting(Delivered::attempts).containsExactly(2);
    send(subscription, "acks", leaseId(first), "", message).expectNoContent();
    pubsub.awaitMetrics(subscription, 0, 1, 0, 0);
    send(subscription, "acks", leaseId(second), "", message).expectNoContent();
    pubsub.awaitMetrics(subscription, 0, 0, 1, 0);
  }

  @Test
  void objectWithoutLeaseId_isAsTheArray() {
    String subscription = pairWithMessages(1, "").subscription();

    send(subscription, "acks", "", "", pubsub.awaitOne(subscription)).expectNoContent();

    pubsub.awaitMetrics(subscription, 0, 0, 1, 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"acks", "nacks", "release", "extend"})
  void objects_areChecked(String to) {
    String path = Pubsub.path(pubsub.pair("").subscription(), "/" + to);
    String seconds = to.equals("extend") ? ",\"ack_deadline_seconds\":5" : "";
    nobody.post(path, "{\"ids\":[]" + seconds + "}").expectNoContent();
    nobody.post(path, "{\"ids\":[\"" + UNKNOWN + "\"]" + seconds + "}").expectNoContent();
    // An object without ids is what it was to fastpubsub: no list.
    boolean extend = to.equals("extend");
    expectError(
        nobody.post(path, "{\"more\":1" + seconds + "}"),
        extend ? "missing" : "list_type",
        extend ? "[\"body\",\"ids\"]" : "[\"body\"]");
    expectError(nobody.post(path, "{\"ids\":5" + seconds + "}"), "list_type", "[\"body\",\"ids\"]");
    expectError(
        nobody.post(path, "{\"ids\":[\"x\"]" + seconds + "}"),
        "uuid_parsing",
        "[\"body\",\"ids\",0]");
    expectError(
        nobody.post(path, "{\"ids\":[],\"lease_id\":5" + seconds + "}"),
        "string_type",
        "[\"body\",\"lease_id\"]");
  }

  @Test
  void release_givesBackAtOnce_withoutAnAttempt() {
    String subscription =
        pairWithMessages(2, NO_RETRY + ",\"max_delivery_attempts\":1").subscription();
    List<Delivered> messages = pubsub.await(subscription, 2);

    pubsub.post(subscription, "release", messages.getFirst());

    pubsub.awaitMetrics(subscription, 1, 1, 0, 0);
    assertThat(pubsub.consume(subscription, 100)).containsExactly(messages.getFirst());
    pubsub.post(subscription, "release", messages.getFirst());
    assertThat(pubsub.consume(subscription, 100)).containsExactly(messages.getFirst());
  }

  @Test
  void release_ofWhatIsNotLeased_isPassedOver() {
    String subscription = pairWithMessages(3, NO_RETRY).subscription();
    List<Delivered> messages = pubsub.consume(subscription, 2);
    pubsub.ack(subscription, messages.get(0));
    pubsub.nack(subscription, messages.get(1));

    pubsub.post(subscription, "release", messages.toArray(Delivered[]::new));

    pubsub.awaitMetrics(subscription, 2, 0, 1, 0);
    assertThat(pubsub.consume(subscription, 100)).extracting(Delivered::n).containsExactly(2);
  }

  @Test
  void extend_keepsTheLease_ofThoseItNames() {
    String subscription =
        pairWithMessages(2, NO_RETRY + ",\"ack_deadline_seconds\":2").subscription();
    Answer lease = pubsub.lease(subscription, 2, "");
    List<Delivered> messages = Pubsub.delivered(lease);
    send(subscription, "extend", leaseId(lease), "\"ack_deadline_seconds\":3600", messages.get(0))
        .expectNoContent();

    // The other one's lease ends: by then the first one's would have ended too.
    Delivered other = pubsub.awaitOne(subscription);

    assertThat(other.id()).isEqualTo(messages.get(1).id());
    pubsub.ack(subscription, other);
    pubsub.awaitMetrics(subscription, 0, 1, 1, 0);
    send(subscription, "extend", "", "\"ack_deadline_seconds\":1", messages.get(0))
        .expectNoContent();
    assertThat(pubsub.awaitOne(subscription).attempts()).isEqualTo(2);
  }

  @Test
  void extend_ofAnotherLease_isPassedOver() {
    String subscription =
        pairWithMessages(2, NO_RETRY + ",\"ack_deadline_seconds\":2").subscription();
    Answer first = pubsub.lease(subscription, 1, "");
    Answer second = pubsub.lease(subscription, 1, "&ack_deadline_seconds=3600");

    send(
            subscription,
            "extend",
            leaseId(second),
            "\"ack_deadline_seconds\":3600",
            Pubsub.delivered(first).getFirst())
        .expectNoContent();

    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(0);
  }

  @Test
  void extend_bounds() {
    String path = Pubsub.path(pubsub.pair("").subscription(), "/extend");
    String loc = "[\"body\",\"ack_deadline_seconds\"]";
    nobody.post(path, "{\"ids\":[],\"ack_deadline_seconds\":1}").expectNoContent();
    nobody.post(path, "{\"ids\":[],\"ack_deadline_seconds\":86400}").expectNoContent();
    expectError(
        nobody.post(path, "{\"ids\":[],\"ack_deadline_seconds\":0}"), "greater_than_equal", loc);
    expectError(
        nobody.post(path, "{\"ids\":[],\"ack_deadline_seconds\":86401}"), "less_than_equal", loc);
    expectError(nobody.post(path, "{\"ids\":[]}"), "missing", loc);
  }

  @Test
  void nack_withADelay_waitsThatInstead() {
    String subscription = pairWithMessages(2, NO_RETRY).subscription();
    List<Delivered> messages = pubsub.await(subscription, 2);
    long start = System.nanoTime();

    send(subscription, "nacks", "", "\"delay_seconds\":0", messages.get(0)).expectNoContent();
    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(0);
    send(subscription, "nacks", "", "\"delay_seconds\":2", messages.get(1)).expectNoContent();
    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(1);

    assertThat(since(start)).isGreaterThanOrEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void nack_withADelay_ofTheLastAttempt_isADeadLetter() {
    String subscription = pairWithMessages(1, "\"max_delivery_attempts\":1").subscription();

    send(subscription, "nacks", "", "\"delay_seconds\":0", pubsub.awaitOne(subscription))
        .expectNoContent();

    pubsub.awaitMetrics(subscription, 0, 0, 0, 1);
  }

  @Test
  void nack_delayBounds() {
    String path = Pubsub.path(pubsub.pair("").subscription(), "/nacks");
    String loc = "[\"body\",\"delay_seconds\"]";
    nobody.post(path, "{\"ids\":[],\"delay_seconds\":0}").expectNoContent();
    nobody.post(path, "{\"ids\":[],\"delay_seconds\":604800}").expectNoContent();
    expectError(nobody.post(path, "{\"ids\":[],\"delay_seconds\":-1}"), "greater_than_equal", loc);
    expectError(nobody.post(path, "{\"ids\":[],\"delay_seconds\":604801}"), "less_than_equal", loc);
  }

  @ParameterizedTest
  @ValueSource(strings = {"release", "extend", "dlq/purge"})
  void unknownSubscription_is404(String to) {
    String body = to.equals("extend") ? "{\"ids\":[],\"ack_deadline_seconds\":5}" : "[]";
    nobody.post("/subscriptions/missing/" + to, body).expectDetail(404, "Subscription not found");
  }

  // Subscriptions

  @Test
  void create_withADeadline_showsIt() {
    String topic = pubsub.topic();
    String id = Caller.unique("sub");
    String expected =
        """
        {"id":"%s","topic_id":"%s","filter":null,"max_delivery_attempts":5,"backoff_min_seconds":5,
         "backoff_max_seconds":300,"created_at":"<microseconds>","ack_deadline_seconds":86400}
        """
            .formatted(id, topic);

    pubsub.createSubscription(id, topic, "\"ack_deadline_seconds\":86400").expect(201, expected);

    nobody.get(Pubsub.path(id, "")).expect(200, expected);
    String loc = "[\"body\",\"ack_deadline_seconds\"]";
    expectError(
        pubsub.createSubscription("bad", topic, "\"ack_deadline_seconds\":0"),
        "greater_than_equal",
        loc);
    expectError(
        pubsub.createSubscription("bad", topic, "\"ack_deadline_seconds\":86401"),
        "less_than_equal",
        loc);
  }

  @Test
  void create_startEarliest_getsWhatIsThere() {
    String topic = pubsub.topic();
    pubsub.publish(topic, "{\"n\":1,\"a\":\"x\"}", "{\"n\":2,\"a\":\"y\"}");
    String all = pubsub.subscription(topic, "\"start\":\"earliest\"");
    String some = pubsub.subscription(topic, "\"start\":\"earliest\",\"filter\":{\"a\":[\"y\"]}");
    String now = pubsub.subscription(topic, "\"start\":\"now\"");
    pubsub.publish(topic, "{\"n\":3,\"a\":\"y\"}");

    assertThat(pubsub.await(all, 3)).extracting(Delivered::n).containsExactly(1, 2, 3);
    assertThat(pubsub.await(some, 2)).extracting(Delivered::n).containsExactly(2, 3);
    assertThat(pubsub.await(now, 1)).extracting(Delivered::n).containsExactly(3);
  }

  @Test
  void create_startAtATime_getsWhatCameFromThenOn() {
    String topic = pubsub.topic();
    String before = pubsub.subscription(topic, "");
    pubsub.publish(topic, "{\"n\":1}");
    Pubsub.eventually("a later millisecond", advancesFrom(Instant.now().toEpochMilli()));
    Instant between = Instant.now();
    Pubsub.eventually("a later millisecond", advancesFrom(between.toEpochMilli()));
    pubsub.publish(topic, "{\"n\":2}");

    String subscription = pubsub.subscription(topic, "\"start\":\"" + between + "\"");

    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(2);
    pubsub.expectNothing(subscription);
    String past = pubsub.subscription(topic, "\"start\":\"2020-01-01T00:00:00Z\"");
    assertThat(pubsub.await(past, 2)).extracting(Delivered::n).containsExactly(1, 2);
    assertThat(pubsub.await(before, 2)).hasSize(2);
  }

  private static BooleanSupplier advancesFrom(long millis) {
    return () -> Instant.now().toEpochMilli() > millis + 1;
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"later\"", "\"\"", "5", "\"2020-13-01T00:00:00Z\"", "[]"})
  void create_startOfAnotherShape_is422(String start) {
    JsonNode detail =
        pubsub
            .createSubscription("bad", pubsub.topic(), "\"start\":" + start)
            .expect(422)
            .json()
            .get("detail");
    assertThat(detail)
        .singleElement()
        .satisfies(
            error -> assertThat(error.get("loc").toString()).isEqualTo("[\"body\",\"start\"]"));
  }

  @Test
  void patch_changesWhatItNames() {
    Pair pair = pubsub.pair("\"filter\":{\"a\":[1]}");
    String path = Pubsub.path(pair.subscription(), "");
    String changed =
        """
        {"id":"%s","topic_id":"%s","filter":{"a":[1]},"max_delivery_attempts":%d,
         "backoff_min_seconds":%d,"backoff_max_seconds":%d,"created_at":"<microseconds>"%s}
        """;

    nobody
        .patch(path, "{\"max_delivery_attempts\":1}")
        .expect(200, changed.formatted(pair.subscription(), pair.topic(), 1, 5, 300, ""));
    String all =
        changed.formatted(
            pair.subscription(), pair.topic(), 1, 2, 3, ",\"ack_deadline_seconds\":4");
    nobody
        .patch(
            path,
            "{\"backoff_min_seconds\":2,\"backoff_max_seconds\":3,\"ack_deadline_seconds\":4}")
        .expect(200, all);
    nobody.patch(path, "{}").expect(200, all);
    nobody.get(path).expect(200, all);
  }

  @Test
  void patch_holdsForWhatIsAlreadyThere() {
    Pair pair = pairWithMessages(1, NO_RETRY);
    Delivered message = pubsub.awaitOne(pair.subscription());

    nobody.patch(Pubsub.path(pair.subscription(), ""), "{\"max_delivery_attempts\":1}").expect(200);
    pubsub.nack(pair.subscription(), message);

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 0, 1);
  }

  @Test
  void patch_refusals() {
    Pair pair = pubsub.pair("");
    String path = Pubsub.path(pair.subscription(), "");
    JsonNode detail =
        nobody.patch(path, "{\"filter\":{\"a\":[1]}}").expect(422).json().get("detail");
    assertThat(detail)
        .singleElement()
        .satisfies(
            error -> assertThat(error.get("loc").toString()).isEqualTo("[\"body\",\"filter\"]"));
    expectError(
        nobody.patch(path, "{\"max_delivery_attempts\":0}"),
        "greater_than_equal",
        "[\"body\",\"max_delivery_attempts\"]");
    expectError(
        nobody.patch(path, "{\"ack_deadline_seconds\":86401}"),
        "less_than_equal",
        "[\"body\",\"ack_deadline_seconds\"]");
    nobody.patch("/subscriptions/missing", "{}").expectDetail(404, "Subscription not found");
  }

  // Dead letters

  private Pair pairWithDeadLetters(int count) {
    Pair pair = pairWithMessages(count, "\"max_delivery_attempts\":1");
    pubsub.nack(
        pair.subscription(), pubsub.await(pair.subscription(), count).toArray(Delivered[]::new));
    return pair;
  }

  @Test
  void deadLetter_byId() {
    Pair pair = pairWithDeadLetters(2);
    Delivered dead = pubsub.deadLetters(pair.subscription()).getLast();

    nobody
        .get(Pubsub.path(pair.subscription(), "/dlq/" + dead.id()))
        .expect(
            200,
            """
            {"id":"%s","subscription_id":"%s","payload":{"n":1},"delivery_attempts":1,
             "created_at":"<microseconds>"}
            """
                .formatted(dead.id(), pair.subscription()));
    nobody
        .get(Pubsub.path(pair.subscription(), "/dlq/" + UNKNOWN))
        .expectDetail(404, "Message not found");
    nobody
        .get("/subscriptions/missing/dlq/" + dead.id())
        .expectDetail(404, "Subscription not found");
    pubsub.post(pair.subscription(), "dlq/reprocess", dead);
    nobody
        .get(Pubsub.path(pair.subscription(), "/dlq/" + dead.id()))
        .expectDetail(404, "Message not found");
  }

  @Test
  void purge_takesTheDeadLettersNamed() {
    Pair pair = pairWithDeadLetters(3);
    List<Delivered> dead = pubsub.deadLetters(pair.subscription());
    pubsub.publishNumbers(pair.topic(), 3, 4);
    Delivered live = pubsub.awaitOne(pair.subscription());

    pubsub.post(pair.subscription(), "dlq/purge", dead.get(0), dead.get(2), live);

    assertThat(pubsub.deadLetters(pair.subscription())).containsExactly(dead.get(1));
    pubsub.awaitMetrics(pair.subscription(), 0, 1, 0, 1);
    pubsub.post(pair.subscription(), "dlq/reprocess", dead.get(0));
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void deleteOfTheDlq_takesAllDeadLetters() {
    Pair pair = pairWithDeadLetters(150);
    pubsub.publishNumbers(pair.topic(), 0, 1);

    nobody.delete(Pubsub.path(pair.subscription(), "/dlq")).expectNoContent();

    assertThat(pubsub.deadLetters(pair.subscription())).isEmpty();
    pubsub.awaitMetrics(pair.subscription(), 1, 0, 0, 0);
    nobody.delete(Pubsub.path(pair.subscription(), "/dlq")).expectNoContent();
    nobody.delete("/subscriptions/missing/dlq").expectDetail(404, "Subscription not found");
  }

  /// Dead letters are kept apart from the topic: they outlive what it retains.
  @Test
  void deadLetters_areThereAfterThousandsOfMessages() {
    Pair pair = pairWithDeadLetters(1);
    for (int i = 0; i < 10; i++) {
      pubsub.publishNumbers(pair.topic(), 0, 1_000);
    }

    assertThat(pubsub.deadLetters(pair.subscription())).hasSize(1);
  }

  // Publishing

  @Test
  void publish_object_is200WithIds() {
    Pair pair = pubsub.pair("");
    JsonNode body =
        nobody
            .post(
                "/topics/" + pair.topic() + "/messages",
                """
                {"messages":[{"payload":{"n":1}},
                             {"payload":{"n":2},"ttl":3600,"metadata":{"trace":"t-1"}}]}
                """)
            .expect(200, "{\"ids\":[\"<uuid7>\",\"<uuid7>\"]}")
            .json();

    assertThat(pubsub.await(pair.subscription(), 2))
        .extracting(Delivered::id)
        .containsExactly(body.at("/ids/0").asString(), body.at("/ids/1").asString());
  }

  @Test
  void publish_objectWithOneBadMessage_isAllOrNothing() {
    Pair pair = pubsub.pair("");
    String path = "/topics/" + pair.topic() + "/messages";

    expectError(
        nobody.post(path, "{\"messages\":[{\"payload\":{}},{\"payload\":5}]}"),
        "dict_type",
        "[\"body\",\"messages\",1,\"payload\"]");
    expectError(
        nobody.post(path, "{\"messages\":[{\"payload\":{}},{}]}"),
        "missing",
        "[\"body\",\"messages\",1,\"payload\"]");
    expectError(
        nobody.post(path, "{\"messages\":[{\"payload\":{},\"ttl\":0}]}"),
        "greater_than_equal",
        "[\"body\",\"messages\",0,\"ttl\"]");
    nobody.post(path, "{\"messages\":[{\"payload\":{},\"metadata\":{\"a\":1}}]}").expect(422);

    pubsub.awaitMetrics(pair.subscription(), 0, 0, 0, 0);
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void publish_withATtl_leavesTheSubscription_andIsCounted() {
    Pair pair = pubsub.pair("");
    nobody
        .post(
            "/topics/" + pair.topic() + "/messages",
            "{\"messages\":[{\"payload\":{\"n\":1},\"ttl\":1},{\"payload\":{\"n\":2}}]}")
        .expect(200);
    String id = pair.subscription();

    // Nobody consumes before it has expired.
    long expired = System.nanoTime() + Duration.ofMillis(1_500).toNanos();
    Pubsub.eventually("the end of the time to live", () -> System.nanoTime() - expired > 0);

    assertThat(pubsub.awaitOne(id).n()).isEqualTo(2);
    Pubsub.eventually(
        "the expired one in the metrics",
        () ->
            pubsub
                .metrics(id)
                .json()
                .equals(
                    Template.parse(
                        "{\"subscription_id\":\"%s\",\"available\":0,\"delivered\":1,\"acked\":0,\"dlq\":0,\"expired\":1}"
                            .formatted(id))));
  }

  @Test
  void metadata_isSeenByTheRelay() {
    Pair pair = pubsub.pair("");
    nobody
        .post(
            "/topics/" + pair.topic() + "/messages",
            "{\"messages\":[{\"payload\":{\"n\":1},\"metadata\":{\"trace\":\"t-1\"}}]}")
        .expect(200);

    JsonNode message =
        nobody
            .poll(
                "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"start\"},\"timeout\":1}"
                    .formatted(pair.topic()))
            .expect(200)
            .json()
            .at("/messages/0");

    assertThat(message.get("metadata").toString()).isEqualTo("{\"trace\":\"t-1\"}");
  }
}
