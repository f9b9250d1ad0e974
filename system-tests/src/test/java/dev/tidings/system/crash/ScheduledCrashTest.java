// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Answer;
import dev.tidings.system.crash.Relay.Stored;
import dev.tidings.system.crash.ScheduleLedger.Entry;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/// Scheduled messages under `kill -9`, while they are published, become due and are cancelled: what
/// was answered as published is delivered once, what was answered as cancelled never, what nobody
/// has answered once at most; never early, and in the order of the due times also over restarts.
final class ScheduledCrashTest {
  private static final List<String> TOPICS = List.of("later-1", "later-2", "later-3");
  private static final int MAX_BATCH = 20;
  private static final int FARTHEST_MS = 2_500;
  private static final long PAUSE_MS = 3;
  private static final Duration DRAIN = Duration.ofSeconds(60);

  private final ScheduleLedger ledger = new ScheduleLedger();
  private final AtomicInteger next = new AtomicInteger();
  private final Queue<Request> unanswered = new ConcurrentLinkedQueue<>();

  /// A publish that may be repeated, since it has a key.
  private record Request(String path, String key, String body, List<Entry> messages) {}

  @Test
  @Timeout(120)
  void killedThreeTimes_deliversEachOnce() {
    run(3, new Random().nextLong());
  }

  @Test
  @Tag("long")
  @Timeout(900)
  void killedTwentyTimes_deliversEachOnce() {
    run(20, new Random().nextLong());
  }

