// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What is bounded by configuration, on a server where the bounds are small: limits, memory, the
/// window of deduplication and the end of idle streams. Each test leaves the server empty.
@SystemTest
final class StreamsSettingsTest {
  private static final String INVALID = "invalid request schema";
  private static final int LIMIT = 20;
  private static final int LIMIT_PER_USER = 12;
  private static final int MAX_WAITERS = 8;
  private static final int MAX_WAITERS_PER_USER = 5;

  private final TidingsProcess server =
      TidingsProcess.startSecured(
          Map.ofEntries(
              Map.entry("TIDINGS_STREAMS_LIMIT", Integer.toString(LIMIT)),
              Map.entry("TIDINGS_STREAMS_LIMIT_PER_USER", Integer.toString(LIMIT_PER_USER)),
              Map.entry("TIDINGS_STREAMS_MAX_WAITERS", Integer.toString(MAX_WAITERS)),
              Map.entry(
                  "TIDINGS_STREAMS_MAX_WAITERS_PER_USER", Integer.toString(MAX_WAITERS_PER_USER)),
              Map.entry("TIDINGS_STREAMS_MAX_SIZE", "1000"),
              Map.entry("TIDINGS_STREAMS_MAX_TIMEOUT", "30s"),
              Map.entry("TIDINGS_STREAMS_MAX_TTL", "60s"),
              Map.entry("TIDINGS_STREAMS_IDLE_TIME", "1s"),
              Map.entry("TIDINGS_STREAMS_DEDUPLICATION_WINDOW", "1s"),
              Map.entry("TIDINGS_MEMORY_STREAMS_SIZE", "1MiB")));
  private final Streams admin = new Streams(Caller.admin(server));
  private final Streams first = new Streams(Caller.user(server, "read", "write"));
  private final Streams second = new Streams(Caller.user(server, "read", "write"));

  @AfterAll
  void stop() {
    server.close();
  }

  @AfterEach
  void deleteAll() {
    all().forEach(stream -> admin.delete(stream).expectNoContent());
  }

  private List<String> all() {
    return admin
        .caller()
        .get(Streams.ROOT + "?limit=1000")
        .expect(200)
        .json()
        .get("streams")
        .valueStream()
        .map(row -> row.get("streamId").asString())
        .toList();
  }

  private static String refused(Answer answer) {
    return Streams.error(answer, 429);
  }

  // Limits

  @Test
  void limits_ofOneUserAndOfAll_refuseNewStreams_andExistingOnesGoOn() {
    String prefix = Streams.unique() + "-";
    for (int i = 0; i < LIMIT_PER_USER; i++) {
      first.put(Outgoing.to(prefix + i, i));
    }
    refused(first.send(Outgoing.to(prefix + "more", 0)));
    refused(first.send(Outgoing.to(prefix + "more", 0).size(0).durable()));
    refused(first.send(Outgoing.to(prefix + "more", 0).size(0).blocking(1)));
    for (int i = LIMIT_PER_USER; i < LIMIT; i++) {
      second.put(Outgoing.to(prefix + i, i));
    }
    refused(second.send(Outgoing.to(prefix + "more", 0)));
    assertThat(all()).hasSize(LIMIT);

    // Whoever made them, they keep working for all.
    for (int i = 0; i < LIMIT; i++) {
      second.put(Outgoing.to(prefix + i, 100 + i));
      first.put(Outgoing.to(prefix + i, 200 + i).durable());
      assertThat(first.drain(prefix + i)).containsExactly(i, 100 + i, 200 + i);
      // Empty it would be freed soon, and make room.
      second.put(Outgoing.to(prefix + i, 300 + i));
    }
    // A receiver needs no stream.
    var receiver = first.receiveLater(prefix + "more", 30);
    admin.delete(prefix + 0).expectNoContent();
    first.put(Outgoing.to(prefix + "more", 7));
    assertThat(Streams.message(Streams.result(receiver)).n()).isEqualTo(7);
    refused(first.send(Outgoing.to(prefix + 0, 0)));
  }

  @Test
  void refusedForTheLimit_forgetsItsUuid() {
    String prefix = Streams.unique() + "-";
    for (int i = 0; i < LIMIT_PER_USER; i++) {
      first.put(Outgoing.to(prefix + i, i));
    }
    Outgoing message = Outgoing.to(prefix + "more", 1);
    refused(first.send(message));
    admin.delete(prefix + 0).expectNoContent();
    first.put(message);

    assertThat(first.drain(prefix + "more")).containsExactly(1);
  }

