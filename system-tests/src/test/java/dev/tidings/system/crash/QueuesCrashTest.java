// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.QueueSubscriber.Gone;
import dev.tidings.system.crash.QueueSubscriber.Received;
import dev.tidings.system.crash.Relay.Answer;
import dev.tidings.system.crash.ServerProcess.Launch;
import dev.tidings.system.crash.Subscriber.Delivered;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Durable queues under `kill -9`: nothing that was answered as published is lost, nothing that was
/// acked comes back.
///
/// One fanout exchange publishes into three queues. `mixed` is a work queue with sockets that ack
/// by hand and consumers of `/subscriptions/mixed`; the acks of the latter are answered. `sockets`
/// is one with a single socket, whose acks count once the queue's own count shows them all. `log`
/// is a broadcast queue, which at the end holds everything.
final class QueuesCrashTest {
  private static final String EXCHANGE = "events";
  private static final String MIXED = "mixed";
  private static final String SOCKETS = "sockets";
  private static final String LOG = "log";
  private static final int CONFIRM_AFTER = 25;
  private static final long PAUSE_MS = 3;
  private static final Duration SHORTLY = Duration.ofMillis(20);
  private static final Duration DRAIN = Duration.ofSeconds(60);

  private static final Map<String, Object> QUICK =
      Map.of(
          "durable", true,
          "mode", "work",
          "max_delivery_attempts", 10_000,
          "backoff_min_seconds", 1,
          "backoff_max_seconds", 1,
          "ack_deadline_seconds", 1);

  private final QueueLedger mixed = new QueueLedger();
  private final QueueLedger sockets = new QueueLedger();
  private final Set<Integer> sent = new HashSet<>();
  private final Set<Integer> published = new HashSet<>();
  private final AtomicInteger next = new AtomicInteger();

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

