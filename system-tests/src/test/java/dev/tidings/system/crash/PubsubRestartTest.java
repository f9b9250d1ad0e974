// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.DeliveryLoad.Consumed;
import dev.tidings.system.crash.DeliveryLoad.Publisher;
import dev.tidings.system.crash.ServerProcess.Launch;
import dev.tidings.system.crash.Subscriber.Delivered;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `kill -9` while messages are leased, delayed, acked and dead: what was answered holds
/// afterwards.
final class PubsubRestartTest {
  private static final String TOPIC = "work";
  private static final Duration SOON = Duration.ofSeconds(20);

  private static void publish(Relay relay, int from, int to) {
    relay
        .post(
            "/topics/" + TOPIC + "/messages",
            IntStream.range(from, to).mapToObj(n -> Map.of("p", 0, "n", n)).toList())
        .expect(204);
  }

  /// Leases until there are this many messages.
  private static List<Delivered> await(Subscriber subscriber, int count) {
    var all = new ArrayList<Delivered>();
    Waiting.until(
        count + " messages",
        SOON,
        () -> {
          all.addAll(Subscriber.delivered(subscriber.lease(100, 1)));
          return all.size() >= count;
        });
    assertThat(all).hasSize(count);
    return all;
  }

  private static List<Integer> numbers(List<Delivered> messages) {
    return messages.stream().map(Delivered::number).toList();
  }