  @Test
  void waiters_beyondTheirBound_are429() {
    String stream = Streams.unique();
    first.put(Outgoing.to(stream, 0).size(1));
    var waiting = new ArrayList<CompletableFuture<Answer>>();
    waiting.add(first.receiveLater(stream + "-a", 30));
    waiting.add(first.receiveLater(stream + "-b", 30));
    waiting.add(first.replayLater(stream + "-c", "", 30));
    waiting.add(first.sendLater(Outgoing.to(stream, 1).blocking(30)));
    admin.awaitBlocked(stream, 1);
    waiting.add(first.sendLater(Outgoing.to(stream, 2).blocking(30)));
    admin.awaitBlocked(stream, 2);
    admin.awaitWaitingReceivers(2);
    admin.awaitWaitingReplays(1);

    refused(first.receive(stream + "-d", "timeoutSeconds=30"));
    refused(first.receive(stream + "-d", "timeoutSeconds=30&readFromDB=true"));
    refused(first.send(Outgoing.to(stream, 3).blocking(30)));
    // Who need not wait is served.
    Streams.expectTimeout(first.receive(stream + "-d", Streams.NOW));
    for (int i = MAX_WAITERS_PER_USER; i < MAX_WAITERS; i++) {
      waiting.add(second.receiveLater(stream + "-e", 30));
    }
    admin.awaitWaitingReceivers(2 + MAX_WAITERS - MAX_WAITERS_PER_USER);
    refused(second.receive(stream + "-e", "timeoutSeconds=30"));

    assertThat(first.take(stream).n()).isZero();
    Streams.expectSent(Streams.result(waiting.get(3)));
    // One less: the place is free again.
    Streams.expectTimeout(second.receive(stream + "-f", "timeoutSeconds=1"));
    first.put(Outgoing.to(stream + "-a", 5));
    assertThat(Streams.message(Streams.result(waiting.getFirst())).n()).isEqualTo(5);
    assertThat(first.drain(stream)).containsExactly(1, 2);
    for (int i = 0; i < MAX_WAITERS - MAX_WAITERS_PER_USER; i++) {
      first.put(Outgoing.to(stream + "-e", i));
    }
    first.put(Outgoing.to(stream + "-b", 5));
    first.storeNumbers(stream + "-c", 0, 1);
    waiting.forEach(each -> Streams.result(each).expect(200));
  }

  @Test
  void memoryBound_is503_andWhatIsThereGoesOn() {
    String stream = Streams.unique();
    String filler = "\"" + "x".repeat(10_000) + "\"";
    int sent = 0;
    Answer answer = first.send(Outgoing.to(stream, filler).size(1000));
    while (answer.status() == 200) {
      sent++;
      assertThat(sent).as("messages of 10 kB in 1 MiB").isLessThan(120);
      answer = first.send(Outgoing.to(stream, filler));
    }
    Streams.error(answer, 503);
    assertThat(answer.headers().firstValue("retry-after"))
        .hasValueSatisfying(value -> assertThat(Integer.parseInt(value)).isPositive());
    assertThat(sent).isGreaterThan(50);
    Streams.error(second.send(Outgoing.to(Streams.unique(), filler)), 503);
    assertThat(admin.count(stream, "messages")).isEqualTo(sent);

    for (int i = 0; i < 5; i++) {
      assertThat(first.take(stream).value().asString()).hasSize(10_000);
    }
    first.put(Outgoing.to(stream, filler));
    admin.purge(stream).expect(200, "{\"purged\":" + (sent - 4) + "}");
    for (int i = 0; i < sent - 5; i++) {
      second.put(Outgoing.to(stream + "-again", filler).size(1000));
    }
  }

  @Test
  void sizesAndTimes_atAndOverTheirBounds() {
    String stream = Streams.unique();
    first.put(Outgoing.to(stream, 0).size(1000).blocking(30).ttl(60));
    Streams.expectError(
        first.send(Outgoing.to(stream, 1).size(1001)), 400, INVALID, "inMemoryStreamSize");
    Streams.expectError(
        first.send(Outgoing.to(stream, 1).blocking(31)),
        400,
        INVALID,
        "blockingSendTimeoutSeconds");
    Streams.expectError(first.send(Outgoing.to(stream, 1).ttl(61)), 400, INVALID, "dbTTLSeconds");
    // The default of a day is above the bound: then it is the bound, or refused, but nothing odd.
    assertThat(first.send(Outgoing.to(stream + "-day", 1).durable()).status()).isIn(200, 400);
    Streams.expectError(
        first.receive(stream, "timeoutSeconds=31"), 400, "invalid timeoutSeconds", "30");
    assertThat(Streams.message(first.receive(stream, "timeoutSeconds=30")).n()).isZero();
  }

