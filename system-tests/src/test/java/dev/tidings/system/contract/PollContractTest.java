// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 5 of the contract: long polls. The names begin with the row.
///
/// Answers have `cursors`, and `gaps` where messages are gone, beside what the relay sent
/// (compatibility.md).
@SystemTest
final class PollContractTest {
  private final TidingsProcess server;
  private final Caller user;

  PollContractTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.user = Caller.user(server, "read", "write");
  }

  private static String topic() {
    return Caller.unique("poll");
  }

  private String publish(String topic, int number) {
    return user.publish(topic, "{\"n\":" + number + "}").expect(201).text("message_id");
  }

  /// Publishes this many, at most 100 a call, and answers their ids.
  private List<String> publishMany(String topic, int count) {
    var ids = new ArrayList<String>();
    for (int from = 0; from < count; from += 100) {
      String body =
          IntStream.range(from, Math.min(count, from + 100))
              .mapToObj("{\"topic\":\"%s\",\"payload\":{\"n\":%%d}}".formatted(topic)::formatted)
              .collect(joining(",", "{\"messages\":[", "]}"));
      JsonNode results = user.post("/api/v1/messages/bulk", body).expect(207).json().get("results");
      results.forEach(result -> ids.add(result.get("message_id").asString()));
    }
    return ids;
  }

  private static String since(String topic, String id) {
    return "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"%2$s\"},\"timeout\":1}"
        .formatted(topic, id);
  }

  private static List<Integer> numbers(JsonNode poll) {
    return poll.get("messages")
        .valueStream()
        .map(message -> message.get("payload").get("n").asInt())
        .toList();
  }

  /// Publishes until the poll is answered: nothing tells from outside that it waits.
  private JsonNode publishedUntilAnswered(CompletableFuture<Answer> poll, Runnable publish) {
    for (int tries = 0; tries < 100; tries++) {
      publish.run();
      try {
        return poll.get(100, TimeUnit.MILLISECONDS).expect(200).json();
      } catch (TimeoutException _) {
        // Not waiting yet, or not answered yet.
      } catch (ExecutionException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    throw new AssertionError("the poll was not answered");
  }

  // Request

  @Test
  void topicsMissing_is422() {
    user.poll("{}")
        .expectInvalid(
            """
            {"type":"missing","loc":["body","topics"],"msg":"Field required","input":{}}
            """);
  }

  @Test
  void topicsOf0_is422() {
    user.poll("{\"topics\":[]}")
        .expectInvalid(
            """
            {"type":"too_short","loc":["body","topics"],
             "msg":"List should have at least 1 item after validation, not 0","input":[],
             "ctx":{"field_type":"List","min_length":1,"actual_length":0}}
            """);
  }

  /// The relay had no cap; here it is 1000 (compatibility.md).
  @Test
  void topicsOf1000_is200And1001_is422() {
    String thousand =
        IntStream.range(0, 1000).mapToObj(i -> "\"missing-" + i + "\"").collect(joining(","));

    user.poll("{\"topics\":[" + thousand + "],\"timeout\":1}").expect(200);
    user.poll("{\"topics\":[" + thousand + ",\"one-more\"],\"timeout\":1}").expect(422);
  }

  @Test
  void timeout0_is422() {
    user.poll("{\"topics\":[\"x\"],\"timeout\":0}")
        .expectInvalid(
            """
            {"type":"greater_than_equal","loc":["body","timeout"],
             "msg":"Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}}
            """);
  }

  @Test
  void timeout61_is422() {
    user.poll("{\"topics\":[\"x\"],\"timeout\":61}")
        .expectInvalid(
            """
            {"type":"less_than_equal","loc":["body","timeout"],
             "msg":"Input should be less than or equal to 60","input":61,"ctx":{"le":60}}
            """);
  }

  @Test
  void timeout60_isAccepted() {
    String topic = topic();
    var poll = user.pollLater("{\"topics\":[\"%s\"],\"timeout\":60}".formatted(topic));

    assertThat(numbers(publishedUntilAnswered(poll, () -> publish(topic, 1)))).contains(1);
  }

  @Test
  @Tag("long")
  void timeoutMissing_is30Seconds() {
    long started = System.nanoTime();

    user.poll("{\"topics\":[\"%s\"]}".formatted(topic())).expect(200);

    assertThat(Duration.ofNanos(System.nanoTime() - started))
        .isBetween(Duration.ofSeconds(29), Duration.ofSeconds(35));
  }

  @Test
  void sinceNotAMapOfTexts_is422() {
    user.poll("{\"topics\":[\"x\"],\"since\":{\"x\":5}}")
        .expectInvalid(
            """
            {"type":"string_type","loc":["body","since","x"],
             "msg":"Input should be a valid string","input":5}
            """);
    user.poll("{\"topics\":[\"x\"],\"since\":[]}")
        .expectInvalid(
            """
            {"type":"dict_type","loc":["body","since"],
             "msg":"Input should be a valid dictionary","input":[]}
            """);
  }

  @Test
  void withoutToken_is401() {
    Caller.nobody(server).poll("{\"topics\":[\"x\"]}").expectUnauthorized("Not authenticated");
  }

  // 1. Non-empty since

  @Test
  void since_id_answersLaterMessagesAtOnce() {
    String topic = topic();
    List<String> ids = publishMany(topic, 3);

    JsonNode answer =
        user.poll(
                "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"%2$s\"},\"timeout\":60}"
                    .formatted(topic, ids.getFirst()))
            .expect(200)
            .json();

    assertThat(numbers(answer)).containsExactly(1, 2);
    assertThat(answer.get("has_more").asBoolean()).isFalse();
  }

  @Test
  void since_catchUp_hasTheShapeOfStoredMessages() {
    String topic = topic();
    String id = publish(topic, 7);

    JsonNode answer = user.poll(since(topic, "none")).expect(200).json();

    assertThat(answer.get("messages")).hasSize(1);
    Template.assertMatches(
        answer.get("messages").get(0),
        """
        {"topic":"%s","message_id":"%s","payload":{"n":7},"timestamp":"<stored-time>",
         "metadata":{},"stream_id":"%s"}
        """
            .formatted(topic, id, id));
    assertThat(answer.propertyNames()).containsExactlyInAnyOrder("messages", "has_more", "cursors");
  }

  @Test
  void since_catchUp_showsMetadata() {
    String topic = topic();
    user.post(
            "/api/v1/messages",
            "{\"topic\":\"%s\",\"payload\":{},\"metadata\":{\"k\":\"v\"}}".formatted(topic))
        .expect(201);

    JsonNode message = user.poll(since(topic, "none")).expect(200).json().get("messages").get(0);

    assertThat(message.get("metadata")).isEqualTo(Template.parse("{\"k\":\"v\"}"));
  }

  @Test
  void since_topicAbsentFromIt_isReadFromTheStart() {
    String named = topic();
    String absent = topic();
    String last = publishMany(named, 2).getLast();
    publishMany(absent, 2);

    JsonNode answer =
        user.poll(
                "{\"topics\":[\"%s\",\"%s\"],\"since\":{\"%s\":\"%s\"},\"timeout\":60}"
                    .formatted(named, absent, named, last))
            .expect(200)
            .json();

    assertThat(numbers(answer)).containsExactly(0, 1);
    assertThat(answer.get("messages").get(0).get("topic").asString()).isEqualTo(absent);
  }

  @Test
  void since_unknownId_isEverything() {
    String topic = topic();
    publishMany(topic, 3);

    assertThat(numbers(user.poll(since(topic, "msg_0123456789ab")).expect(200).json()))
        .containsExactly(0, 1, 2);
  }

  @Test
  void since_topicNotRequested_isIgnored() {
    String topic = topic();
    publishMany(topic, 2);

    JsonNode answer =
        user.poll(
                "{\"topics\":[\"%s\"],\"since\":{\"other\":\"x\"},\"timeout\":60}".formatted(topic))
            .expect(200)
            .json();

    assertThat(numbers(answer)).containsExactly(0, 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {99, 100, 101})
  void since_answersUpTo100OfATopic_andHasMoreFrom100(int count) {
    String topic = topic();
    publishMany(topic, count);

    JsonNode answer = user.poll(since(topic, "none")).expect(200).json();

    assertThat(answer.get("messages")).hasSize(Math.min(count, 100));
    assertThat(answer.get("has_more").asBoolean()).isEqualTo(count >= 100);
  }

  @Test
  void since_ofTwoTopics_answers100OfEach_inTheOrderOfTheRequest() {
    String first = topic();
    String second = topic();
    publishMany(first, 101);
    publishMany(second, 101);

    JsonNode answer =
        user.poll(
                "{\"topics\":[\"%1$s\",\"%2$s\"],\"since\":{\"%1$s\":\"none\"},\"timeout\":1}"
                    .formatted(second, first))
            .expect(200)
            .json();

    assertThat(answer.get("messages")).hasSize(200);
    assertThat(answer.get("messages").get(0).get("topic").asString()).isEqualTo(second);
    assertThat(answer.get("messages").get(199).get("topic").asString()).isEqualTo(first);
    assertThat(answer.get("has_more").asBoolean()).isTrue();
  }

  @Test
  void since_lastId_waitsForTheNext() {
    String topic = topic();
    String last = publishMany(topic, 2).getLast();
    var poll =
        user.pollLater(
            "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"%2$s\"},\"timeout\":20}"
                .formatted(topic, last));

    JsonNode answer = publishedUntilAnswered(poll, () -> publish(topic, 5));

    assertThat(numbers(answer)).allMatch(number -> number == 5).isNotEmpty();
  }

  @Test
  void since_walkedToTheEnd_answersEachMessageOnce() {
    String topic = topic();
    publishMany(topic, 250);
    var seen = new ArrayList<Integer>();
    String last = "none";
    boolean more = true;
    while (more) {
      JsonNode answer = user.poll(since(topic, last)).expect(200).json();
      seen.addAll(numbers(answer));
      more = answer.get("has_more").asBoolean();
      JsonNode messages = answer.get("messages");
      last = messages.get(messages.size() - 1).get("message_id").asString();
    }

    assertThat(seen).isEqualTo(IntStream.range(0, 250).boxed().toList());
  }

  // 2. Otherwise

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"since\":null", ",\"since\":{}"})
  void withoutSince_onlyMessagesThatArriveDuringTheWait(String since) {
    String topic = topic();
    publish(topic, 1);
    var poll = user.pollLater("{\"topics\":[\"%s\"],\"timeout\":20%s}".formatted(topic, since));

    JsonNode answer = publishedUntilAnswered(poll, () -> publish(topic, 2));

    assertThat(numbers(answer)).doesNotContain(1).contains(2);
    assertThat(answer.get("has_more").asBoolean()).isFalse();
  }

  @Test
  void live_hasTheShapeOfTheWebSocketFrame() {
    String topic = topic();
    var poll = user.pollLater("{\"topics\":[\"%s\"],\"timeout\":20}".formatted(topic));

    JsonNode answer = publishedUntilAnswered(poll, () -> publish(topic, 3));

    Template.assertMatches(
        answer.get("messages").get(0),
        """
        {"type":"message","message_id":"<message-id>","topic":"%s","payload":{"n":3},
         "timestamp":"<time>","metadata":null}
        """
            .formatted(topic));
  }

  @Test
  void live_twoPolls_getEachMessage() {
    String topic = topic();
    String body = "{\"topics\":[\"%s\"],\"timeout\":20}".formatted(topic);
    var first = user.pollLater(body);
    var second = user.pollLater(body);

    JsonNode one = publishedUntilAnswered(first, () -> publish(topic, 4));
    JsonNode two = publishedUntilAnswered(second, () -> publish(topic, 4));

    assertThat(numbers(one)).contains(4);
    assertThat(numbers(two)).contains(4);
  }

  @Test
  void timeout_isAnsweredWithNothing() {
    String topic = topic();
    long started = System.nanoTime();

    JsonNode answer =
        user.poll("{\"topics\":[\"%s\"],\"timeout\":1}".formatted(topic)).expect(200).json();

    assertThat(Duration.ofNanos(System.nanoTime() - started))
        .isGreaterThanOrEqualTo(Duration.ofMillis(950));
    assertThat(answer.get("messages")).isEqualTo(Template.parse("[]"));
    assertThat(answer.get("has_more").asBoolean()).isFalse();
  }

  /// The relay kept what arrived between catching up and waiting for the next `since`; here it is
  /// in the answer (compatibility.md): a walk by `since` misses nothing.
  @Test
  void betweenCatchUpAndWait_nothingIsMissed() {
    String topic = topic();
    String last = publish(topic, 0);
    for (int number = 1; number <= 20; number++) {
      var poll =
          user.pollLater(
              "{\"topics\":[\"%1$s\"],\"since\":{\"%1$s\":\"%2$s\"},\"timeout\":20}"
                  .formatted(topic, last));
      publish(topic, number);
      JsonNode answer = join(poll).expect(200).json();
      assertThat(numbers(answer)).containsExactly(number);
      last = answer.get("messages").get(0).get("message_id").asString();
    }
  }

  private static Answer join(CompletableFuture<Answer> poll) {
    try {
      return poll.get(30, TimeUnit.SECONDS);
    } catch (ExecutionException | InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  // Denied

  @Test
  void denied_is403WithPythonListText() {
    String first = topic();
    String second = topic();
    user.createTopic(first, false).expect(201);
    user.createTopic(second, false).expect(201);
    Caller stranger = Caller.user(server, "read");

    stranger
        .poll("{\"topics\":[\"%s\",\"missing\",\"%s\"]}".formatted(first, second))
        .expectDetail(403, "Access denied to topics: ['%s', '%s']".formatted(first, second));
  }

  // GET /messages/poll/stats

  @Test
  void stats_countWaitersAndTopics() {
    String topic = topic();
    String other = topic();
    user.createTopic(topic, false).expect(201);
    user.createTopic(other, false).expect(201);
    JsonNode idle = user.get("/messages/poll/stats").expect(200).json();
    assertThat(idle.propertyNames())
        .containsExactlyInAnyOrder(
            "active_waiters", "subscribed_topics", "topic_subscriber_counts");
    assertThat(idle.get("topic_subscriber_counts").has(topic)).isFalse();
    var first =
        user.pollLater("{\"topics\":[\"%s\",\"%s\"],\"timeout\":30}".formatted(topic, other));
    var second = user.pollLater("{\"topics\":[\"%s\"],\"timeout\":30}".formatted(topic));

    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    JsonNode busy = idle;
    // Counted one after the other, while polls arrive.
    while ((busy.get("topic_subscriber_counts").path(topic).asInt(0) < 2
            || busy.get("active_waiters").asInt() < 2)
        && System.nanoTime() < deadline) {
      busy = user.get("/messages/poll/stats").expect(200).json();
    }

    assertThat(busy.get("topic_subscriber_counts").path(topic).asInt(0)).isEqualTo(2);
    assertThat(busy.get("topic_subscriber_counts").path(other).asInt(0)).isEqualTo(1);
    assertThat(busy.get("active_waiters").asInt()).isGreaterThanOrEqualTo(2);
    assertThat(busy.get("subscribed_topics").asInt()).isGreaterThanOrEqualTo(2);
    publish(topic, 1);
    join(first).expect(200);
    join(second).expect(200);
  }

  @Test
  void stats_needATokenOnly() {
    Caller.user(server).get("/messages/poll/stats").expect(200);
    Caller.nobody(server).get("/messages/poll/stats").expectUnauthorized("Not authenticated");
  }
}