  @Test
  @Timeout(90)
  void killed_keepsAcksAttemptsDelaysDeadLettersAndLeases() {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      relay.post("/topics", Map.of("id", TOPIC)).expect(201);
      Subscriber before =
          Subscriber.create(
              relay,
              TOPIC,
              "s",
              Map.of(
                  "max_delivery_attempts", 2,
                  "backoff_min_seconds", 3600,
                  "backoff_max_seconds", 3600,
                  "ack_deadline_seconds", 10));
      publish(relay, 0, 10);
      List<Delivered> first = Subscriber.delivered(before.lease(9, 0));
      assertThat(numbers(first)).isEqualTo(IntStream.range(0, 9).boxed().toList());
      before.post("acks", List.of(first.get(0).id(), first.get(1).id())).expect(204);
      before.nack(first.get(2), 3600);
      long delayed = System.nanoTime();
      before.nack(first.get(3), 8);
      // 5 and 6 come to their last attempt and die; 6 begins anew.
      before.nack(first.get(5), 0);
      before.nack(first.get(6), 0);
      List<Delivered> second = Subscriber.delivered(before.lease(2, 0));
      assertThat(numbers(second)).containsExactlyInAnyOrder(5, 6);
      second.forEach(message -> before.nack(message, 0));
      before.post("dlq/reprocess", List.of(first.get(6).id())).expect(204);
      // 4 is released: its attempt does not count.
      before.post("release", List.of(first.get(4).id())).expect(204);
      // 7 is acked, 8 stays leased, 9 was never delivered.
      before.post("acks", List.of(first.get(7).id())).expect(204);
      before.expectCounts(5, 1, 3, 1);
      server.kill9();

      Relay again = server.start();
      var after = new Subscriber(again, "s");
      assertThat(after.count("acked")).isEqualTo(3);
      assertThat(after.deadLetters())
          .singleElement()
          .satisfies(dead -> {
            assertThat(dead.number()).isEqualTo(5);
            assertThat(dead.attempts()).isEqualTo(2);
          });
      List<Delivered> leased = new ArrayList<>();
      Waiting.until(
          "the delayed one",
          SOON,
          () -> {
            List<Delivered> batch = Subscriber.delivered(after.lease(100, 1));
            batch.forEach(message -> {
              if (message.number() == 3) {
                assertThat(Duration.ofNanos(System.nanoTime() - delayed))
                    .isGreaterThanOrEqualTo(Duration.ofSeconds(8));
              }
              after.post("acks", List.of(message.id())).expect(204);
            });
            leased.addAll(batch);
            return numbers(leased).containsAll(List.of(3, 8));
          });
      assertThat(leased)
          .extracting(message -> List.of(message.number(), message.attempts()))
          .containsExactlyInAnyOrder(
              List.of(3, 2), List.of(4, 1), List.of(6, 1), List.of(8, 2), List.of(9, 1));
      after.expectCounts(1, 0, 8, 1);
    }
  }

  @Test
  @Timeout(60)
  void killed_keepsSubscriptionsAndWhatWasDeleted() {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      relay.post("/topics", Map.of("id", TOPIC)).expect(201);
      relay.post("/topics", Map.of("id", "gone")).expect(201);
      Map<String, List<Integer>> filter = Map.of("n", List.of(1, 3, 12));
      Subscriber.create(relay, TOPIC, "filtered", Map.of("filter", filter));
      Subscriber.create(relay, TOPIC, "deleted", Map.of());
      Subscriber.create(relay, "gone", "of-the-gone", Map.of());
      publish(relay, 0, 10);
      String shown = relay.get("/subscriptions/filtered").expect(200).text();
      relay.delete("/subscriptions/deleted").expect(204);
      relay.delete("/topics/gone").expect(204);
      server.kill9();

      Relay again = server.start();
      assertThat(again.get("/subscriptions/filtered").expect(200).text()).isEqualTo(shown);
      again.get("/subscriptions/deleted").expect(404);
      again.get("/subscriptions/of-the-gone").expect(404);
      again.get("/topics/gone").expect(404);
      publish(again, 10, 20);
      assertThat(numbers(await(new Subscriber(again, "filtered"), 3))).containsExactly(1, 3, 12);
    }
  }

  @Test
  @Timeout(240)
  void killedTwiceUnderLoad_neitherLosesNorRepeats() {
    run(2, new Random().nextLong());
  }

  @Test
  @Tag("long")
  @Timeout(900)
  void killedTwentyTimesUnderLoad_neitherLosesNorRepeats() {
    run(20, new Random().nextLong());
  }

  private static void run(int kills, long seed) {
    System.out.println("PubsubRestartTest: " + kills + " kills with seed " + seed);
    var random = new Random(seed);
    Launch launch =
        Launch.serve(ServerProcess.newDirectory()).with("STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB");
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      relay.post("/topics", Map.of("id", TOPIC)).expect(201);
      Map<String, Integer> quick =
          Map.of("backoff_min_seconds", 1, "backoff_max_seconds", 1, "ack_deadline_seconds", 1);
      var patient = new DeliveryLedger(10_000);
      var strict = new DeliveryLedger(2);
      Subscriber.create(relay, TOPIC, "patient", with(quick, 10_000));
      Subscriber.create(relay, TOPIC, "strict", with(quick, 2));
      var publishers = List.of(new Publisher(0, seed), new Publisher(1, seed));
      for (int kill = 1; kill <= kills; kill++) {
        List<Consumed> consumed = consumed(relay, patient, strict);
        int enough = patient.deliveries() + 1 + random.nextInt(800);
        try (var load = new DeliveryLoad()) {
          for (Publisher publisher : publishers) {
            load.publish(relay, TOPIC, publisher, consumed);
          }
          for (Consumed one : consumed) {
            for (int i = 0; i < 3; i++) {
              load.consume(one, random.nextLong());
            }
          }
          Waiting.until(
              enough + " deliveries", Duration.ofSeconds(60), () -> patient.deliveries() >= enough);
          server.kill9();
        }
        relay = server.start();
      }
      assertThat(patient.published()).isPositive();
      for (Consumed one : consumed(relay, patient, strict)) {
        drain(one);
        one.ledger().check(one.subscriber().deadLetters(), one.subscriber().count("acked"));
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, Integer> with(Map<String, Integer> settings, int maxAttempts) {
    var all = new HashMap<>(settings);
    all.put("max_delivery_attempts", maxAttempts);
    return all;
  }

  private static List<Consumed> consumed(
      Relay relay, DeliveryLedger patient, DeliveryLedger strict) {
    return List.of(
        new Consumed(new Subscriber(relay, "patient"), patient),
        new Consumed(new Subscriber(relay, "strict"), strict));
  }

  /// Acks what comes until nothing is available or leased any more.
  private static void drain(Consumed consumed) {
    Subscriber subscriber = consumed.subscriber();
    Waiting.until(
        "everything is delivered",
        Duration.ofSeconds(60),
        () -> {
          Set<String> ackedBefore = consumed.ledger().acked();
          List<Delivered> messages = Subscriber.delivered(subscriber.lease(100, 1));
          consumed.ledger().leased(messages, ackedBefore);
          List<String> ids = messages.stream().map(Delivered::id).toList();
          consumed.ledger().acking(ids);
          subscriber.post("acks", ids).expect(204);
          consumed.ledger().acked(ids);
          return messages.isEmpty()
              && subscriber.count("available") == 0
              && subscriber.count("delivered") == 0;
        });
  }
}
