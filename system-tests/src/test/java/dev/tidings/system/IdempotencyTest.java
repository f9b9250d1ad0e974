// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static dev.tidings.system.OperationsTest.metric;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Publishing under an idempotency key: once, however often it is asked for.
@SystemTest
final class IdempotencyTest {
  private static final String SINGLE = "/api/v1/messages";
  private static final String BULK = "/api/v1/messages/bulk";
  private static final String OTHER_REQUEST =
      "the idempotency key was used with another request; use a new one";
  private static final int KEPT_MS = 5000;

  private final RelayClient admin;
  // Keeps three keys of a user for five seconds, and has room for two topics.
  private TidingsProcess small;

  IdempotencyTest(@On(Setup.SECURED) TidingsProcess secured) {
    this.admin = secured.admin();
  }

  @BeforeAll
  void startSmall() {
    small =
        TidingsProcess.startSecured(
            Map.of(
                "TIDINGS_LIMITS_IDEMPOTENCY_RETENTION", "5s",
                "TIDINGS_LIMITS_IDEMPOTENCY_KEYS_PER_USER", "3",
                "TIDINGS_LIMITS_TOPICS", "2",
                "TIDINGS_RETENTION_SWEEP_INTERVAL", "100ms"));
  }

  @AfterAll
  void stopSmall() {
    small.close();
  }

  private static String body(String topic, int number) {
    return Json.write(Json.object("topic", topic, "payload", Map.of("n", number)));
  }

  private static String bulk(String... topics) {
    var messages = new ArrayList<Object>();
    for (String topic : topics) {
      messages.add(Json.object("topic", topic, "payload", Map.of("n", messages.size())));
    }
    return Json.write(Map.of("messages", messages));
  }

  private static Reply post(RelayClient client, String path, String key, String body) {
    return client.send("POST", path, BodyPublishers.ofString(body), "Idempotency-Key", key);
  }

  private static Reply publish(RelayClient client, String key, String body) {
    return post(client, SINGLE, key, body);
  }

  private static List<Integer> numbers(RelayClient client, String topic) {
    return client.readAll(topic).numbers();
  }

  private static double received(RelayClient client, String topic) {
    return metric(client, "relay_messages_received_total{topic=\"" + topic + "\"}");
  }

  /// The time in a message id, milliseconds since 1970.
  private static long timeOf(Reply reply) {
    return Long.parseLong(reply.messageId().substring(4, 16), 16);
  }

  private static Set<String> bodies(List<CompletableFuture<Reply>> replies, int status) {
    return replies.stream()
        .map(reply -> Await.result(reply).expect(status).body())
        .collect(Collectors.toSet());
  }

  @Test
  void repeatedPublish_getsTheSameAnswer_andMakesOneMessage() {
    String topic = RelayClient.unique("once");
    String key = RelayClient.unique("key");

    Reply first = publish(admin, key, body(topic, 1)).expect(201);
    admin.publishNumber(topic, 2);
    Reply again = publish(admin, key, body(topic, 1)).expect(201);
    Reply onceMore = publish(admin, key, body(topic, 1)).expect(201);

    assertThat(again.body()).isEqualTo(first.body());
    assertThat(onceMore.body()).isEqualTo(first.body());
    assertThat(numbers(admin, topic)).containsExactly(1, 2);
    assertThat(received(admin, topic)).isEqualTo(2);
  }

  /// The calls of the other API keep the promise too, in either form.
  @Test
  void repeatedPublishToTopicsPath_getsTheSameAnswer_andMakesItsMessagesOnce() {
    String topic = RelayClient.unique("once-there");
    String path = "/topics/" + topic + "/messages";
    String key = RelayClient.unique("key");
    admin.createTopic("topic_name", topic).expect(201);
    String object = "{\"messages\":[{\"payload\":{\"n\":1}},{\"payload\":{\"n\":2}}]}";

    Reply first = post(admin, path, key, object).expect(200);
    Reply again = post(admin, path, key, object).expect(200);
    post(admin, path, key + "-array", "[{\"n\":3}]").expect(204);
    post(admin, path, key + "-array", "[{\"n\":3}]").expect(204);

    assertThat(again.body()).isEqualTo(first.body());
    assertThat(numbers(admin, topic)).containsExactly(1, 2, 3);
    post(admin, path, key, "[{\"n\":4}]").expect(422);
    assertThat(numbers(admin, topic)).containsExactly(1, 2, 3);
  }