  private void run(int kills, long seed) {
    System.out.println("ScheduledCrashTest: " + kills + " kills with seed " + seed);
    var random = new Random(seed);
    Launch launch =
        Launch.serve(ServerProcess.newDirectory())
            .with("STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB")
            .with("MEMORY_SCHEDULED_SIZE", "1MiB");
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      for (String topic : TOPICS) {
        relay.post("/topics", Map.of("id", topic)).expect(201);
      }
      var current = new AtomicReference<>(relay);
      try (Follower follower = Follower.start(current::get, TOPICS.getFirst())) {
        for (int kill = 0; kill < kills; kill++) {
          int enough = ledger.accepted() + 300 + random.nextInt(600);
          int enoughCancelled = ledger.cancelled() + 10;
          long killed;
          try (var load = new Load(relay, random.nextLong())) {
            Waiting.until(
                enough + " accepted and " + enoughCancelled + " cancelled",
                DRAIN,
                () ->
                    load.failed()
                        || (ledger.accepted() >= enough && ledger.cancelled() >= enoughCancelled));
            killed = System.currentTimeMillis();
            server.kill9();
          }
          relay = server.start();
          ledger.restarted(killed, System.currentTimeMillis());
          current.set(relay);
          repeat(relay);
        }
        awaitNothingWaits(relay);
        Map<String, List<Stored>> logs = relay.readAll(TOPICS);
        ledger.check(logs);
        follower.expect(logs.get(TOPICS.getFirst()));
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  /// Asks again for what was not answered. It happens once, whether it had happened or not.
  private void repeat(Relay relay) {
    for (Request request = unanswered.poll(); request != null; request = unanswered.poll()) {
      Answer answer = relay.postOnce(request.path(), request.key(), request.body()).expect(200);
      ledger.accepted(request.messages(), ids(answer), true);
    }
  }

  private static List<String> ids(Answer answer) {
    return answer.json().get("ids").valueStream().map(JsonNode::asString).toList();
  }

  private static void awaitNothingWaits(Relay relay) {
    Waiting.until(
        "nothing waits",
        DRAIN,
        () ->
            TOPICS.stream()
                .allMatch(topic ->
                    relay
                        .get("/topics/" + topic + "/scheduled")
                        .expect(200)
                        .json()
                        .get("data")
                        .isEmpty()));
    assertThat(relay.get("/metrics").expect(200).text().lines())
        .anyMatch(line -> line.matches("tidings_scheduled_messages 0(\\.0)?"));
  }

  /// Everybody who works on one life of the server; they end when it is gone.
  private final class Load implements AutoCloseable {
    private final Relay relay;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    /// When many are due together.
    private final long burst;

    Load(Relay relay, long seed) {
      this.relay = relay;
      var random = new Random(seed);
      this.burst = System.currentTimeMillis() + 500 + random.nextInt(1_500);
      for (int i = 0; i < 2; i++) {
        var batches = new Random(random.nextLong());
        start("publisher " + i, () -> publishSeveral(batches));
      }
      var singles = new Random(random.nextLong());
      start("publisher of the relay", () -> publishOne(singles));
      for (int i = 0; i < 2; i++) {
        var cancels = new Random(random.nextLong());
        start("canceller " + i, () -> cancel(cancels));
      }
    }

    boolean failed() {
      return !faults.isEmpty();
    }

    private void start(String name, Runnable step) {
      threads.add(
          Thread.ofVirtual()
              .start(() -> {
                try {
                  while (stop.getCount() > 0) {
                    step.run();
                    boolean _ = stop.await(PAUSE_MS, TimeUnit.MILLISECONDS);
                  }
                } catch (UncheckedIOException _) {
                  // The server has gone; what became of the last request, nobody has said.
                } catch (InterruptedException _) {
                  Thread.currentThread().interrupt();
                } catch (RuntimeException | AssertionError e) {
                  faults.add(name + ": " + e);
                }
              }));
    }

    /// A message for now or for later, in the members it has beside its topic.
    private Map<String, Object> message(Random random, String topic, List<Entry> entries) {
      int number = next.incrementAndGet();
      var message = new HashMap<String, Object>();
      message.put(
          "payload", Map.of("p", 0, "n", number, "filler", "x".repeat(random.nextInt(300))));
      long now = System.currentTimeMillis();
      int wait = 1 + random.nextInt(FARTHEST_MS);
      switch (random.nextInt(10)) {
        case 0 -> entries.add(new Entry(number, topic, 0, false));
        case 1, 2, 3 -> {
          message.put("delay_seconds", wait / 1_000.0);
          entries.add(new Entry(number, topic, now + wait, false));
        }
        case 4, 5 -> {
          message.put("deliver_at", Instant.ofEpochMilli(burst).toString());
          entries.add(new Entry(number, topic, burst, true));
        }
        default -> {
          message.put("deliver_at", Instant.ofEpochMilli(now + wait).toString());
          entries.add(new Entry(number, topic, now + wait, true));
        }
      }
      return message;
    }

    private String anyTopic(Random random) {
      return TOPICS.get(random.nextInt(TOPICS.size()));
    }

    private void publishSeveral(Random random) {
      String topic = anyTopic(random);
      var entries = new ArrayList<Entry>();
      var messages = new ArrayList<Map<String, Object>>();
      for (int left = 1 + random.nextInt(MAX_BATCH); left > 0; left--) {
        messages.add(message(random, topic, entries));
      }
      var request =
          new Request(
              "/topics/" + topic + "/messages",
              "key-" + entries.getFirst().number(),
              Relay.write(Map.of("messages", messages)),
              entries);
      ledger.sending(entries);
      try {
        Answer answer = relay.postOnce(request.path(), request.key(), request.body()).expect(200);
        ledger.accepted(entries, ids(answer), false);
      } catch (UncheckedIOException e) {
        unanswered.add(request);
        throw e;
      }
    }

    private void publishOne(Random random) {
      String topic = anyTopic(random);
      var entries = new ArrayList<Entry>();
      Map<String, Object> message = message(random, topic, entries);
      message.put("topic", topic);
      ledger.sending(entries);
      Answer answer = relay.post("/api/v1/messages", message).expect(201);
      String id = answer.json().get("message_id").asString();
      ledger.accepted(entries, List.of(uuid(id)), false);
    }

    private static String uuid(String relayId) {
      return relayId
          .substring("msg_".length())
          .replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5");
    }

    private void cancel(Random random) {
      ledger.cancelling(random, _ -> true).ifPresent(entry -> cancel(random, entry));
    }

    private void cancel(Random random, Entry entry) {
      String path = "/topics/" + entry.topic() + "/scheduled";
      if (random.nextInt(4) > 0) {
        Answer answer = relay.delete(path + "/" + entry.id());
        assertThat(answer.status()).as("the answer %s", answer.text()).isIn(204, 404);
        ledger.cancelled(entry, answer.status() == 204);
      } else {
        var several = new ArrayList<Entry>(List.of(entry));
        for (int left = random.nextInt(4); left > 0; left--) {
          ledger.cancelling(random, entry.topic()::equals).ifPresent(several::add);
        }
        relay.deleteWith(path, several.stream().map(Entry::id).toList()).expect(204);
        ledger.cancelledAmongSeveral(several);
      }
    }

    /// Waits for everybody, and asserts that nobody was told anything unexpected.
    @Override
    public void close() {
      stop.countDown();
      try {
        for (Thread thread : threads) {
          thread.join();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      }
      assertThat(faults).as("what the load was told").isEmpty();
    }
  }
}
