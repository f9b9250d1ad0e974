// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Answer;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/// Publishers that write down in a ledger what they are told. Every second one publishes in bulk
/// over several topics. A publisher waits for each answer before it goes on, so its messages have
/// an order; it ends when the server is gone.
final class Load implements AutoCloseable {
  /// How the server says that it does not know.
  private static final String UNKNOWN = "may or may not";

  private static final int MAX_BULK = 20;
  private static final long PAUSE_MS = 5;

  private final Relay relay;
  private final Ledger ledger;
  private final List<String> topics;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final List<Thread> publishers = new ArrayList<>();

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

  static List<Publisher> publishers(int count, long seed) {
    var publishers = new ArrayList<Publisher>();
    for (int i = 0; i < count; i++) {
      publishers.add(new Publisher(i, seed));
    }
    return List.copyOf(publishers);
  }

  private Load(Relay relay, Ledger ledger, List<String> topics) {
    this.relay = relay;
    this.ledger = ledger;
    this.topics = topics;
  }

  static Load start(Relay relay, Ledger ledger, List<String> topics, List<Publisher> publishers) {
    var load = new Load(relay, ledger, topics);
    for (Publisher publisher : publishers) {
      load.publishers.add(Thread.ofVirtual().start(() -> load.run(publisher)));
    }
    return load;
  }

  private void run(Publisher publisher) {
    try {
      while (stop.getCount() > 0) {
        boolean refused = publisher.index % 2 == 0 ? single(publisher) : bulk(publisher);
        if (refused) {
          // As Retry-After asks, only shorter.
          boolean _ = stop.await(PAUSE_MS, TimeUnit.MILLISECONDS);
        }
      }
    } catch (UncheckedIOException _) {
      // The server has gone; what became of the last message, nobody has said.
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | AssertionError e) {
      faults.add("publisher " + publisher.index + ": " + e);
    }
  }

  private Map<String, Object> message(Publisher publisher, String topic) {
    int number = publisher.next++;
    ledger.sending(publisher.index, number, topic);
    String filler = "x".repeat(publisher.random.nextInt(300));
    return Map.of(
        "topic", topic, "payload", Map.of("p", publisher.index, "n", number, "filler", filler));
  }

  private String anyTopic(Publisher publisher) {
    return topics.get(publisher.random.nextInt(topics.size()));
  }

  private boolean single(Publisher publisher) {
    Map<String, Object> message = message(publisher, anyTopic(publisher));
    int number = publisher.next - 1;
    Answer answer = relay.post("/api/v1/messages", message);
    if (answer.status() == 201) {
      ledger.answered(publisher.index, number, answer.json().get("message_id").asString());
      return false;
    }
    answer.expectUnavailable();
    if (!answer.text().contains(UNKNOWN)) {
      ledger.refused(publisher.index, number);
    }
    return true;
  }

  private boolean bulk(Publisher publisher) {
    int first = publisher.next;
    var messages = new ArrayList<Map<String, Object>>();
    int count = 1 + publisher.random.nextInt(MAX_BULK);
    for (int i = 0; i < count; i++) {
      messages.add(message(publisher, anyTopic(publisher)));
    }
    boolean refused = false;
    int number = first;
    for (JsonNode result : relay.bulk(messages).expect(207).json().get("results")) {
      if (result.get("status").asString().equals("accepted")) {
        ledger.answered(publisher.index, number, result.get("message_id").asString());
      } else {
        refused = true;
        if (!result.get("error").asString().contains(UNKNOWN)) {
          ledger.refused(publisher.index, number);
        }
      }
      number++;
    }
    assertThat(number).as("results of a bulk from number %d", first).isEqualTo(publisher.next);
    return refused;
  }

  /// Whether all publishers have ended, since the server is gone.
  boolean isOver() {
    return publishers.stream().noneMatch(Thread::isAlive);
  }

  /// Ends the publishers, each after its last answer, and asserts that all answers were in order.
  @Override
  public void close() {
    stop.countDown();
    try {
      for (Thread publisher : publishers) {
        if (!publisher.join(java.time.Duration.ofSeconds(30))) {
          throw new AssertionError("a publisher got no answer within 30 s");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
    assertThat(faults).as("answers that no publisher should get").isEmpty();
  }
}