  @Test
  void fiftyAtOnce_makeOneMessage_andGetTheSameAnswer() {
    String topic = RelayClient.unique("at-once");
    String key = RelayClient.unique("key");

    List<CompletableFuture<Reply>> replies =
        IntStream.range(0, 50)
            .mapToObj(_ ->
                admin.sendAsync(
                    "POST",
                    SINGLE,
                    BodyPublishers.ofString(body(topic, 1)),
                    "Idempotency-Key",
                    key))
            .toList();

    assertThat(bodies(replies, 201)).hasSize(1);
    assertThat(numbers(admin, topic)).containsExactly(1);
    assertThat(received(admin, topic)).as("counted once").isEqualTo(1);
  }

  @Test
  void twentyBulksAtOnce_makeTheirMessagesOnce_andGetTheSameAnswer() {
    String first = RelayClient.unique("bulk-at-once");
    String second = RelayClient.unique("bulk-at-once");
    String key = RelayClient.unique("key");

    List<CompletableFuture<Reply>> replies =
        IntStream.range(0, 20)
            .mapToObj(_ ->
                admin.sendAsync(
                    "POST",
                    BULK,
                    BodyPublishers.ofString(bulk(first, second, first)),
                    "Idempotency-Key",
                    key))
            .toList();

    assertThat(bodies(replies, 207)).hasSize(1);
    assertThat(numbers(admin, first)).containsExactly(0, 2);
    assertThat(numbers(admin, second)).containsExactly(1);
    assertThat(received(admin, first)).isEqualTo(2);
    assertThat(received(admin, second)).isEqualTo(1);
  }

  @Test
  void otherRequestUnderTheKey_is422_andStoresNothing() {
    String topic = RelayClient.unique("another");
    String other = RelayClient.unique("another");
    String key = RelayClient.unique("key");
    Reply first = publish(admin, key, body(topic, 1)).expect(201);

    publish(admin, key, body(topic, 2)).expectDetail(422, OTHER_REQUEST);
    publish(admin, key, body(topic, 1).replace(":", ": ")).expectDetail(422, OTHER_REQUEST);
    publish(admin, key, body(other, 1)).expectDetail(422, OTHER_REQUEST);
    post(admin, BULK, key, bulk(topic)).expectDetail(422, OTHER_REQUEST);
    post(admin, BULK, key, bulk(topic, other)).expectDetail(422, OTHER_REQUEST);

    assertThat(numbers(admin, topic)).containsExactly(1);
    admin.get("/api/v1/topics/" + other).expect(404);
    assertThat(publish(admin, key, body(topic, 1)).expect(201).body()).isEqualTo(first.body());
  }

  @Test
  void sameKeyOfAnotherUser_isAnotherKey() {
    String topic = RelayClient.unique("two-users");
    String key = RelayClient.unique("key");
    User owner = admin.newUser("read", "write");
    User granted = admin.newUser("write");
    owner.client().createTopic("topic_name", topic).expect(201);
    owner.client().grant(topic, "username", granted.name()).expect(201);

    Reply first = publish(owner.client(), key, body(topic, 1)).expect(201);
    Reply second = publish(granted.client(), key, body(topic, 1)).expect(201);

    assertThat(second.messageId()).isNotEqualTo(first.messageId());
    assertThat(numbers(owner.client(), topic)).containsExactly(1, 1);
    assertThat(publish(granted.client(), key, body(topic, 1)).body()).isEqualTo(second.body());
  }

  static Stream<Arguments> badKeys() {
    return Stream.of(
        argumentSet("empty", "", ""),
        argumentSet("of spaces", "   ", ""),
        argumentSet("256 characters", "k".repeat(256), "k".repeat(256)),
        // Bytes of a header are shown as characters of Latin-1.
        argumentSet("not ASCII", "sch\u00fcssel", "sch\u00c3\u00bcssel"),
        argumentSet("with a tab", "a\tb", "a\tb"));
  }

