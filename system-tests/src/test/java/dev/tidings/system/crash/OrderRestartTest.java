// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Stored;
import dev.tidings.system.crash.ServerProcess.Launch;
import dev.tidings.system.crash.Subscriber.Delivered;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What is in its order stays in it over a restart: ordering keys with everything that can become
/// of the one before, scheduled messages that join them, and priorities.
final class OrderRestartTest {
  private static final String TOPIC = "orders";
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Map<String, Object> PATIENT =
      Map.of(
          "max_delivery_attempts", 2,
          "backoff_min_seconds", 3600,
          "backoff_max_seconds", 3600,
          "ack_deadline_seconds", 3600);

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::number).toList();
  }

  private static Map<String, Object> message(int number, String key, String dueAt) {
    var message = new HashMap<String, Object>();
    message.put("payload", Map.of("p", 0, "n", number));
    if (!key.isEmpty()) {
      message.put("ordering_key", key);
    }
    if (!dueAt.isEmpty()) {
      message.put("deliver_at", dueAt);
    }
    return message;
  }

  private static List<String> publish(Relay relay, List<Map<String, Object>> messages) {
    return relay
        .post("/topics/" + TOPIC + "/messages", Map.of("messages", messages))
        .expect(200)
        .json()
        .get("ids")
        .valueStream()
        .map(JsonNode::asString)
        .toList();
  }

  /// Leases until there are this many messages, in the order of their numbers.
  private static Map<Integer, Delivered> await(Subscriber subscriber, int count) {
    var all = new HashMap<Integer, Delivered>();
    Waiting.until(
        count + " messages",
        SOON,
        () -> {
          Subscriber.delivered(subscriber.lease(100, 1))
              .forEach(message -> {
                assertThat(all.put(message.number(), message)).as("before %s", message).isNull();
              });
          return all.size() >= count;
        });
    assertThat(all).hasSize(count);
    return all;
  }

  private static Delivered one(Subscriber subscriber, int number) {
    Delivered message = await(subscriber, 1).values().iterator().next();
    assertThat(message.number()).isEqualTo(number);
    return message;
  }

  private static void ack(Subscriber subscriber, Delivered... messages) {
    subscriber.post("acks", Stream.of(messages).map(Delivered::id).toList()).expect(204);
  }

  private static void expectNothing(Subscriber subscriber) {
    assertThat(Subscriber.delivered(subscriber.lease(100, 0))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Timeout(60)
  void restarted_keepsKeysTimesAndPriorities(boolean killed) {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      relay.post("/topics", Map.of("id", TOPIC)).expect(201);
      Subscriber before = Subscriber.create(relay, TOPIC, "s", PATIENT);
      var queue = new WorkQueue(relay);
      queue.fill();

      List<String> ids =
          publish(
              relay,
              Stream.of("a", "a", "a", "b", "b", "c", "c", "d", "d", "", "e", "e")
                  .map(new Numbered()::message)
                  .toList());
      Map<Integer, Delivered> first = await(before, 6);
      assertThat(first).containsOnlyKeys(0, 3, 5, 7, 9, 10);
      // 5 dies, 7 is released, 9 is acked; 11, which is behind 10, too. 3 waits for its retry.
      before.nack(first.get(5), 0);
      before.nack(one(before, 5), 0);
      before.post("release", List.of(first.get(7).id())).expect(204);
      before.post("acks", List.of(first.get(9).id(), ids.get(11))).expect(204);
      before.nack(first.get(3), 4);
      Instant due = Instant.now().plusMillis(500);
      publish(
          relay,
          List.of(
              message(14, "f", due.plusMillis(200).toString()),
              message(12, "a", due.toString()),
              message(13, "f", due.plusMillis(100).toString()),
              message(15, "f", due.plusSeconds(3600).toString())));
      if (killed) {
        server.kill9();
      } else {
        assertThat(server.terminate()).isZero();
      }

      Waiting.until("all three are due", SOON, () -> Instant.now().isAfter(due.plusMillis(250)));
      Relay again = server.start();
      queue.check(again);
      var after = new Subscriber(again, "s");
      Map<Integer, Delivered> leased = await(after, 4);
      assertThat(leased).containsOnlyKeys(3, 6, 7, 13);
      assertThat(leased.values())
          .extracting(message -> List.of(message.number(), message.attempts()))
          .containsExactlyInAnyOrder(List.of(3, 2), List.of(6, 1), List.of(7, 1), List.of(13, 1));
      expectNothing(after);
      // Behind 0: 1, 2, 12; behind 3: 4; behind 7: 8; behind 13: 14.
      assertThat(after.count("parked")).isEqualTo(6);
      assertThat(after.count("available")).isEqualTo(6);
      assertThat(again.get("/subscriptions/s/metrics").json().get("paused").asBoolean()).isFalse();
      checkLog(again);
      assertThat(again.get("/topics/" + TOPIC + "/scheduled").expect(200).json().get("data"))
          .singleElement()
          .satisfies(waiting -> assertThat(waiting.get("payload").get("n").asInt()).isEqualTo(15));

      // Leased before the restart.
      ack(after, first.get(0));
      ack(after, one(after, 1));
      ack(after, one(after, 2));
      ack(after, one(after, 12));
      // Its second failure is the last.
      after.nack(leased.get(3), 0);
      ack(after, one(after, 4));
      after.nack(leased.get(13), 0);
      Delivered retry = one(after, 13);
      assertThat(retry.attempts()).isEqualTo(2);
      ack(after, retry);
      ack(after, one(after, 14));
      // The one that died comes behind what is outstanding of its key.
      after.post("dlq/reprocess", List.of(first.get(5).id())).expect(204);
      expectNothing(after);
      ack(after, leased.get(6));
      ack(after, one(after, 5));
      ack(after, leased.get(7));
      ack(after, one(after, 8));
      ack(after, first.get(10));
      expectNothing(after);
      after.expectCounts(0, 0, 14, 1);
      assertThat(numbers(after.deadLetters())).containsExactly(3);
      assertThat(after.count("parked")).isZero();
    }
  }

  /// What became due while the server was down is there in the order of the due times.
  private static void checkLog(Relay relay) {
    assertThat(relay.readAll(List.of(TOPIC)).get(TOPIC))
        .extracting(Stored::number)
        .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
  }

  /// Messages with numbers from 0.
  private static final class Numbered {
    private int next;

    Map<String, Object> message(String key) {
      return OrderRestartTest.message(next++, key, "");
    }
  }

  /// A durable work queue with priorities.
  private static final class WorkQueue {
    private final Subscriber before;
    private final List<Delivered> held = new ArrayList<>();

    WorkQueue(Relay relay) {
      var further = new HashMap<>(PATIENT);
      further.putAll(Map.of("durable", true, "mode", "work"));
      var client = new ExchangeClient(relay);
      client.exchange("e", "fanout");
      client.queue("w", further);
      client.bind("e", "w", "");
      this.before = new Subscriber(relay, "w");
    }

    private static void put(Relay relay, int number, int priority) {
      relay
          .post(
              "/publish",
              Map.of(
                  "exchange_name",
                  "e",
                  "key",
                  "",
                  "priority",
                  priority,
                  "payload",
                  Map.of("p", 0, "n", number)))
          .expect(200);
    }

    void fill() {
      int[] priorities = {0, 9, 5, 0, 9, 1};
      for (int n = 0; n < priorities.length; n++) {
        put(before.relay(), n, priorities[n]);
      }
      held.addAll(Subscriber.delivered(before.lease(2, 0)));
      assertThat(numbers(held)).containsExactly(1, 4);
      before.nack(held.getFirst(), 0);
    }

    void check(Relay relay) {
      put(relay, 6, 7);
      var after = new Subscriber(relay, "w");
      // One answer may have fewer than there are.
      var messages = new ArrayList<Delivered>();
      Waiting.until(
          "six messages",
          SOON,
          () -> {
            messages.addAll(Subscriber.delivered(after.lease(100, 1)));
            return messages.size() >= 6;
          });
      assertThat(numbers(messages)).containsExactly(1, 6, 2, 5, 0, 3);
      assertThat(messages.getFirst().attempts()).isEqualTo(2);
      ack(after, held.getLast());
      ack(after, messages.toArray(Delivered[]::new));
      after.expectCounts(0, 0, 7, 0);
    }
  }
}
