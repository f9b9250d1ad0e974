// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Answer;
import dev.tidings.system.crash.ServerProcess.Launch;
import dev.tidings.system.crash.StreamClient.Outgoing;
import dev.tidings.system.crash.StreamClient.Step;
import dev.tidings.system.crash.StreamClient.Stored;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `kill -9` in the middle of durable streams: what was answered is there afterwards, once and in
/// order, and readers go on where they were.
final class StreamsRestartTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Map<String, Object> DURABLE = Map.of("writeToDB", true);
  private static final Map<String, Object> STORED =
      Map.of("writeToDB", true, "inMemoryStreamSize", 0);

  private static List<Integer> numbers(List<Stored> messages) {
    return messages.stream().map(Stored::number).toList();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private static void put(StreamClient stream, int from, int to, Map<String, ?> further) {
    for (int n = from; n < to; n++) {
      stream.send(Outgoing.of(0, n), further).expect(200);
    }
  }

  /// The token after the first message.
  private static String firstToken(StreamClient stream) {
    return stream
        .receive("readFromDB=true&timeoutSeconds=0")
        .expect(200)
        .json()
        .get("dbResumeToken")
        .asString();
  }

  private static void expectGone(Answer answer) {
    answer.expect(410);
    assertThat(answer.json().get("error").asString()).isEqualTo("dbResumeToken has expired");
  }

  @Test
  @Timeout(90)
  void killed_keepsWhatIsStored_tokensUuidsAndEnds() {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      var before = new StreamClient(relay, "orders");
      put(before, 0, 10, DURABLE);
      before.send(Outgoing.of(0, 100), Map.of()).expect(200);
      Outgoing last = Outgoing.of(0, 10);
      before.send(last, DURABLE).expect(200);
      String token = firstToken(before);
      String end = before.step(before.step("", 0).token(), 0).token();
      var brief = new StreamClient(relay, "brief");
      long sent = System.nanoTime();
      brief.send(Outgoing.of(0, 0), Map.of("writeToDB", true, "dbTTLSeconds", 5)).expect(200);
      put(brief, 1, 2, STORED);
      String atOne = firstToken(brief);
      var deleted = new StreamClient(relay, "deleted");
      put(deleted, 0, 2, STORED);
      String ofDeleted = firstToken(deleted);
      deleted.delete().expect(204);
      var made = new StreamClient(relay, "made-again");
      put(made, 0, 2, STORED);
      String ofFormer = firstToken(made);
      made.delete().expect(204);
      put(made, 5, 6, STORED);
      var purged = new StreamClient(relay, "purged");
      put(purged, 0, 3, DURABLE);
      String ofPurged = firstToken(purged);
      purged.purge().expect(200);
      put(purged, 7, 8, DURABLE);
      server.kill9();

      Relay again = server.start();
      var orders = new StreamClient(again, "orders");
      orders.receive("timeoutSeconds=0").expect(424);
      assertThat(orders.listed())
          .hasValueSatisfying(row -> {
            assertThat(row.get("inMemoryStreamSize").isNull()).isTrue();
            assertThat(row.get("messages").asInt()).isZero();
            assertThat(row.get("durable").asBoolean()).isTrue();
          });
      assertThat(numbers(orders.replayAll(""))).isEqualTo(range(0, 11));
      assertThat(numbers(orders.replayAll(token))).isEqualTo(range(1, 11));
      orders.replay(end, 0).expect(424);

      // Sent again by somebody who has not heard the answer.
      orders.send(last, DURABLE).expect(200);
      assertThat(numbers(orders.replayAll(""))).isEqualTo(range(0, 11));
      put(orders, 11, 13, DURABLE);
      assertThat(numbers(orders.replayAll(end))).containsExactly(11, 12);
      assertThat(numbers(orders.replayAll(token))).isEqualTo(range(1, 13));

      expectGone(new StreamClient(again, "deleted").replay(ofDeleted, 0));
      assertThat(new StreamClient(again, "deleted").listed()).isEmpty();
      expectGone(new StreamClient(again, "made-again").replay(ofFormer, 0));
      assertThat(numbers(new StreamClient(again, "made-again").replayAll(""))).containsExactly(5);
      expectGone(new StreamClient(again, "purged").replay(ofPurged, 0));
      assertThat(numbers(new StreamClient(again, "purged").replayAll(""))).containsExactly(7);

      var briefAgain = new StreamClient(again, "brief");
      assertThat(numbers(briefAgain.replayAll(atOne))).containsExactly(1);
      Waiting.until(
          "the end of the brief one",
          SOON,
          () -> {
            boolean gone = numbers(briefAgain.replayAll("")).equals(List.of(1));
            Duration since = Duration.ofNanos(System.nanoTime() - sent);
            assertThat(gone || since.compareTo(Duration.ofSeconds(6)) < 0).isTrue();
            assertThat(!gone || since.compareTo(Duration.ofSeconds(5)) >= 0).isTrue();
            return gone;
          });
      assertThat(numbers(briefAgain.replayAll(atOne))).containsExactly(1);
    }
  }

  @Test
  @Timeout(60)
  void terminated_answersThoseWhoWait() {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      var full = new StreamClient(relay, "full");
      full.send(Outgoing.of(0, 0), Map.of("inMemoryStreamSize", 1, "writeToDB", true)).expect(200);
      var sender =
          relay.postAsync(
              "/api/v1/streams/send",
              Map.of(
                  "streamId",
                  "full",
                  "messageUuid",
                  Outgoing.of(0, 1).uuid(),
                  "message",
                  1,
                  "writeToDB",
                  true,
                  "blockingSendTimeoutSeconds",
                  60));
      var receiver = getLater(relay, "none", "");
      var reader = getLater(relay, "none", "&readFromDB=true");
      Waiting.until(
          "the sender is blocked",
          SOON,
          () -> full.listed().orElseThrow().get("blockedSenders").asInt() == 1);
      Waiting.until(
          "the receiver waits",
          SOON,
          () ->
              relay
                  .get("/metrics")
                  .text()
                  .lines()
                  .anyMatch(line -> line.matches("tidings_stream_receivers_waiting 1(\\.0)?")));

      assertThat(server.terminate()).isZero();

      for (var call : List.of(sender, receiver, reader)) {
        Answer answer = call.orTimeout(10, TimeUnit.SECONDS).join();
        answer.expect(424);
        assertThat(answer.text()).isEqualTo("{\"error\":\"long poll waiting timeout\"}");
      }
      assertThat(numbers(new StreamClient(server.start(), "full").replayAll("")))
          .containsExactly(0);
    }
  }

  private static CompletableFuture<Answer> getLater(Relay relay, String stream, String further) {
    HttpRequest request =
        HttpRequest.newBuilder(
                relay
                    .url()
                    .resolve(
                        "/api/v1/streams/receive?timeoutSeconds=60&streamId=" + stream + further))
            .header("Authorization", "Bearer " + relay.token())
            .build();
    return Relay.HTTP
        .sendAsync(request, BodyHandlers.ofString())
        .thenApply(response ->
            new Answer(
                response.statusCode(),
                response.headers().firstValue("retry-after"),
                response.body()));
  }

  @Test
  @Timeout(120)
  void killedTwiceUnderLoad_neitherLosesNorRepeats() {
    run(2, new Random().nextLong());
  }

  @Test
  @Tag("long")
  @Timeout(600)
  void killedTwentyTimesUnderLoad_neitherLosesNorRepeats() {
    run(20, new Random().nextLong());
  }

  /// Sends numbers into its stream, one after the other; what was not answered with 200 is sent
  /// again, after a restart too, until it is.
  private static final class Sender {
    private final int index;
    private Outgoing next;

    Sender(int index) {
      this.index = index;
      this.next = Outgoing.of(index, 0);
    }

    /// Sends until the server has gone or it shall stop.
    void run(StreamClient stream, AtomicInteger answered, CountDownLatch stop)
        throws InterruptedException {
      while (stop.getCount() > 0) {
        Answer answer;
        try {
          answer = stream.send(next, DURABLE);
        } catch (UncheckedIOException _) {
          // The server has gone; what became of this one, nobody has said.
          return;
        }
        if (answer.status() == 200) {
          next = Outgoing.of(index, next.number() + 1);
          answered.incrementAndGet();
        } else {
          answer.expect(503);
          boolean _ = stop.await(5, TimeUnit.MILLISECONDS);
        }
      }
    }
  }

  /// Follows one stream from its beginning by tokens, across restarts.
  private static final class Reader {
    private final List<Stored> received = new ArrayList<>();
    private String token = "";

    void run(StreamClient stream, CountDownLatch stop) {
      while (stop.getCount() > 0) {
        Step step;
        try {
          step = stream.step(token, 1);
        } catch (UncheckedIOException _) {
          return; // The server has gone; it goes on from the last token.
        }
        received.addAll(step.messages());
        token = step.token();
      }
    }
  }

  private interface Work {
    void run() throws InterruptedException;
  }

  private static Thread start(Queue<String> faults, Work work) {
    return Thread.ofVirtual()
        .start(() -> {
          try {
            work.run();
          } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
          } catch (RuntimeException | AssertionError e) {
            faults.add(e.toString());
          }
        });
  }

  private static void run(int kills, long seed) {
    System.out.println("StreamsRestartTest: " + kills + " kills with seed " + seed);
    var random = new Random(seed);
    var names = List.of("a", "b");
    var senders = IntStream.range(0, 6).mapToObj(Sender::new).toList();
    var readers = names.stream().map(_ -> new Reader()).toList();
    var answered = new AtomicInteger();
    var faults = new ConcurrentLinkedQueue<String>();
    Launch launch =
        Launch.serve(ServerProcess.newDirectory()).with("STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB");
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      for (int kill = 0; kill <= kills; kill++) {
        Relay now = relay;
        int enough = answered.get() + 100 + random.nextInt(500);
        var stop = new CountDownLatch(1);
        var threads = new ArrayList<Thread>();
        for (Sender sender : senders) {
          var stream = new StreamClient(now, names.get(sender.index % names.size()));
          threads.add(start(faults, () -> sender.run(stream, answered, stop)));
        }
        for (int i = 0; i < names.size(); i++) {
          Reader reader = readers.get(i);
          var stream = new StreamClient(now, names.get(i));
          threads.add(start(faults, () -> reader.run(stream, stop)));
        }
        Waiting.until(
            enough + " answers",
            Duration.ofSeconds(60),
            () -> answered.get() >= enough || !faults.isEmpty());
        Optional<Relay> restarted = Optional.empty();
        if (kill < kills) {
          server.kill9();
          stop.countDown();
          join(threads);
          restarted = Optional.of(server.start());
        } else {
          stop.countDown();
          join(threads);
        }
        assertThat(faults).isEmpty();
        relay = restarted.orElse(relay);
      }
      check(relay, names, senders, readers);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  private static void check(
      Relay relay, List<String> names, List<Sender> senders, List<Reader> readers) {
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      var stream = new StreamClient(relay, name);
      List<Stored> stored = stream.replayAll("");
      assertThat(stored.stream().map(Stored::uuid).toList()).doesNotHaveDuplicates();
      for (Sender sender : senders) {
        if (names.get(sender.index % names.size()).equals(name)) {
          assertThat(
                  stored.stream()
                      .filter(message -> message.publisher() == sender.index)
                      .map(Stored::number)
                      .toList())
              .as("messages of sender %d", sender.index)
              .isEqualTo(range(0, sender.next.number()));
        }
      }
      Reader reader = readers.get(i);
      reader.received.addAll(stream.replayAll(reader.token));
      assertThat(reader.received).as("what the reader of %s got", name).isEqualTo(stored);
    }
  }

  private static void join(List<Thread> threads) {
    try {
      for (Thread thread : threads) {
        if (!thread.join(SOON)) {
          throw new AssertionError("a call got no answer within " + SOON);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }
}