  @ParameterizedTest
  @MethodSource("badKeys")
  void badKey_is422_andStoresNothing(String key, String shown) {
    String topic = RelayClient.unique("bad-key");
    for (String path : List.of(SINGLE, BULK)) {
      String body = path.equals(SINGLE) ? body(topic, 1) : bulk(topic);
      try (RawConnection connection = RawConnection.open(admin.server())) {
        connection.writeHead(
            "POST " + path + " HTTP/1.1",
            "Authorization: " + admin.authorization().orElseThrow(),
            "Idempotency-Key: " + key,
            "Content-Length: " + body.length());
        connection.write(body);

        connection
            .readReply()
            .expectInvalid(
                Json.write(
                    Json.object(
                        "type",
                        "value_error",
                        "loc",
                        List.of("header", "idempotency-key"),
                        "msg",
                        "Value error, it has to be 1 to 255 printable ASCII characters",
                        "input",
                        shown,
                        "ctx",
                        Map.of("error", Map.of()))));
      }
    }
    admin.get("/api/v1/topics/" + topic).expect(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"k", "with a space", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"})
  void oddKey_isTaken(String key) {
    String topic = RelayClient.unique("odd-key");
    String own = key + RelayClient.unique("");
    Reply first = publish(admin, own, body(topic, 1)).expect(201);
    assertThat(publish(admin, own, body(topic, 1)).expect(201).body()).isEqualTo(first.body());
  }

  @Test
  void keyOf255Characters_isTaken() {
    String topic = RelayClient.unique("long-key");
    String unique = RelayClient.unique("key");
    String key = unique + "k".repeat(255 - unique.length());
    Reply first = publish(admin, key, body(topic, 1)).expect(201);
    assertThat(publish(admin, key, body(topic, 1)).expect(201).body()).isEqualTo(first.body());
    assertThat(numbers(admin, topic)).containsExactly(1);
  }

  @Test
  void badFields_areToldBeforeTheBadKey() {
    Reply reply = publish(admin, "k".repeat(256), "{\"topic\":\"t\"}").expect(422);
    assertThat(reply.json().get("detail").valueStream())
        .extracting(error -> Json.texts(error.get("loc")))
        .containsExactly(List.of("body", "payload"), List.of("header", "idempotency-key"));
  }

  @Test
  void refusedPublish_leavesTheKeyFree() {
    String topic = RelayClient.unique("refused");
    String key = RelayClient.unique("key");
    User owner = admin.newUser("read", "write");
    User writer = admin.newUser("write");
    owner.client().createTopic("topic_name", topic).expect(201);

    publish(writer.client(), key, "{\"topic\":\"" + topic + "\"}").expect(422);
    publish(writer.client(), key, body(topic, 1)).expect(403);
    owner.client().grant(topic, "username", writer.name()).expect(201);
    publish(writer.client(), key, body(topic, 2)).expect(201);

    assertThat(numbers(owner.client(), topic)).containsExactly(2);
  }

  @Test
  void whoMayNoLongerPublish_getsNoAnswerFromBefore() {
    String topic = RelayClient.unique("revoked");
    String key = RelayClient.unique("key");
    User owner = admin.newUser("read", "write");
    User writer = admin.newUser("write");
    owner.client().createTopic("topic_name", topic).expect(201);
    owner.client().grant(topic, "username", writer.name()).expect(201);
    Reply first = publish(writer.client(), key, body(topic, 1)).expect(201);

    publish(admin.server().anonymous(), key, body(topic, 1)).expect(401);
    owner
        .client()
        .request("DELETE", "/api/v1/topics/" + topic + "/permissions/" + writer.id())
        .expect(204);

    publish(writer.client(), key, body(topic, 1))
        .expectDetail(403, "Access denied to topics: ['" + topic + "']");
    owner.client().grant(topic, "username", writer.name()).expect(201);
    assertThat(publish(writer.client(), key, body(topic, 1)).expect(201).body())
        .isEqualTo(first.body());
    assertThat(numbers(owner.client(), topic)).containsExactly(1);
  }

  @Test
  void topicDeletedBetween_isAnsweredAllTheSame_andNotMadeAnew() {
    String topic = RelayClient.unique("gone");
    String key = RelayClient.unique("key");
    User owner = admin.newUser("read", "write");
    Reply first = publish(owner.client(), key, body(topic, 1)).expect(201);
    owner.client().request("DELETE", "/api/v1/topics/" + topic).expect(204);

    assertThat(publish(owner.client(), key, body(topic, 1)).expect(201).body())
        .isEqualTo(first.body());
    owner.client().get("/api/v1/topics/" + topic).expect(404);

    admin.createTopic("topic_name", topic).expect(201);
    publish(owner.client(), key, body(topic, 1))
        .expectDetail(403, "Access denied to topics: ['" + topic + "']");
  }

  // ---- bulk ----

  @Test
  void repeatedBulk_getsTheSameAnswer_andMakesItsMessagesOnce() {
    String first = RelayClient.unique("bulk");
    String second = RelayClient.unique("bulk");
    String key = RelayClient.unique("key");
    String body = bulk(first, second, first, second, second);

    Reply answer = post(admin, BULK, key, body).expect(207);
    Reply again = post(admin, BULK, key, body).expect(207);

    assertThat(again.body()).isEqualTo(answer.body());
    assertThat(numbers(admin, first)).containsExactly(0, 2);
    assertThat(numbers(admin, second)).containsExactly(1, 3, 4);
    assertThat(received(admin, first)).isEqualTo(2);
    assertThat(received(admin, second)).isEqualTo(3);
    post(admin, BULK, key, bulk(second, first)).expectDetail(422, OTHER_REQUEST);
  }

  @Test
  void bulkPartlyRejected_andSentAgain_isAcceptedForTheRestOnly() {
    User user = small.admin().newUser("read", "write");
    RelayClient client = user.client();
    String kept = RelayClient.unique("kept");
    String filler = RelayClient.unique("filler");
    String late = RelayClient.unique("late");
    client.createTopic("topic_name", kept).expect(201);
    client.createTopic("topic_name", filler).expect(201);
    String body = bulk(kept, late, kept);

    JsonNode part = post(client, BULK, "key", body).expect(207).json();
    client.request("DELETE", "/api/v1/topics/" + filler).expect(204);
    Reply whole = post(client, BULK, "key", body).expect(207);
    Reply again = post(client, BULK, "key", body).expect(207);

    assertThat(part.get("summary")).isEqualTo(summary(3, 2, 1));
    assertThat(part.get("results").get(1).get("status").asString()).isEqualTo("rejected");
    assertThat(part.get("results").get(1).get("error").asString())
        .isEqualTo("there are 2 topics (limit: 2); use one of them");
    assertThat(whole.json().get("summary")).isEqualTo(summary(3, 3, 0));
    for (int i : List.of(0, 2)) {
      assertThat(whole.json().get("results").get(i)).isEqualTo(part.get("results").get(i));
    }
    assertThat(again.body()).isEqualTo(whole.body());
    assertThat(numbers(client, kept)).containsExactly(0, 2);
    assertThat(numbers(client, late)).containsExactly(1);
    assertThat(received(client, kept)).isEqualTo(2);
    for (String topic : List.of(kept, late)) {
      client.request("DELETE", "/api/v1/topics/" + topic).expect(204);
    }
  }

  private static JsonNode summary(int total, int accepted, int rejected) {
    return Json.parse(
        Json.write(Map.of("total", total, "accepted", accepted, "rejected", rejected)));
  }

  // ---- bounds ----

  @Test
  void key_isFreeAgainWhenItsTimeIsUp() {
    User user = small.admin().newUser("read", "write");
    String topic = RelayClient.unique("expiring");
    Reply first = publish(user.client(), "key", body(topic, 1)).expect(201);
    var later = new ArrayList<Reply>();

    Await.until(
        "the key is free",
        () -> {
          later.add(publish(user.client(), "key", body(topic, 1)).expect(201));
          return !later.getLast().body().equals(first.body());
        });

    assertThat(later.subList(0, later.size() - 1)).allMatch(it -> it.body().equals(first.body()));
    assertThat(timeOf(later.getLast()) - timeOf(first)).isGreaterThanOrEqualTo(KEPT_MS);
    // Another request may use it as well: by now it belongs to the second message.
    publish(user.client(), "key", body(topic, 2)).expectDetail(422, OTHER_REQUEST);
    assertThat(numbers(user.client(), topic)).containsExactly(1, 1);
    user.client().request("DELETE", "/api/v1/topics/" + topic).expect(204);
  }

  @Test
  void keysOfAUser_areBounded_andAnothersAreNotTouched() {
    User user = small.admin().newUser("read", "write");
    User other = small.admin().newUser("read", "write");
    String topic = RelayClient.unique("bounded");
    user.client().createTopic("topic_name", topic).expect(201);
    user.client().grant(topic, "username", other.name()).expect(201);
    String full =
        "too many idempotency keys are in use (limits: 3 a user, 200000 in all);"
            + " one is free again 5 s after its use";
    var answers = new ArrayList<Reply>();
    for (int i = 0; i < 3; i++) {
      answers.add(publish(user.client(), "key-" + i, body(topic, i)).expect(201));
    }

    publish(user.client(), "key-3", body(topic, 3)).expectDetail(429, full);
    post(user.client(), BULK, "key-3", bulk(topic, topic)).expectDetail(429, full);
    assertThat(publish(user.client(), "key-0", body(topic, 0)).expect(201).body())
        .as("a known key at the bound")
        .isEqualTo(answers.getFirst().body());
    user.client().publish(topic, Map.of("n", 4)).expect(201);
    publish(other.client(), "key-3", body(topic, 5)).expect(201);
    assertThat(numbers(user.client(), topic)).containsExactly(0, 1, 2, 4, 5);

    Await.until(
        "there is room again",
        () -> publish(user.client(), "key-3", body(topic, 3)).status() == 201);
    assertThat(numbers(user.client(), topic)).containsExactly(0, 1, 2, 4, 5, 3);
    user.client().request("DELETE", "/api/v1/topics/" + topic).expect(204);
  }

  // ---- durability ----

  @Test
  void keys_outliveAKillAndAStop() {
    try (TidingsProcess server = TidingsProcess.startSecured(Map.of())) {
      RelayClient client = server.admin();
      Reply single = publish(client, "single", body("t", 0)).expect(201);
      Reply bulk = post(client, BULK, "bulk", bulk("t", "u", "t")).expect(207);
      server.kill9();
      server.restart();
      expectSameAgain(client, single, bulk);
      assertThat(server.terminate()).isZero();
      server.restart();
      expectSameAgain(client, single, bulk);
    }
  }

  private static void expectSameAgain(RelayClient client, Reply single, Reply bulk) {
    assertThat(publish(client, "single", body("t", 0)).expect(201).body()).isEqualTo(single.body());
    assertThat(post(client, BULK, "bulk", bulk("t", "u", "t")).expect(207).body())
        .isEqualTo(bulk.body());
    publish(client, "single", body("t", 1)).expectDetail(422, OTHER_REQUEST);
    assertThat(numbers(client, "t")).containsExactly(0, 0, 2);
    assertThat(numbers(client, "u")).containsExactly(1);
  }

  @Test
  void publishersWhoRepeatOverAKill_storeEverythingOnce() {
    int publishers = 4;
    var stop = new AtomicInteger(Integer.MAX_VALUE);
    var next = new AtomicInteger();
    var unanswered = new AtomicInteger();
    var back = new CompletableFuture<Void>();
    try (TidingsProcess server = TidingsProcess.startSecured(Map.of())) {
      RelayClient client = server.admin();
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < publishers; i++) {
          threads.execute(() -> {
            for (int n = next.getAndIncrement(); n < stop.get(); n = next.getAndIncrement()) {
              publishUntilAnswered(client, n, unanswered, back);
            }
          });
        }
        Await.until("publishing is under way", () -> next.get() > 200);
        server.kill9();
        server.restart();
        stop.set(next.get() + 200);
        back.complete(null);
      }
      List<Integer> stored = new ArrayList<>(numbers(client, "repeated"));
      Collections.sort(stored);
      assertThat(stored).isEqualTo(IntStream.range(0, stop.get()).boxed().toList());
      assertThat(unanswered.get()).as("publishes that were repeated").isPositive();
    }
  }

  /// Repeats the request until it is answered, as a client should.
  private static void publishUntilAnswered(
      RelayClient client, int number, AtomicInteger unanswered, CompletableFuture<Void> back) {
    while (true) {
      try {
        Reply reply = publish(client, "number-" + number, body("repeated", number));
        if (reply.status() != 503) {
          reply.expect(201);
          return;
        }
      } catch (UncheckedIOException _) {
        unanswered.incrementAndGet(); // The server has gone; it comes back.
        var _ = Await.result(back, Duration.ofSeconds(30));
      }
    }
  }
}