  private void run(int kills, long seed) {
    System.out.println("QueuesCrashTest: " + kills + " kills with seed " + seed);
    var random = new Random(seed);
    Launch launch =
        Launch.serve(ServerProcess.newDirectory()).with("STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB");
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      var client = new ExchangeClient(relay);
      client.exchange(EXCHANGE, "fanout");
      client.queue(MIXED, QUICK);
      client.queue(SOCKETS, QUICK);
      client.queue(LOG, Map.of("durable", true));
      for (String queue : List.of(MIXED, SOCKETS, LOG)) {
        client.bind(EXCHANGE, queue, "");
      }
      for (int kill = 0; kill < kills; kill++) {
        int enough = mixed.deliveries() + 300 + random.nextInt(900);
        int enoughAcks = sockets.answeredAcks() + 2 * CONFIRM_AFTER;
        try (var load = new Load(relay, random.nextLong())) {
          Waiting.until(
              enough + " deliveries and " + enoughAcks + " confirmed acks",
              DRAIN,
              () ->
                  load.failed()
                      || (mixed.deliveries() >= enough && sockets.answeredAcks() >= enoughAcks));
          server.kill9();
        }
        relay = server.start();
        mixed.nextLife();
        sockets.nextLife();
      }
      assertThat(mixed.published()).isPositive();
      check(relay, MIXED, mixed);
      check(relay, SOCKETS, sockets);
      checkLog(relay);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  /// Acks what is left, then holds everything against the ledger.
  private static void check(Relay relay, String queue, QueueLedger ledger) {
    var subscriber = new Subscriber(relay, queue);
    Waiting.until(
        "everything is delivered",
        DRAIN,
        () -> {
          Set<String> ackedBefore = ledger.acked();
          List<Delivered> messages = Subscriber.delivered(subscriber.lease(100, 1));
          messages.forEach(message ->
              ledger.leased(message.id(), message.publisher(), message.number(), ackedBefore));
          ack(subscriber, ledger, messages.stream().map(Delivered::id).toList());
          return messages.isEmpty()
              && subscriber.count("available") == 0
              && subscriber.count("delivered") == 0;
        });
    ledger.check(queue, subscriber.count("acked"), subscriber.count("dlq"));
  }

  private static void ack(Subscriber subscriber, QueueLedger ledger, List<String> ids) {
    if (!ids.isEmpty()) {
      ledger.acking(ids);
      subscriber.post("acks", ids).expect(204);
      ledger.acked(ids);
    }
  }

  /// Everything answered is there once; each publisher's messages are in order.
  private void checkLog(Relay relay) {
    int count = new ExchangeClient(relay).count(LOG, "messages");
    assertThat(count).isBetween(published.size(), sent.size());
    Map<Integer, Integer> last = new HashMap<>();
    Set<Integer> got = new HashSet<>();
    try (QueueSubscriber socket = QueueSubscriber.open(relay, LOG, Map.of("from", "earliest"))) {
      for (int i = 0; i < count; i++) {
        Received message = socket.next();
        assertThat(got.add(message.number())).as("twice: %s", message).isTrue();
        Integer before = last.put(message.publisher(), message.number());
        assertThat(before == null || before < message.number())
            .as("out of order, after %s: %s", before, message)
            .isTrue();
      }
    }
    assertThat(sent).containsAll(got);
    assertThat(got).containsAll(published);
  }

  /// Everybody who works on one life of the server; they end when it is gone.
  private final class Load implements AutoCloseable {
    private final Relay relay;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    private interface Step {
      /// Does one thing; answers whether to pause.
      boolean run() throws InterruptedException;
    }

    Load(Relay relay, long seed) {
      this.relay = relay;
      for (int i = 0; i < 2; i++) {
        int publisher = i;
        var client = new ExchangeClient(relay);
        start("publisher " + i, () -> publish(client, publisher));
        var random = new Random(seed + i);
        var subscriber = new Subscriber(relay, MIXED);
        start("consumer " + i, () -> consume(subscriber, random));
        var socketRandom = new Random(seed + 10 + i);
        start("socket " + i, () -> takeWithASocket(socketRandom));
      }
      start("confirming socket", this::takeAndConfirm);
    }

    boolean failed() {
      return !faults.isEmpty();
    }

    private void start(String name, Step step) {
      threads.add(
          Thread.ofVirtual()
              .start(() -> {
                try {
                  while (stop.getCount() > 0) {
                    if (step.run()) {
                      boolean _ = stop.await(PAUSE_MS, TimeUnit.MILLISECONDS);
                    }
                  }
                } catch (UncheckedIOException | Gone _) {
                  // The server has gone; what became of the last request, nobody has said.
                } catch (InterruptedException _) {
                  Thread.currentThread().interrupt();
                } catch (RuntimeException | AssertionError e) {
                  faults.add(name + ": " + e);
                }
              }));
    }

    private boolean publish(ExchangeClient client, int publisher) {
      int number = next.incrementAndGet();
      synchronized (sent) {
        sent.add(number);
      }
      mixed.sending(publisher, number);
      sockets.sending(publisher, number);
      Answer answer = client.publish(EXCHANGE, "", Map.of("p", publisher, "n", number));
      if (answer.status() == 200) {
        mixed.published(publisher, number);
        sockets.published(publisher, number);
        synchronized (published) {
          published.add(number);
        }
      } else {
        answer.expect(503);
        assertThat(answer.retryAfter()).isPresent();
      }
      return true;
    }

    private boolean consume(Subscriber subscriber, Random random) {
      Set<String> ackedBefore = mixed.acked();
      List<Delivered> messages = Subscriber.delivered(subscriber.lease(1 + random.nextInt(10), 0));
      var acks = new ArrayList<String>();
      var nacks = new ArrayList<String>();
      for (Delivered message : messages) {
        mixed.leased(message.id(), message.publisher(), message.number(), ackedBefore);
        switch (random.nextInt(10)) {
          case 0 -> {} // Forgotten: the lease ends by itself.
          case 1 -> nacks.add(message.id());
          default -> acks.add(message.id());
        }
      }
      if (!nacks.isEmpty()) {
        subscriber.post("nacks", nacks).expect(204);
      }
      ack(subscriber, mixed, acks);
      return true;
    }

    /// Takes some messages with a socket of its own, which it then leaves without a word.
    private boolean takeWithASocket(Random random) {
      Map<String, Object> manual = Map.of("ack", "manual", "prefetch", 1 + random.nextInt(30));
      try (QueueSubscriber socket = QueueSubscriber.open(relay, MIXED, manual)) {
        for (int left = random.nextInt(100); left > 0 && stop.getCount() > 0; left--) {
          socket
              .poll(SHORTLY)
              .ifPresent(message -> {
                mixed.received(message.id(), message.publisher(), message.number());
                switch (random.nextInt(10)) {
                  case 0 -> {}
                  case 1 -> socket.nack(List.of(message.id()));
                  default -> {
                    mixed.acking(List.of(message.id()));
                    socket.ack(List.of(message.id()));
                  }
                }
              });
        }
      }
      return true;
    }

    /// Takes and acks for as long as the server lives; whenever the queue has counted all acks of
    /// this life, they are confirmed.
    private boolean takeAndConfirm() throws InterruptedException {
      var subscriber = new Subscriber(relay, SOCKETS);
      int before = subscriber.count("acked");
      Set<String> acked = new HashSet<>();
      Map<String, Object> manual = Map.of("ack", "manual", "prefetch", 10);
      try (QueueSubscriber socket = QueueSubscriber.open(relay, SOCKETS, manual)) {
        int confirmed = 0;
        while (stop.getCount() > 0) {
          socket
              .poll(SHORTLY)
              .ifPresent(message -> {
                sockets.received(message.id(), message.publisher(), message.number());
                sockets.acking(List.of(message.id()));
                acked.add(message.id());
                socket.ack(List.of(message.id()));
              });
          if (acked.size() >= confirmed + CONFIRM_AFTER) {
            int wanted = before + acked.size();
            while (stop.getCount() > 0 && subscriber.count("acked") < wanted) {
              boolean _ = stop.await(PAUSE_MS, TimeUnit.MILLISECONDS);
            }
            assertThat(subscriber.count("acked")).isEqualTo(wanted);
            sockets.acked(List.copyOf(acked));
            confirmed = acked.size();
          }
        }
      }
      return false;
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
