// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.QueueSubscriber.Received;
import dev.tidings.system.crash.Relay.Answer;
import dev.tidings.system.crash.ServerProcess.Launch;
import dev.tidings.system.crash.Subscriber.Delivered;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What of exchanges, queues, bindings and messages is there after a restart: section 4 of the
/// exchange API's contract, and the two pairs of section 8 with a restart.
final class QueuesRestartTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Map<String, Object> EARLIEST = Map.of("from", "earliest");
  private static final Map<String, Object> DURABLE = Map.of("durable", true);
  private static final Map<String, Object> WORK =
      Map.of(
          "durable", true,
          "mode", "work",
          "max_delivery_attempts", 2,
          "backoff_min_seconds", 3600,
          "backoff_max_seconds", 3600,
          "ack_deadline_seconds", 3600);
  private static final Map<String, Object> FULL =
      Map.of("durable", true, "max_length", 2, "overflow", "reject");

  private static List<Received> replay(Relay relay, String queue, Map<String, ?> from, int count) {
    try (QueueSubscriber socket = QueueSubscriber.open(relay, queue, from)) {
      return IntStream.range(0, count).mapToObj(_ -> socket.next()).toList();
    }
  }

  private static List<Integer> numbers(List<Received> messages) {
    return messages.stream().map(Received::number).toList();
  }

  private static void awaitCounts(
      ExchangeClient client, String queue, int messages, int delivered, int deadLetters) {
    var wanted = List.of(messages, delivered, deadLetters);
    var last = new ArrayList<List<Integer>>();
    try {
      Waiting.until(
          "counts",
          SOON,
          () -> {
            last.clear();
            last.add(
                List.of(
                    client.count(queue, "messages"),
                    client.count(queue, "delivered"),
                    client.count(queue, "dead_letters")));
            return last.getFirst().equals(wanted);
          });
    } catch (AssertionError e) {
      assertThat(last).as("messages, delivered, dead_letters of %s", queue).containsExactly(wanted);
      throw e;
    }
  }

  /// Names the two acceptance pairs: "restart; publish to the same exchange: routed without
  /// redeclaring" and "durable queue: publish, restart: message still present".
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Timeout(90)
  void acceptance_restart_keepsDefinitionsAndDurableMessages_andRoutes(boolean killed) {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      var before = new ExchangeClient(relay);
      before.exchange("d", "direct");
      before.exchange("f", "fanout");
      before.exchange("t", "topic");
      before.exchange("gone", "fanout");
      before.queue("durable", DURABLE);
      before.queue("work", WORK);
      before.queue("transient", Map.of());
      before.queue("transient-work", Map.of("mode", "work"));
      before.queue("unbound", DURABLE);
      before.queue("full", FULL);
      before.queue("gone-queue", DURABLE);
      before.bind("d", "durable", "k");
      before.bind("d", "durable", "k2");
      before.bind("d", "durable", "cut");
      before.bind("d", "transient-work", "tw");
      before.bind("d", "full", "full");
      before.bind("f", "work", "");
      before.bind("f", "work", "twice");
      before.bind("f", "transient", "");
      before.bind("f", "gone-queue", "");
      before.bind("t", "durable", "a.#");
      before.bind("gone", "durable", "");
      for (int n = 0; n < 3; n++) {
        before.put("d", "k", n);
      }
      for (int n = 0; n < 5; n++) {
        before.put("f", "", n);
      }
      before.put("d", "tw", 0);
      before.put("d", "full", 0);
      before.put("d", "full", 1);
      before.put("gone", "", 3);
      relay.delete("/exchanges/gone").expect(204);
      before.delete("queues", "gone-queue").expect(204);
      unbind(relay, "d", "durable", "cut");

      var work = new Subscriber(relay, "work");
      List<Delivered> leased = Subscriber.delivered(work.lease(4, 0));
      work.post("acks", List.of(leased.get(0).id())).expect(204);
      work.nack(leased.get(1), 0);
      List<Delivered> again = Subscriber.delivered(work.lease(1, 0));
      assertThat(again).extracting(Delivered::id).containsExactly(leased.get(1).id());
      work.nack(again.getFirst(), 0);
      work.nack(leased.get(2), 3600);
      awaitCounts(before, "work", 2, 1, 1);
      List<Received> stored = replay(relay, "durable", EARLIEST, 4);
      assertThat(numbers(stored)).containsExactly(0, 1, 2, 3);
      // What is deleted is gone from the lists in the background.
      Waiting.until(
          "bindings of the deleted are gone",
          SOON,
          () -> !before.list("bindings").contains("gone"));
      List<String> lists = lists(before);
      if (killed) {
        server.kill9();
      } else {
        assertThat(server.terminate()).isIn(0, 143);
      }

      Relay relayAfter = server.start();
      var after = new ExchangeClient(relayAfter);
      assertThat(lists(after)).isEqualTo(lists);
      assertThat(replay(relayAfter, "durable", EARLIEST, 4)).isEqualTo(stored);
      assertThat(numbers(replay(relayAfter, "durable", Map.of("from", stored.get(1).id()), 2)))
          .containsExactly(2, 3);
      awaitCounts(after, "work", 2, 1, 1);
      var workAfter = new Subscriber(relayAfter, "work");
      assertThat(workAfter.deadLetters())
          .extracting(Delivered::id)
          .containsExactly(leased.get(1).id());
      assertThat(Subscriber.delivered(workAfter.lease(10, 0)))
          .extracting(Delivered::number)
          .containsExactly(4);
      workAfter.post("acks", List.of(leased.get(3).id())).expect(204);
      awaitCounts(after, "work", 1, 1, 1);
      awaitCounts(after, "transient", 0, 0, 0);
      awaitCounts(after, "transient-work", 0, 0, 0);
      awaitCounts(after, "full", 2, 0, 0);
      assertThat(after.count("durable", "bindings")).isEqualTo(3);

      // Without declaring anything again.
      after.put("d", "k2", 10);
      after.put("t", "a.b", 11);
      after.put("t", "b", 12);
      after.put("d", "cut", 13);
      assertThat(numbers(replay(relayAfter, "durable", EARLIEST, 6)))
          .containsExactly(0, 1, 2, 3, 10, 11);
      after.put("f", "", 20);
      awaitCounts(after, "transient", 1, 0, 0);
      awaitCounts(after, "work", 2, 1, 1);
      assertThat(after.publish("d", "full", 5).expect(429).json().get("queues").get(0).asString())
          .isEqualTo("full");
      after.publish("gone", "", 5).expect(404);
      after.tryBind("gone", "durable", "").expect(404);
      after.tryBind("f", "gone-queue", "").expect(404);
      after.tryExchange("d", "direct").expect(409);
      after.tryQueue("transient", Map.of()).expect(409);
      // The next of the name has nothing of the former.
      after.queue("gone-queue", DURABLE);
      after.exchange("gone", "fanout");
      after.put("gone", "", 6);
      awaitCounts(after, "gone-queue", 0, 0, 0);
      assertThat(after.count("gone-queue", "bindings")).isZero();
    }
  }

  private static void unbind(Relay relay, String exchange, String queue, String key) {
    relay
        .deleteWith("/bindings", Map.of("exchange_name", exchange, "queue_name", queue, "key", key))
        .expect(204);
  }

  private static List<String> lists(ExchangeClient client) {
    return List.of(client.list("exchanges"), client.list("queues"), client.list("bindings"));
  }

  /// What callers of one life of the server were told.
  private record Told(Queue<String> created, Queue<String> deleted, Queue<Integer> published) {}

  /// Exchanges, queues and bindings are being made and unmade, messages published, subscribers
  /// connected when the server is killed. What was answered holds.
  @Test
  @Tag("long")
  @Timeout(120)
  void killed_withEverythingInFlight_keepsWhatWasAnswered() throws InterruptedException {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      var first = new ExchangeClient(relay);
      first.exchange("all", "fanout");
      first.queue("all", DURABLE);
      first.bind("all", "all", "");
      var told =
          new Told(
              new ConcurrentLinkedQueue<>(),
              new ConcurrentLinkedQueue<>(),
              new ConcurrentLinkedQueue<>());
      int next = 0;
      for (int kill = 0; kill < 3; kill++) {
        Relay current = relay;
        var stop = new CountDownLatch(1);
        var threads = new ArrayList<Thread>();
        var faults = new ConcurrentLinkedQueue<String>();
        int from = next;
        next += 1_000_000;
        for (int worker = 0; worker < 4; worker++) {
          int start = from + worker * 100_000;
          threads.add(
              Thread.ofVirtual()
                  .start(() -> {
                    try {
                      for (int n = start; stop.getCount() > 0; n++) {
                        oneRound(new ExchangeClient(current), n, told);
                      }
                    } catch (UncheckedIOException _) {
                      // The server has gone.
                    } catch (RuntimeException | AssertionError e) {
                      faults.add(e.toString());
                    }
                  }));
        }
        var sockets = new ArrayList<QueueSubscriber>();
        for (int i = 0; i < 20; i++) {
          sockets.add(QueueSubscriber.open(current, i % 2 == 0 ? "all" : "none-" + i, Map.of()));
        }
        int enough = told.published().size() + 100 + kill * 50;
        Waiting.until("publishes", SOON, () -> told.published().size() >= enough);
        server.kill9();
        stop.countDown();
        for (Thread thread : threads) {
          thread.join();
        }
        sockets.forEach(QueueSubscriber::close);
        assertThat(faults).isEmpty();

        relay = server.start();
        var after = new ExchangeClient(relay);
        Relay checked = relay;
        // Checked with a sample: each costs three calls.
        told.created().stream()
            .skip(Math.max(0, told.created().size() - 30))
            .forEach(name -> expectThere(after, name));
        told.deleted().stream()
            .skip(Math.max(0, told.deleted().size() - 30))
            .forEach(name -> {
              after.get("exchanges", name).expect(404);
              after.get("queues", name).expect(404);
            });
        List<Integer> published = List.copyOf(told.published());
        try (QueueSubscriber socket = QueueSubscriber.open(checked, "all", EARLIEST)) {
          var got = new ArrayList<Integer>();
          Waiting.until(
              "all that was answered",
              SOON,
              () -> {
                socket.poll(Duration.ofMillis(100)).ifPresent(message -> got.add(message.number()));
                return got.size() >= published.size() && got.containsAll(published);
              });
          assertThat(got).doesNotHaveDuplicates();
        }
        expectConsistent(checked);
      }
    }
  }

  private static void oneRound(ExchangeClient client, int n, Told told)
      throws UncheckedIOException {
    String name = "x" + n;
    ok(client.tryExchange(name, "direct"));
    ok(client.tryQueue(name, n % 2 == 0 ? Map.of() : DURABLE));
    ok(client.tryBind(name, name, "k"));
    if (n % 5 == 0) {
      ok(client.delete("exchanges", name));
      ok(client.delete("queues", name));
      told.deleted().add(name);
    } else {
      told.created().add(name);
    }
    ok(client.publish("all", "", Map.of("p", 0, "n", n)));
    told.published().add(n);
  }

  private static void ok(Answer answer) {
    assertThat(answer.status()).as("the answer was %s", answer.text()).isIn(200, 204);
  }

  private static void expectThere(ExchangeClient client, String name) {
    JsonNode exchange = client.get("exchanges", name).expect(200).json();
    assertThat(exchange.get("bindings").asInt()).as("bindings of %s", name).isEqualTo(1);
    client.put(name, "k", 1);
    Waiting.until("routed", SOON, () -> client.count(name, "messages") >= 1);
  }

  /// Every binding is between an exchange and a queue that are there.
  private static void expectConsistent(Relay relay) {
    Waiting.until(
        "no binding hangs in the air",
        SOON,
        () -> {
          List<String> exchanges = names(relay, "exchanges", "name");
          List<String> queues = names(relay, "queues", "name");
          return exchanges.containsAll(names(relay, "bindings", "exchange_name"))
              && queues.containsAll(names(relay, "bindings", "queue_name"));
        });
  }

  private static List<String> names(Relay relay, String collection, String member) {
    var names = new ArrayList<String>();
    String after = "";
    do {
      JsonNode page = relay.get("/" + collection + "?limit=1000" + after).expect(200).json();
      page.get(collection).forEach(item -> names.add(item.get(member).asString()));
      JsonNode next = page.get("next");
      after = next.isNull() ? "" : "&after=" + URLEncoder.encode(next.asString(), UTF_8);
    } while (!after.isEmpty());
    return names;
  }

  /// A lease of a work queue's message lives on: its consumer may ack after the restart, and if it
  /// does not, the message comes again.
  @Test
  @Timeout(60)
  void killed_withMessagesAtASocket_givesThemAgain() {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      var before = new ExchangeClient(relay);
      before.exchange("e", "fanout");
      before.queue(
          "w",
          Map.of(
              "durable", true,
              "mode", "work",
              "backoff_min_seconds", 1,
              "backoff_max_seconds", 1,
              "ack_deadline_seconds", 2));
      before.bind("e", "w", "");
      for (int n = 0; n < 10; n++) {
        before.put("e", "", n);
      }
      var kept = new ArrayList<Received>();
      try (QueueSubscriber socket =
          QueueSubscriber.open(relay, "w", Map.of("ack", "manual", "prefetch", 6))) {
        for (int i = 0; i < 6; i++) {
          kept.add(socket.next());
        }
        socket.ack(List.of(kept.get(0).id(), kept.get(1).id()));
        Waiting.until("two acked", SOON, () -> new Subscriber(relay, "w").count("acked") == 2);
        kept.add(socket.next());
        kept.add(socket.next());
        server.kill9();
      }

      Relay after = server.start();
      try (QueueSubscriber socket =
          QueueSubscriber.open(after, "w", Map.of("ack", "manual", "prefetch", 10))) {
        var got = new ArrayList<Received>();
        for (int i = 0; i < 8; i++) {
          got.add(socket.next());
        }
        assertThat(got).containsAll(kept.subList(2, 8));
        assertThat(numbers(got)).containsExactlyInAnyOrder(2, 3, 4, 5, 6, 7, 8, 9);
        socket.ack(got.stream().map(Received::id).toList());
        awaitCounts(new ExchangeClient(after), "w", 0, 0, 0);
      }
    }
  }
}
