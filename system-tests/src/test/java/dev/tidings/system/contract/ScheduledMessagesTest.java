// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static dev.tidings.system.contract.Scheduling.at;
import static dev.tidings.system.contract.Scheduling.delay;
import static dev.tidings.system.contract.Scheduling.message;
import static java.time.temporal.ChronoUnit.MILLIS;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.Pubsub.Delivered;
import dev.tidings.system.contract.Pubsub.Pair;
import dev.tidings.system.contract.Scheduling.Waiting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Messages with a time at which they are due: published through either API, listed, cancelled, and
/// delivered to the readers of every API.
@SystemTest
final class ScheduledMessagesTest {
  private static final String MESSAGES = "/api/v1/messages";
  private static final String BULK = "/api/v1/messages/bulk";
  private static final String UNKNOWN = "550e8400-e29b-41d4-a716-446655440000";
  private static final String HOUR = delay(3600);
  private static final long MOST_SECONDS = Duration.ofDays(366).toSeconds();
  private static final int LIMIT = 5;

  /// How late a message may be on a busy machine.
  private static final Duration LATEST = Duration.ofSeconds(5);

  private final TidingsProcess server;
  private final TidingsProcess small =
      TidingsProcess.startDev(
          Map.of(
              "TIDINGS_SCHEDULED_LIMIT",
              Integer.toString(LIMIT),
              "TIDINGS_SCHEDULED_MAX_DELAY",
              "1h"));
  private final Caller admin;
  private final Pubsub pubsub;
  private final Scheduling scheduling;

  ScheduledMessagesTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = Caller.admin(server);
    this.pubsub = new Pubsub(admin);
    this.scheduling = new Scheduling(admin);
  }

  @AfterAll
  void stop() {
    small.close();
  }

  private static Instant in(long millis) {
    return Instant.now().plusMillis(millis).truncatedTo(MILLIS);
  }

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::n).toList();
  }

  private static List<Integer> waiting(List<Waiting> messages) {
    return messages.stream().map(Waiting::n).toList();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  /// The time in a delivered message's id.
  private static Instant timeOf(String id) {
    assertThat(id).matches(Scheduling.DELIVERED);
    return Instant.ofEpochMilli(Long.parseLong(id.replace("-", "").substring(0, 12), 16));
  }

  private static void expectInTime(String id, Instant due) {
    assertThat(timeOf(id)).isBetween(due, due.plus(LATEST));
  }

  private static String relayMessage(String topic, int n, String further) {
    return "{\"topic\":%s,\"payload\":{\"n\":%d}%s}"
        .formatted(Template.quoted(topic), n, further.isEmpty() ? "" : "," + further);
  }

  private static String bulk(String... messages) {
    return "{\"messages\":[" + String.join(",", messages) + "]}";
  }

  /// All that a topic retains, in its order, as the relay's pages show it.
  private List<JsonNode> page(String topic) {
    return history(topic).get("messages").valueStream().toList();
  }

  private JsonNode history(String topic) {
    return admin
        .get("/api/v1/topics/" + topic + "/messages?order=asc&limit=100")
        .expect(200)
        .json();
  }

  private static int n(JsonNode message) {
    return message.get("payload").get("n").asInt();
  }

  private static Answer postOnce(Caller caller, String path, String key, String body) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(caller.server().url() + path))
            .header("Authorization", caller.authorization())
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(BodyPublishers.ofString(body))
            .build();
    try {
      HttpResponse<String> answer = Caller.HTTP.send(request, BodyHandlers.ofString());
      return new Answer(answer.statusCode(), answer.headers(), answer.body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  // Publishing through the pubsub API

  @Test
  void delaySeconds_waitsSoLong() {
    Pair pair = pubsub.pair("");
    Instant before = Instant.now();

    scheduling
        .publish(pair.topic(), message(1, delay(0.25)))
        .expect(200, "{\"ids\":[\"<uuid8>\"]}");

    Delivered message = pubsub.awaitOne(pair.subscription());
    assertThat(message.n()).isEqualTo(1);
    assertThat(message.attempts()).isEqualTo(1);
    expectInTime(message.id(), before.plusMillis(250).truncatedTo(MILLIS));
    scheduling.awaitNoneWaits(pair.topic());
  }

  @Test
  void deliverAt_isDueThen() {
    Pair pair = pubsub.pair("");
    Instant due = in(300);

    scheduling.schedule(pair.topic(), message(1, at(due)));

    expectInTime(pubsub.awaitOne(pair.subscription()).id(), due);
  }

  @Test
  void oneCall_mixesMessagesForNowAndForLater() {
    Pair pair = pubsub.pair("");
    Instant due = in(400);

    List<String> ids =
        scheduling.put(
            pair.topic(),
            message(0, ""),
            message(1, at(due.plusMillis(200))),
            message(2, ""),
            message(3, at(due)));

    assertThat(ids.get(0)).matches(Scheduling.DELIVERED);
    assertThat(ids.get(1)).matches(Scheduling.SCHEDULED);
    assertThat(ids.get(2)).matches(Scheduling.DELIVERED);
    assertThat(ids.get(3)).matches(Scheduling.SCHEDULED);
    assertThat(scheduling.list(pair.topic(), ""))
        .extracting(Waiting::id)
        .containsExactly(ids.get(3), ids.get(1));
    List<Delivered> messages = pubsub.await(pair.subscription(), 4);
    assertThat(numbers(messages)).containsExactly(0, 2, 3, 1);
    assertThat(messages.subList(0, 2))
        .extracting(Delivered::id)
        .containsExactly(ids.get(0), ids.get(2));
  }

  @Test
  void pastAndZero_areForNow() {
    Pair pair = pubsub.pair("");

    List<String> ids =
        scheduling.put(
            pair.topic(),
            message(0, delay(0)),
            message(1, "\"delay_seconds\":0"),
            message(2, at(Instant.now().minusSeconds(1))),
            message(3, "\"deliver_at\":\"1999-12-31T23:59:59+01:00\""));

    assertThat(ids).allSatisfy(id -> assertThat(id).matches(Scheduling.DELIVERED));
    assertThat(pubsub.consume(pair.subscription(), 100)).extracting(Delivered::id).isEqualTo(ids);
    assertThat(scheduling.list(pair.topic(), "")).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("spellings")
  void deliverAt_spellings(String further, Instant due) {
    String topic = pubsub.topic();

    String id = scheduling.schedule(topic, message(1, "\"deliver_at\":\"" + further + "\""));

    assertThat(scheduling.list(topic, ""))
        .singleElement()
        .satisfies(message -> {
          assertThat(message.id()).isEqualTo(id);
          assertThat(message.deliverAt()).isEqualTo(due);
        });
  }

  static Stream<Arguments> spellings() {
    Instant base = Instant.ofEpochSecond(Instant.now().getEpochSecond()).plus(Duration.ofDays(100));
    String local =
        DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss", Locale.ROOT)
            .withZone(ZoneOffset.UTC)
            .format(base);
    return Stream.of(
        Arguments.of(local + "Z", base),
        Arguments.of(local + "+00:00", base),
        Arguments.of(local + "+02:00", base.minus(Duration.ofHours(2))),
        Arguments.of(local + "-05:30", base.plus(Duration.ofMinutes(330))),
        Arguments.of(local + ".5Z", base.plusMillis(500)),
        Arguments.of(local + ".123Z", base.plusMillis(123)),
        Arguments.of(local + ".123456Z", base.plusMillis(123)),
        Arguments.of(local + ".123000000+01:00", base.plusMillis(123).minus(Duration.ofHours(1))));
  }

  /// In the array form members are the payload's own.
  @Test
  void arrayForm_knowsNoTimes() {
    Pair pair = pubsub.pair("");

    pubsub.publish(
        pair.topic(), "{\"n\":1,\"delay_seconds\":3600,\"deliver_at\":\"2099-01-01T00:00:00Z\"}");

    assertThat(pubsub.consume(pair.subscription(), 10))
        .singleElement()
        .satisfies(message -> assertThat(message.payload().has("deliver_at")).isTrue());
  }

  // Publishing through the relay

  @Test
  void relay_tellsWhenItIsDue() {
    Pair pair = pubsub.pair("");
    Instant due = in(500);

    Answer answer = admin.post(MESSAGES, relayMessage(pair.topic(), 1, at(due)));

    answer.expect(
        201,
        "{\"message_id\":\"<message-id>\",\"topic\":%s,\"timestamp\":\"<time>\",\"deliver_at\":\"<time>\"}"
            .formatted(Template.quoted(pair.topic())));
    assertThat(Instant.parse(answer.text("timestamp"))).isEqualTo(due);
    assertThat(Instant.parse(answer.text("deliver_at"))).isEqualTo(due);
    String id = Scheduling.uuid(answer.text("message_id"));
    assertThat(id).matches(Scheduling.SCHEDULED);
    assertThat(scheduling.list(pair.topic(), "")).extracting(Waiting::id).containsExactly(id);
    expectInTime(pubsub.awaitOne(pair.subscription()).id(), due);
  }

  @Test
  void relay_delay_andForNow() {
    String topic = pubsub.topic();
    Instant before = Instant.now().truncatedTo(MILLIS);

    Answer later = admin.post(MESSAGES, relayMessage(topic, 1, delay(3600.5))).expect(201);
    Answer now = admin.post(MESSAGES, relayMessage(topic, 2, delay(0)));

    assertThat(Instant.parse(later.text("deliver_at")))
        .isBetween(before.plusMillis(3_600_500), before.plusMillis(3_600_500).plus(LATEST));
    now.expect(
        201,
        "{\"message_id\":\"<message-id>\",\"topic\":%s,\"timestamp\":\"<time>\"}"
            .formatted(Template.quoted(topic)));
    assertThat(Scheduling.uuid(now.text("message_id"))).matches(Scheduling.DELIVERED);
    assertThat(page(topic)).extracting(ScheduledMessagesTest::n).containsExactly(2);
  }

  /// As with any publish of the relay, a missing topic is created.
  @Test
  void relay_missingTopic_isCreated() {
    String topic = Caller.unique("scheduled");

    admin.post(MESSAGES, relayMessage(topic, 1, HOUR)).expect(201);

    admin.get("/topics/" + topic).expect(200);
    assertThat(waiting(scheduling.list(topic, ""))).containsExactly(1);
  }

  @Test
  void relayBulk_mixesTopicsAndTimes() {
    Pair first = pubsub.pair("");
    Pair second = pubsub.pair("");
    Instant due = in(400);

    Answer answer =
        admin.post(
            BULK,
            bulk(
                relayMessage(first.topic(), 0, at(due.plusMillis(100))),
                relayMessage(second.topic(), 1, ""),
                relayMessage(first.topic(), 2, ""),
                relayMessage(second.topic(), 3, at(due)),
                relayMessage(first.topic(), 4, at(due))));

    JsonNode json = answer.expect(207).json();
    assertThat(json.get("summary"))
        .isEqualTo(Template.parse("{\"total\":5,\"accepted\":5,\"rejected\":0}"));
    List<String> ids =
        json.get("results")
            .valueStream()
            .map(result -> Scheduling.uuid(result.get("message_id").asString()))
            .toList();
    for (int i = 0; i < 5; i++) {
      assertThat(ids.get(i))
          .matches(i == 1 || i == 2 ? Scheduling.DELIVERED : Scheduling.SCHEDULED);
    }
    assertThat(scheduling.list(first.topic(), ""))
        .extracting(Waiting::id)
        .containsExactly(ids.get(4), ids.get(0));
    assertThat(numbers(pubsub.await(first.subscription(), 3))).containsExactly(2, 4, 0);
    assertThat(numbers(pubsub.await(second.subscription(), 2))).containsExactly(1, 3);
  }

  // What knows no times

  @Test
  void publishFrame_treatsTimesAsAnyUnknownMember() {
    String topic = pubsub.topic();
    try (Socket socket = Socket.open(admin)) {
      var types = new ArrayList<String>();
      for (String further : List.of("\"unknown\":3600", HOUR, at(in(3_600_000)))) {
        socket.send(
            "{\"type\":\"publish\",\"topic\":\"%s\",\"payload\":{\"n\":1},%s}"
                .formatted(topic, further));
        types.add(socket.next().get("type").asString());
      }
      assertThat(types).containsOnly(types.getFirst());
      assertThat(scheduling.list(topic, "")).isEmpty();
      assertThat(page(topic)).hasSize(types.getFirst().equals("published") ? 3 : 0);
    }
  }

  @Test
  void exchanges_knowNoTimes() {
    var exchanges = new Exchanges(admin);
    Route route = exchanges.route("fanout", Exchanges.WORK);

    Exchanges.expectDone(
        admin.post(
            "/publish",
            "{\"exchange_name\":\"%s\",\"key\":\"\",\"payload\":{\"n\":1},%s}"
                .formatted(route.exchange(), HOUR)));

    assertThat(numbers(pubsub.consume(route.queue(), 10))).containsExactly(1);
  }

  // Until it is due

  @Test
  void untilItIsDue_nobodySeesIt() {
    Pair pair = pubsub.pair("");
    String topic = pair.topic();
    String other = pubsub.topic();
    pubsub.publish(other, "{\"n\":7}");
    scheduling.schedule(topic, message(1, HOUR));
    admin.post(MESSAGES, relayMessage(topic, 2, HOUR)).expect(201);
    String earliest = pubsub.subscription(topic, "\"start\":\"earliest\"");

    pubsub.expectNothing(pair.subscription());
    pubsub.expectNothing(earliest);
    scheduling.awaitCounts(pair.subscription(), 0, 0, 0, 0);
    scheduling.awaitCounts(earliest, 0, 0, 0, 0);
    assertThat(history(topic).get("total").asInt()).isZero();
    assertThat(history(topic).get("messages")).isEmpty();
    JsonNode poll =
        admin
            .poll(
                "{\"topics\":[\"%1$s\",\"%2$s\"],\"since\":{\"%1$s\":\"start\",\"%2$s\":\"start\"},\"timeout\":5}"
                    .formatted(topic, other))
            .expect(200)
            .json();
    assertThat(poll.get("messages"))
        .singleElement()
        .satisfies(message -> assertThat(n(message)).isEqualTo(7));
    assertThat(metric(admin, "relay_topic_message_count{topic=\"" + topic + "\"}")).isZero();
    try (Socket socket = Socket.open(admin)) {
      socket.send(Socket.subscribe("\"offset\":\"earliest\"", topic));
      assertThat(socket.next().get("type").asString()).isEqualTo("subscribed");
      socket.expectNothingButPong();
    }
  }

  private static double metric(Caller caller, String nameAndLabels) {
    return caller
        .get("/metrics")
        .expect(200)
        .body()
        .lines()
        .filter(line -> line.startsWith(nameAndLabels + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  // When it is due

  @Test
  void whenItIsDue_everyReaderGetsIt() {
    Pair pair = pubsub.pair("");
    String topic = pair.topic();
    String filtered = pubsub.subscription(topic, "\"filter\":{\"n\":[2]}");
    try (Socket socket = Socket.subscribed(admin, topic)) {
      CompletableFuture<Answer> poll =
          admin.pollLater("{\"topics\":[\"%s\"],\"timeout\":20}".formatted(topic));
      CompletableFuture<Answer> consumer =
          admin.getLater(Pubsub.path(filtered, "/messages?consumer_id=c&wait_seconds=20"));
      Instant due = in(700);
      scheduling.schedule(
          topic,
          "{\"payload\":{\"n\":1,  \"z\":1.50},\"metadata\":{\"trace\":\"t\"}," + at(due) + "}");
      scheduling.schedule(topic, message(2, at(due.plusMillis(1))));
      String meanwhile = pubsub.subscription(topic, "");

      List<Delivered> messages = pubsub.await(pair.subscription(), 2);

      assertThat(numbers(messages)).containsExactly(1, 2);
      expectInTime(messages.getFirst().id(), due);
      expectInTime(messages.getLast().id(), due.plusMillis(1));
      for (Delivered message : messages) {
        JsonNode frame = socket.next();
        assertThat(frame.get("type").asString()).isEqualTo("message");
        assertThat(frame.get("message_id").asString()).isEqualTo(Scheduling.relayId(message.id()));
        assertThat(Instant.parse(frame.get("timestamp").asString()))
            .isEqualTo(timeOf(message.id()));
        assertThat(frame.get("metadata").toString())
            .isEqualTo(message.n() == 1 ? "{\"trace\":\"t\"}" : "null");
      }
      JsonNode polled = poll.join().expect(200).json().get("messages").get(0);
      assertThat(polled.get("message_id").asString())
          .isEqualTo(Scheduling.relayId(messages.getFirst().id()));
      assertThat(Pubsub.delivered(consumer.join()))
          .extracting(Delivered::id)
          .containsExactly(messages.getLast().id());
      assertThat(pubsub.await(meanwhile, 2)).isEqualTo(messages);
      assertThat(page(topic)).hasSize(2);
      assertThat(admin.get("/api/v1/topics/" + topic + "/messages").body()).contains("1.50");
    }
  }

  /// By due time; what is due in the same millisecond, in the order of publishing.
  @Test
  void order_isThatOfTheDueTimes() {
    Pair pair = pubsub.pair("");
    Instant due = in(600);
    List<Integer> offsets = List.of(300, 0, 200, 100, 0, 300, 50, 200, 1, 0, 2, 300);
    List<String> messages =
        IntStream.range(0, offsets.size())
            .mapToObj(n -> message(n, at(due.plusMillis(offsets.get(n)))))
            .toList();
    scheduling.put(pair.topic(), messages.subList(0, 5));
    scheduling.put(pair.topic(), messages.subList(5, 6));
    scheduling.put(pair.topic(), messages.subList(6, messages.size()));
    List<Integer> wanted =
        range(0, offsets.size()).stream().sorted(Comparator.comparing(offsets::get)).toList();

    assertThat(waiting(scheduling.list(pair.topic(), "?limit=100"))).isEqualTo(wanted);
    List<Delivered> delivered = pubsub.await(pair.subscription(), offsets.size());

    assertThat(numbers(delivered)).isEqualTo(wanted);
    delivered.forEach(
        message -> expectInTime(message.id(), due.plusMillis(offsets.get(message.n()))));
    assertThat(page(pair.topic())).extracting(ScheduledMessagesTest::n).isEqualTo(wanted);
  }

  /// It gets the sequence of that moment.
  @Test
  void place_isBehindWhatWasPublishedMeanwhile() {
    Pair pair = pubsub.pair("");
    scheduling.schedule(pair.topic(), message(9, delay(0.3)));
    pubsub.publishNumbers(pair.topic(), 0, 3);

    List<Delivered> messages = pubsub.await(pair.subscription(), 4);

    assertThat(numbers(messages)).containsExactly(0, 1, 2, 9);
    assertThat(messages).extracting(Delivered::id).isSorted();
    pubsub.publishNumbers(pair.topic(), 4, 5);
    assertThat(page(pair.topic()))
        .extracting(ScheduledMessagesTest::n)
        .containsExactly(0, 1, 2, 9, 4);
  }

  @Test
  void thousandsDueAtOnce_comeOnce_inTheOrderOfPublishing() {
    Pair pair = pubsub.pair("");
    int count = 2_000;
    // In one call: what is published when its time has passed is for now, ahead of what is late.
    Instant due = in(1_000);
    scheduling.put(
        pair.topic(), IntStream.range(0, count).mapToObj(n -> message(n, at(due))).toList());

    List<Delivered> messages = pubsub.await(pair.subscription(), count);

    assertThat(numbers(messages)).isEqualTo(range(0, count));
    assertThat(messages).extracting(Delivered::id).isSorted().doesNotHaveDuplicates();
    scheduling.awaitNoneWaits(pair.topic());
  }

  @Test
  void ttl_countsFromDelivery() {
    Pair pair = pubsub.pair("");
    String idle = pubsub.subscription(pair.topic(), "");
    scheduling.put(pair.topic(), message(1, delay(1.2) + ",\"ttl\":1"), message(2, delay(1.2)));
    assertThat(scheduling.list(pair.topic(), "").getFirst().json().get("ttl").asInt()).isEqualTo(1);

    List<Delivered> messages = pubsub.await(pair.subscription(), 2);

    assertThat(numbers(messages)).containsExactly(1, 2);
    Instant end = timeOf(messages.getFirst().id()).plusMillis(1_100);
    Pubsub.eventually("the end of the time to live", () -> Instant.now().isAfter(end));
    assertThat(numbers(pubsub.await(idle, 1))).containsExactly(2);
    Pubsub.eventually(
        "the expired one in the metrics",
        () -> pubsub.metrics(idle).json().path("expired").asInt() == 1);
  }

  /// The id of a message that waits is no place in the topic, and no message of a subscription.
  @Test
  void scheduledId_isAnUnknownId_toReadersAndConsumers() {
    Pair pair = pubsub.pair("");
    pubsub.publishNumbers(pair.topic(), 0, 2);
    String id = scheduling.schedule(pair.topic(), message(2, HOUR));

    JsonNode poll =
        admin
            .poll(
                "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"%2$s\"},\"timeout\":1}"
                    .formatted(pair.topic(), Scheduling.relayId(id)))
            .expect(200)
            .json();
    assertThat(poll.get("messages").valueStream().map(ScheduledMessagesTest::n))
        .containsExactly(0, 1);
    for (String to : List.of("acks", "nacks", "release", "dlq/reprocess")) {
      admin
          .post(Pubsub.path(pair.subscription(), "/" + to), Pubsub.ids(List.of(id)))
          .expectNoContent();
    }
    scheduling.awaitCounts(pair.subscription(), 2, 0, 0, 0);
    assertThat(scheduling.list(pair.topic(), "")).hasSize(1);
  }

  // The list

  @Test
  void list_showsWhatWasPublished() {
    String topic = pubsub.topic();
    Instant due = in(3_600_000);
    String payload = "{ \"z\" : 1.50,\"a\":1e2, \"\\u00e9\":\"é\" }";
    List<String> ids =
        scheduling.put(
            topic,
            "{\"payload\":{\"n\":2}," + at(due.plusMillis(1)) + "}",
            "{\"payload\":"
                + payload
                + ",\"metadata\":{\"trace\":\"t-1\"},\"ttl\":60,\"ordering_key\":\"k\","
                + at(due)
                + "}");

    Answer answer = admin.get(Scheduling.path(topic, ""));
    List<Waiting> list = scheduling.list(topic, "");

    assertThat(list).extracting(Waiting::deliverAt).containsExactly(due, due.plusMillis(1));
    answer.expect(
        200,
        """
        {"data":[{"id":"%s","topic_id":"%s","deliver_at":"%s","payload":{"z":1.50,"a":1e2,"é":"é"},
                  "metadata":{"trace":"t-1"},"ttl":60,"ordering_key":"k"},
                 {"id":"%s","topic_id":"%s","deliver_at":"%s","payload":{"n":2}}]}
        """
            .formatted(
                ids.get(1),
                topic,
                list.getFirst().json().get("deliver_at").asString(),
                ids.get(0),
                topic,
                list.getLast().json().get("deliver_at").asString()));
    assertThat(answer.body()).contains(payload);
  }

  @Test
  void list_isInPages() {
    String topic = pubsub.topic();
    Instant due = in(3_600_000);
    // Published the last first, so that order and ids are those of the due times.
    scheduling.put(
        topic,
        IntStream.range(0, 125)
            .mapToObj(i -> message(124 - i, at(due.plusSeconds(124 - i))))
            .toList());

    assertThat(waiting(scheduling.list(topic, ""))).isEqualTo(range(0, 10));
    assertThat(waiting(scheduling.list(topic, "?limit=1"))).containsExactly(0);
    assertThat(waiting(scheduling.list(topic, "?limit=100"))).isEqualTo(range(0, 100));
    assertThat(waiting(scheduling.list(topic, "?limit=100&offset=100"))).isEqualTo(range(100, 125));
    assertThat(waiting(scheduling.list(topic, "?offset=3&limit=4"))).isEqualTo(range(3, 7));
    assertThat(scheduling.list(topic, "?offset=125")).isEmpty();
    assertThat(scheduling.list(topic, "?offset=10000")).isEmpty();
    assertThat(waiting(scheduling.all(topic))).isEqualTo(range(0, 125));
    List<Waiting> all = scheduling.all(topic);
    assertThat(waiting(scheduling.list(topic, "?limit=3&after=" + all.get(49).id())))
        .containsExactly(50, 51, 52);
    assertThat(scheduling.list(topic, "?after=" + all.get(124).id())).isEmpty();

    // What it names need not be there any more.
    scheduling.cancel(topic, all.get(49).id()).expectNoContent();
    assertThat(waiting(scheduling.list(topic, "?limit=2&after=" + all.get(49).id())))
        .containsExactly(50, 51);
    assertThat(waiting(scheduling.list(topic, "?limit=2&offset=48"))).containsExactly(48, 50);
  }

  @Test
  void list_goesOnAfterOneThatWasDelivered() {
    Pair pair = pubsub.pair("");
    String first = scheduling.schedule(pair.topic(), message(0, delay(0.2)));
    scheduling.put(pair.topic(), message(1, HOUR), message(2, delay(3601)));
    pubsub.awaitOne(pair.subscription());

    assertThat(waiting(scheduling.list(pair.topic(), "?after=" + first))).containsExactly(1, 2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "limit=0",
        "limit=101",
        "limit=x",
        "offset=-1",
        "offset=10001",
        "offset=x",
        "after=x"
      })
  void list_badQuery_is422(String query) {
    String topic = pubsub.topic();

    Answer answer = admin.get(Scheduling.path(topic, "?" + query)).expect(422);

    JsonNode error = expectInvalid(answer);
    assertThat(error.get("loc").toString())
        .isEqualTo("[\"query\",\"" + query.substring(0, query.indexOf('=')) + "\"]");
    if (query.equals("offset=10001")) {
      assertThat(error.get("msg").asString()).contains("after");
    }
  }

  private static JsonNode expectInvalid(Answer answer) {
    JsonNode detail = answer.expect(422).json().get("detail");
    assertThat(detail).as("in %s", answer.body()).hasSize(1);
    assertThat(detail.get(0).get("type").asString()).isNotBlank();
    assertThat(detail.get(0).get("msg").asString()).isNotBlank();
    return detail.get(0);
  }

  @Test
  void unknownTopic_is404() {
    admin.get("/topics/missing/scheduled").expectDetail(404, "Topic not found");
    admin.delete("/topics/missing/scheduled/" + UNKNOWN).expectDetail(404, "Topic not found");
    admin
        .send("DELETE", "/topics/missing/scheduled", "application/json", "[]")
        .expectDetail(404, "Topic not found");
    scheduling.publish("missing", message(1, HOUR)).expectDetail(404, "Topic not found");
  }

  // Cancelling

  @Test
  void cancelled_isNeverDelivered() {
    Pair pair = pubsub.pair("");
    Instant due = in(600);
    List<String> ids =
        scheduling.put(
            pair.topic(),
            message(0, at(due)),
            message(1, at(due)),
            message(2, at(due.plusMillis(50))));

    scheduling.cancel(pair.topic(), ids.getFirst()).expectNoContent();

    assertThat(scheduling.list(pair.topic(), ""))
        .extracting(Waiting::id)
        .containsExactly(ids.get(1), ids.get(2));
    Scheduling.expectNotFound(scheduling.cancel(pair.topic(), ids.getFirst()));
    assertThat(numbers(pubsub.await(pair.subscription(), 2))).containsExactly(1, 2);
    assertThat(page(pair.topic())).hasSize(2);
  }

  @Test
  void cancelled_whenItIsFarAway() {
    String topic = pubsub.topic();
    String relay =
        admin.post(MESSAGES, relayMessage(topic, 1, delay(86_400))).expect(201).text("message_id");
    String id = scheduling.schedule(topic, message(2, delay(86_401)));

    scheduling.cancel(topic, Scheduling.uuid(relay)).expectNoContent();
    scheduling.cancel(topic, id).expectNoContent();

    assertThat(scheduling.list(topic, "")).isEmpty();
  }

  @Test
  void cancel_ofWhatIsNotThere_is404() {
    Pair pair = pubsub.pair("");
    String other = pubsub.topic();
    String elsewhere = scheduling.schedule(other, message(1, HOUR));
    String delivered = scheduling.schedule(pair.topic(), message(1, delay(0.2)));
    Delivered message = pubsub.awaitOne(pair.subscription());
    scheduling.awaitNoneWaits(pair.topic());

    for (String id : List.of(delivered, message.id(), UNKNOWN, elsewhere, "x", "5", "%20")) {
      Scheduling.expectNotFound(scheduling.cancel(pair.topic(), id));
    }
    assertThat(scheduling.list(other, "")).hasSize(1);
    assertThat(page(pair.topic())).hasSize(1);
  }

  @Test
  void cancelOfSeveral_passesOverWhatIsNotThere() {
    Pair pair = pubsub.pair("");
    String elsewhere = scheduling.schedule(pubsub.topic(), message(1, HOUR));
    Instant due = in(600);
    List<String> ids =
        scheduling.put(
            pair.topic(),
            IntStream.range(0, 5).mapToObj(n -> message(n, at(due.plusMillis(n)))).toList());

    scheduling
        .cancelAll(
            pair.topic(),
            Pubsub.ids(List.of(ids.get(1), UNKNOWN, elsewhere, ids.get(1), ids.get(3))))
        .expectNoContent();
    scheduling.cancelAll(pair.topic(), "[]").expectNoContent();
    scheduling.cancelAll(pair.topic(), Pubsub.ids(List.of(ids.get(1)))).expectNoContent();

    assertThat(numbers(pubsub.await(pair.subscription(), 3))).containsExactly(0, 2, 4);
    scheduling.cancelAll(pair.topic(), Pubsub.ids(ids)).expectNoContent();
    assertThat(page(pair.topic())).hasSize(3);
  }

  @Test
  void cancelOfSeveral_takesIdsInEverySpelling() {
    String topic = pubsub.topic();
    List<String> ids = scheduling.put(topic, message(0, HOUR), message(1, HOUR));

    scheduling
        .cancelAll(
            topic,
            Pubsub.ids(List.of(ids.get(0).toUpperCase(Locale.ROOT), ids.get(1).replace("-", ""))))
        .expectNoContent();

    assertThat(scheduling.list(topic, "")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "5", "\"x\"", "null", "[\"x\"]", "[5]", "[null]", "[[]]"})
  void cancelOfSeveral_badBody_is422_andCancelsNothing(String body) {
    String topic = pubsub.topic();
    String id = scheduling.schedule(topic, message(1, HOUR));

    expectInvalid(scheduling.cancelAll(topic, body.replaceFirst("\\[", "[\"" + id + "\",")));

    assertThat(scheduling.list(topic, "")).hasSize(1);
  }

  @Test
  void cancelOfSeveral_upTo10000() {
    String topic = pubsub.topic();
    String id = scheduling.schedule(topic, message(1, HOUR));
    String many =
        IntStream.range(0, 9_999)
            .mapToObj("\"550e8400-e29b-81d4-a716-4466554%05d\""::formatted)
            .collect(joining(","));
    assertThat(scheduling.cancelAll(topic, "[\"" + id + "\"," + many + "," + many + "]").status())
        .isEqualTo(422);
    assertThat(scheduling.list(topic, "")).hasSize(1);

    scheduling.cancelAll(topic, "[" + many + ",\"" + id + "\"]").expectNoContent();

    assertThat(scheduling.list(topic, "")).isEmpty();
  }

  // Idempotency

  @Test
  void repeatedUnderItsKey_isTheSameMessage() {
    Pair pair = pubsub.pair("");
    String path = Scheduling.messagesPath(pair.topic());
    String key = Caller.unique("key");
    String body =
        Scheduling.body(List.of(message(1, delay(0.5)), message(2, ""), message(3, HOUR)));

    Answer first = postOnce(admin, path, key, body).expect(200);
    Answer again = postOnce(admin, path, key, body).expect(200);

    assertThat(again.body()).isEqualTo(first.body());
    assertThat(waiting(scheduling.list(pair.topic(), ""))).containsExactly(1, 3);
    assertThat(numbers(pubsub.await(pair.subscription(), 2))).containsExactly(2, 1);
    // Delivered and cancelled, it is still the same.
    scheduling.cancel(pair.topic(), Scheduling.ids(first).get(2)).expectNoContent();
    assertThat(postOnce(admin, path, key, body).expect(200).body()).isEqualTo(first.body());
    assertThat(scheduling.list(pair.topic(), "")).isEmpty();
    assertThat(page(pair.topic())).hasSize(2);
    assertThat(postOnce(admin, path, key, body.replace("0.5", "0.6")).status()).isEqualTo(422);
  }

  @Test
  void repeatedUnderItsKey_throughTheRelay() {
    String topic = pubsub.topic();
    String key = Caller.unique("key");
    String body = relayMessage(topic, 1, delay(0.4));
    String several =
        bulk(
            relayMessage(topic, 2, HOUR), relayMessage(topic, 3, ""), relayMessage(topic, 4, HOUR));

    Answer first = postOnce(admin, MESSAGES, key, body).expect(201);
    Answer firstBulk = postOnce(admin, BULK, key + "-bulk", several).expect(207);
    assertThat(postOnce(admin, MESSAGES, key, body).expect(201).body()).isEqualTo(first.body());
    assertThat(postOnce(admin, BULK, key + "-bulk", several).expect(207).body())
        .isEqualTo(firstBulk.body());
    assertThat(waiting(scheduling.list(topic, ""))).containsExactly(1, 2, 4);
    Pubsub.eventually("the first is delivered", () -> page(topic).size() == 2);

    assertThat(postOnce(admin, MESSAGES, key, body).expect(201).body()).isEqualTo(first.body());
    assertThat(waiting(scheduling.list(topic, ""))).containsExactly(2, 4);
    assertThat(page(topic)).extracting(ScheduledMessagesTest::n).containsExactly(3, 1);
  }

  // Rights

  @Test
  void users_listWithRead_andCancelWithPublish() {
    Caller owner = Caller.user(server, "read", "write");
    Caller reader = Caller.user(server, "read");
    Caller writer = Caller.user(server, "write");
    String granted = Caller.unique("granted");
    String open = Caller.unique("open");
    owner.createTopic(granted, false).expect(201);
    owner.createTopic(open, true).expect(201);
    Caller stranger = Caller.user(server, "read", "write");
    owner.grant(granted, reader);
    owner.grant(granted, writer);
    var own = new Scheduling(owner);
    for (String topic : List.of(granted, open)) {
      own.put(topic, message(0, HOUR), message(1, HOUR), message(2, HOUR), message(3, HOUR));
    }
    List<String> ids = own.list(granted, "").stream().map(Waiting::id).toList();
    String openId = own.list(open, "").getFirst().id();

    assertThat(new Scheduling(reader).list(granted, "")).hasSize(4);
    assertThat(new Scheduling(reader).list(open, "")).hasSize(4);
    writer.get(Scheduling.path(granted, "")).expect(403);
    stranger.get(Scheduling.path(granted, "")).expect(403);
    assertThat(new Scheduling(stranger).list(open, "")).hasSize(4);

    expectReadOnly(reader, granted, ids.getFirst());
    expectReadOnly(stranger, open, openId);
    assertThat(own.list(open, "")).hasSize(4);
    assertThat(own.list(granted, "")).hasSize(4);

    new Scheduling(writer).cancel(granted, ids.get(0)).expectNoContent();
    new Scheduling(writer).cancelAll(granted, Pubsub.ids(List.of(ids.get(1)))).expectNoContent();
    own.cancel(granted, ids.get(2)).expectNoContent();
    assertThat(own.list(granted, "")).extracting(Waiting::id).containsExactly(ids.get(3));
  }

  private static void expectReadOnly(Caller caller, String topic, String id) {
    var scheduling = new Scheduling(caller);
    scheduling.cancel(topic, id).expect(403);
    scheduling.cancelAll(topic, Pubsub.ids(List.of(id))).expect(403);
    scheduling.publish(topic, message(9, HOUR)).expect(403);
    caller.post(MESSAGES, relayMessage(topic, 9, HOUR)).expect(403);
  }

  @Test
  void clients_listWithTopicsRead_andCancelWithTopicsPublish() {
    String topic = pubsub.topic();
    List<String> ids =
        scheduling.put(
            topic, message(0, HOUR), message(1, HOUR), message(2, HOUR), message(3, HOUR));
    Caller nobody = Caller.nobody(server);
    for (Answer answer :
        List.of(
            nobody.get(Scheduling.path(topic, "")),
            nobody.delete(Scheduling.path(topic, "/" + ids.getFirst())),
            nobody.send("DELETE", Scheduling.path(topic, ""), "application/json", "[]"))) {
      answer.expectDetail(401, "Invalid jwt token");
    }
    Caller reads = Clients.with(admin, "subscriptions:consume");
    Caller readsOther =
        Clients.with(admin, "topics:read subscriptions:consume:" + topic + " topics:publish:other");
    Caller publishes = Clients.with(admin, "topics:publish");
    Caller publishesThis = Clients.with(admin, "topics:publish:" + topic + " topics:read:other");

    assertThat(new Scheduling(reads).list(topic, "")).hasSize(4);
    // What is scheduled is content, and no scope of one subscription is about a topic.
    for (Caller caller : List.of(readsOther, publishes, publishesThis)) {
      caller.get(Scheduling.path(topic, "")).expectDetail(403, "Insufficient scope");
    }
    for (Caller caller : List.of(reads, readsOther)) {
      var scheduling = new Scheduling(caller);
      scheduling.cancel(topic, ids.get(0)).expectDetail(403, "Insufficient scope");
      scheduling
          .cancelAll(topic, Pubsub.ids(List.of(ids.get(0))))
          .expectDetail(403, "Insufficient scope");
    }
    new Scheduling(publishes).cancel(topic, ids.get(0)).expectNoContent();
    new Scheduling(publishesThis).cancel(topic, ids.get(1)).expectNoContent();
    new Scheduling(publishesThis)
        .cancelAll(topic, Pubsub.ids(List.of(ids.get(2))))
        .expectNoContent();
    assertThat(scheduling.list(topic, "")).extracting(Waiting::id).containsExactly(ids.get(3));
    reads.get("/topics/missing/scheduled").expectDetail(404, "Topic not found");
    publishes.delete("/topics/missing/scheduled/" + UNKNOWN).expectDetail(404, "Topic not found");
    readsOther.get("/topics/missing/scheduled").expectDetail(403, "Insufficient scope");
  }

  // Bad input

  static Stream<String> badTimes() {
    return Stream.of(
        "\"deliver_at\":5",
        "\"deliver_at\":true",
        "\"deliver_at\":[]",
        "\"deliver_at\":{}",
        "\"deliver_at\":\"\"",
        "\"deliver_at\":\"tomorrow\"",
        "\"deliver_at\":\"2026-12-01\"",
        "\"deliver_at\":\"2026-12-01T00:00:00\"",
        "\"deliver_at\":\"2026-13-01T00:00:00Z\"",
        "\"deliver_at\":\"2027-02-30T00:00:00Z\"",
        "\"deliver_at\":\"2026-12-01T25:00:00Z\"",
        "\"deliver_at\":\"2026-12-01T00:00:00+25:00\"",
        "\"deliver_at\":\"2026-12-01T00:00:00Zulu\"",
        "\"deliver_at\":\"9999-12-31T23:59:59Z\"",
        "\"deliver_at\":\"99999-01-01T00:00:00Z\"",
        "\"deliver_at\":\"+999999999-12-31T23:59:59Z\"",
        at(Instant.now().plus(Duration.ofDays(366)).plus(Duration.ofHours(1))),
        "\"delay_seconds\":-1",
        "\"delay_seconds\":-0.001",
        "\"delay_seconds\":-1e-9",
        "\"delay_seconds\":\"soon\"",
        "\"delay_seconds\":\"\"",
        "\"delay_seconds\":[]",
        "\"delay_seconds\":{}",
        "\"delay_seconds\":" + (MOST_SECONDS + 1),
        "\"delay_seconds\":1e99",
        "\"delay_seconds\":1e400",
        "\"delay_seconds\":-1e400",
        "\"delay_seconds\":1e999999999",
        "\"delay_seconds\":123456789012345678901234567890",
        "\"delay_seconds\":1,\"deliver_at\":\"2026-12-01T00:00:00Z\"",
        "\"delay_seconds\":0,\"deliver_at\":\"1999-12-01T00:00:00Z\"");
  }

  @ParameterizedTest
  @MethodSource("badTimes")
  void badTime_is422_andStoresNothing(String further) {
    Pair pair = pubsub.pair("");
    String topic = pair.topic();

    JsonNode error = expectInvalid(scheduling.publish(topic, message(0, ""), message(1, further)));
    assertThat(error.get("loc").toString()).startsWith("[\"body\",\"messages\",1");
    error = expectInvalid(admin.post(MESSAGES, relayMessage(topic, 2, further)));
    assertThat(error.get("loc").toString()).startsWith("[\"body\"");
    error =
        expectInvalid(
            admin.post(BULK, bulk(relayMessage(topic, 3, ""), relayMessage(topic, 4, further))));
    assertThat(error.get("loc").toString()).startsWith("[\"body\",\"messages\",1");

    pubsub.expectNothing(pair.subscription());
    assertThat(scheduling.list(topic, "")).isEmpty();
  }

  @Test
  void longestDelay_isAccepted() {
    String topic = pubsub.topic();

    scheduling.schedule(topic, message(1, "\"delay_seconds\":" + MOST_SECONDS));
    scheduling.schedule(
        topic, message(2, at(in(MOST_SECONDS * 1_000).minus(Duration.ofMinutes(1)))));

    assertThat(waiting(scheduling.list(topic, ""))).containsExactly(2, 1);
  }

  /// As for the other members that may be absent.
  @Test
  void nullTimes_areAbsent() {
    Pair pair = pubsub.pair("");

    scheduling.put(pair.topic(), message(1, "\"delay_seconds\":null,\"deliver_at\":null"));
    admin
        .post(MESSAGES, relayMessage(pair.topic(), 2, "\"delay_seconds\":null,\"deliver_at\":null"))
        .expect(201);

    assertThat(numbers(pubsub.consume(pair.subscription(), 10))).containsExactly(1, 2);
  }

  // Topics that go

  @Test
  void deletedTopic_takesAlongWhatWaits() {
    String topic = pubsub.topic();
    String near = scheduling.schedule(topic, message(1, delay(0.8)));
    String far = scheduling.schedule(topic, message(2, HOUR));

    admin.delete("/topics/" + topic).expectNoContent();

    admin.get(Scheduling.path(topic, "")).expectDetail(404, "Topic not found");
    scheduling.cancel(topic, near).expectDetail(404, "Topic not found");
    admin.post("/topics", "{\"id\":\"" + topic + "\"}").expect(201);
    String subscription = pubsub.subscription(topic, "");
    assertThat(scheduling.list(topic, "")).isEmpty();
    Scheduling.expectNotFound(scheduling.cancel(topic, far));
    // Due after the one of the former topic would have been.
    scheduling.schedule(topic, message(3, delay(1)));
    assertThat(numbers(pubsub.await(subscription, 1))).containsExactly(3);
    assertThat(page(topic)).hasSize(1);
  }

  // Limits

  @Test
  void limit_isOneForAllTopics_andMetricsTellWhatBecameOfThem() {
    Caller caller = Caller.nobody(small);
    var few = new Scheduling(caller);
    var topics = new Pubsub(caller);
    Pair pair = topics.pair("");
    String first = pair.topic();
    String second = topics.topic();
    String far = delay(3_600);
    expectInvalid(few.publish(first, message(0, delay(3_601))));
    List<String> ids = few.put(first, message(0, far), message(1, far), message(2, far));
    few.schedule(second, message(3, far));
    awaitWaiting(caller, 4);

    // Two do not fit, and nothing of the call is stored.
    few.publish(first, message(4, ""), message(5, far), message(6, far)).expect(429);
    topics.expectNothing(pair.subscription());
    awaitWaiting(caller, 4);
    few.schedule(second, message(7, far));
    awaitWaiting(caller, LIMIT);
    assertThat(few.publish(first, message(8, far)).expect(429).text("detail"))
        .contains(Integer.toString(LIMIT));
    assertThat(caller.post(MESSAGES, relayMessage(first, 9, far)).expect(400).text("detail"))
        .contains(Integer.toString(LIMIT));
    JsonNode results =
        caller
            .post(BULK, bulk(relayMessage(first, 10, ""), relayMessage(second, 11, far)))
            .expect(207)
            .json()
            .get("results");
    assertThat(results.valueStream().map(result -> result.get("status").asString()))
        .containsExactly("accepted", "rejected");
    // Others go on.
    few.put(first, message(12, ""), message(13, delay(0)));
    assertThat(numbers(topics.await(pair.subscription(), 3))).containsExactly(10, 12, 13);

    few.cancel(first, ids.getFirst()).expectNoContent();
    few.schedule(first, message(14, delay(0.3)));
    few.publish(first, message(15, far)).expect(429);
    assertThat(topics.awaitOne(pair.subscription()).n()).isEqualTo(14);
    Pubsub.eventually(
        "room for what was delivered", () -> few.publish(first, message(16, far)).status() == 200);
    caller.delete("/topics/" + second).expectNoContent();
    awaitWaiting(caller, 3);
    assertThat(waiting(few.list(first, ""))).containsExactly(1, 2, 16);

    assertThat(metric(caller, "tidings_scheduled_total")).isEqualTo(7);
    assertThat(metric(caller, "tidings_scheduled_appended_total")).isEqualTo(1);
    assertThat(metric(caller, "tidings_scheduled_cancelled_total")).isEqualTo(1);
    Pubsub.eventually(
        "abandoned ones", () -> metric(caller, "tidings_scheduled_abandoned_total") == 2);
    assertThat(metric(caller, "tidings_scheduled_late_seconds_count")).isEqualTo(1);
    String all = caller.get("/metrics").expect(200).body();
    assertThat(all).contains("\ntidings_scheduled_in_memory ", "\ntidings_scheduled_memory_bytes ");
  }

  private static void awaitWaiting(Caller caller, int count) {
    Pubsub.eventually(count + " wait", () -> metric(caller, "tidings_scheduled_messages") == count);
  }
}
