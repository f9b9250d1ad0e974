// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Answer;
import dev.tidings.system.crash.Subscriber.Delivered;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Publishers to one topic, and consumers of its subscriptions that ack, nack and let go by chance.
/// All write down in ledgers what they are told; they end when the server is gone.
final class DeliveryLoad implements AutoCloseable {
  private static final int MAX_PUBLISH = 10;
  private static final int MAX_BATCH = 20;
  private static final long PAUSE_MS = 5;

  private final CountDownLatch stop = new CountDownLatch(1);
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final List<Thread> threads = new ArrayList<>();

  /// A publisher's numbers, which go on from one load to the next.
  static final class Publisher {
    private final int index;
    private final Random random;
    private int next;

    Publisher(int index, long seed) {
      this.index = index;
      this.random = new Random(seed * 31 + index);
    }
  }

  /// A subscription and what is known of it.
  record Consumed(Subscriber subscriber, DeliveryLedger ledger) {}

  private interface Step {
    /// Does one thing; answers whether to pause.
    boolean run() throws InterruptedException;
  }

  void publish(Relay relay, String topic, Publisher publisher, List<Consumed> consumed) {
    start("publisher " + publisher.index, () -> publishSome(relay, topic, publisher, consumed));
  }

  void consume(Consumed consumed, long seed) {
    var random = new Random(seed);
    start("consumer " + seed, () -> consumeSome(consumed, random));
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
              } catch (UncheckedIOException _) {
                // The server has gone; what became of the last request, nobody has said.
              } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
              } catch (RuntimeException | AssertionError e) {
                faults.add(name + ": " + e);
              }
            }));
  }

  private static boolean publishSome(
      Relay relay, String topic, Publisher publisher, List<Consumed> consumed) {
    int first = publisher.next;
    int count = 1 + publisher.random.nextInt(MAX_PUBLISH);
    var payloads = new ArrayList<Map<String, Object>>();
    for (; publisher.next < first + count; publisher.next++) {
      payloads.add(
          Map.of(
              "p", publisher.index,
              "n", publisher.next,
              "filler", "x".repeat(publisher.random.nextInt(200))));
      consumed.forEach(one -> one.ledger().sending(publisher.index, publisher.next));
    }
    Answer answer = relay.post("/topics/" + topic + "/messages", payloads);
    if (answer.status() == 204) {
      for (int n = first; n < first + count; n++) {
        int number = n;
        consumed.forEach(one -> one.ledger().published(publisher.index, number));
      }
    } else {
      answer.expectUnavailable();
    }
    return true;
  }

  private static boolean consumeSome(Consumed consumed, Random random) {
    Subscriber subscriber = consumed.subscriber();
    DeliveryLedger ledger = consumed.ledger();
    Set<String> ackedBefore = ledger.acked();
    List<Delivered> messages =
        Subscriber.delivered(subscriber.lease(1 + random.nextInt(MAX_BATCH), 0));
    ledger.leased(messages, ackedBefore);
    var acks = new ArrayList<String>();
    var nacks = new ArrayList<String>();
    for (Delivered message : messages) {
      switch (random.nextInt(10)) {
        case 0 -> {} // The consumer forgets it: the lease ends by itself.
        case 1, 2 -> nacks.add(message.id());
        default -> acks.add(message.id());
      }
    }
    if (!nacks.isEmpty()) {
      subscriber.post("nacks", nacks).expect(204);
    }
    if (!acks.isEmpty()) {
      ledger.acking(acks);
      subscriber.post("acks", acks).expect(204);
      ledger.acked(acks);
    }
    return messages.isEmpty();
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