  // Time

  @Test
  void uuid_isForgottenAfterTheWindow_notBefore() {
    String stream = Streams.unique();
    String durable = Streams.unique();
    Outgoing message = Outgoing.to(stream, 1);
    Outgoing stored = Outgoing.to(durable, 1).ttl(60);
    long before = System.nanoTime();
    first.put(message);
    first.put(stored);
    Pubsub.eventually(
        "the end of the window",
        () -> {
          first.put(message);
          boolean twice = admin.count(stream, "messages") == 2;
          Duration since = Duration.ofNanos(System.nanoTime() - before);
          if (twice) {
            assertThat(since).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
          } else {
            assertThat(since).isLessThan(Duration.ofSeconds(4));
          }
          return twice;
        });
    Pubsub.eventually(
        "the same of a durable stream",
        () -> {
          first.put(stored);
          return admin.stored(durable).size() == 2;
        });
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(5));
  }

  @Test
  void idleStream_isFreed_ifItIsEmptyAndNobodyWaits() {
    String prefix = Streams.unique() + "-";
    String idle = prefix + "idle";
    String full = prefix + "full";
    String waited = prefix + "waited";
    for (String stream : List.of(idle, full, waited)) {
      first.put(Outgoing.to(stream, 0).size(1));
    }
    assertThat(first.take(waited).n()).isZero();
    var receiver = first.receiveLater(waited, 30);
    long before = System.nanoTime();
    assertThat(first.take(idle).n()).isZero();

    Pubsub.eventually("the end of the idle one", () -> admin.listed(idle).isEmpty());

    assertThat(Duration.ofNanos(System.nanoTime() - before))
        .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(4));
    assertThat(all()).contains(full, waited).doesNotContain(idle);
    // Its capacity is set anew.
    first.put(Outgoing.to(idle, 1).size(2));
    first.put(Outgoing.to(idle, 2).size(1));
    assertThat(admin.count(idle, "inMemoryStreamSize")).isEqualTo(2);
    assertThat(first.drain(idle)).containsExactly(1, 2);
    assertThat(first.drain(full)).containsExactly(0);
    first.put(Outgoing.to(waited, 1).size(5));
    assertThat(Streams.message(Streams.result(receiver)).n()).isEqualTo(1);
    assertThat(admin.count(waited, "inMemoryStreamSize")).isEqualTo(1);
  }

  /// A million streams one after the other are no more than one at a time.
  @Test
  void freedStreams_doNotCountAgainstTheLimit() {
    String prefix = Streams.unique() + "-";
    for (int i = 0; i < LIMIT_PER_USER; i++) {
      first.put(Outgoing.to(prefix + i, i));
      assertThat(first.take(prefix + i).n()).isEqualTo(i);
    }
    Pubsub.eventually(
        "room for one more", () -> first.send(Outgoing.to(prefix + "x", 0)).status() == 200);
    assertThat(first.drain(prefix + "x")).containsExactly(0);
  }

  /// What is stored stays, also where the stream in memory is freed.
  @Test
  void idleDurableStream_keepsWhatIsStored() {
    String stream = Streams.unique();
    first.put(Outgoing.to(stream, 0).ttl(60).size(3));
    String token = Streams.step(first.replay(stream, "", "")).token();
    assertThat(first.take(stream).n()).isZero();
    Pubsub.eventually(
        "the end of its memory",
        () ->
            admin.listed(stream).filter(row -> row.get("inMemoryStreamSize").isNull()).isPresent());

    assertThat(admin.listed(stream))
        .hasValueSatisfying(row -> {
          assertThat(row.get("durable").asBoolean()).isTrue();
          assertThat(row.get("messages").asInt()).isZero();
        });
    assertThat(first.stored(stream)).containsExactly(0);
    first.put(Outgoing.to(stream, 1).ttl(60).size(4));
    assertThat(Streams.numbers(first.replayAll(stream, token))).containsExactly(1);
    assertThat(first.drain(stream)).containsExactly(1);
  }
}
