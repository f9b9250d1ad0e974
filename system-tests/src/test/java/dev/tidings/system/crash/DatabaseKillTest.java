// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.store.sql.TestPostgres;
import dev.tidings.system.crash.Load.Publisher;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `kill -9` of PostgreSQL, all its processes at once, under a server that stays: what was answered
/// is stored, what was shown is stored, publishes are refused with 503 while it is away, what is in
/// memory is read on, and all heals without anybody's help.
@Tag("embedded")
final class DatabaseKillTest {
  private static final List<String> TOPICS = KillTest.TOPICS;
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path folder;

  @Test
  @Timeout(120)
  void databaseKilled_refusesAndReadsOn_andHealsByItself() {
    try (TestPostgres postgres = TestPostgres.start(folder.resolve("postgres"));
        var server = serverOn(postgres)) {
      Relay relay = server.start();
      String topic = "topic";
      relay.publishNumber(topic, 0);
      try (Follower early = Follower.start(() -> relay, topic)) {
        Waiting.until("the first on the socket", SOON, () -> early.received().size() == 1);

        postgres.kill();
        relay.publish(topic, Map.of("p", 0, "n", 1)).expectUnavailable();
        relay.publish("a-new-topic", Map.of("p", 0, "n", 2)).expectUnavailable();
        var bulk =
            relay
                .bulk(List.of(Map.of("topic", topic, "payload", Map.of("p", 0, "n", 3))))
                .expect(207)
                .json();
        assertThat(bulk.get("summary").get("rejected").asInt()).isEqualTo(1);
        relay.post("/topics", Map.of("id", "another")).expect(503);
        assertThat(relay.get("/ready").expect(503).json().get("ready").asBoolean()).isFalse();
        relay.get("/health").expect(200);
        relay.get("/metrics").expect(200);
        assertThat(relay.pollAfter(topic, "start").get("messages"))
            .as("read from memory")
            .hasSize(1);
        try (Follower late = Follower.start(() -> relay, topic)) {
          Waiting.until("a new socket reads on", SOON, () -> late.received().size() == 1);
        }

        postgres.start();
        Waiting.until("ready again", SOON, relay::isReady);
        relay.publishNumber(topic, 4);
        var stored = relay.readAll(List.of(topic)).get(topic);
        assertThat(stored).extracting(Relay.Stored::number).containsExactly(0, 4);
        early.expect(stored);
        assertThat(early.sockets()).as("sockets: the first stayed open").isEqualTo(1);
        relay.get("/api/v1/topics/a-new-topic").expect(404);
        relay.get("/topics/another").expect(404);
      }
    }
  }

  @Test
  @Tag("long")
  @Timeout(180)
  void databaseKilledTwiceUnderLoad_keepsEverythingAnswered() {
    run(2, new Random().nextLong());
  }

  @Test
  @Tag("long")
  @Timeout(1_200)
  void databaseKilledTwentyTimesUnderLoad_keepsEverythingAnswered() {
    run(20, new Random().nextLong());
  }

  /// At the end of each life of the database, at times the server is killed too; what is compared
  /// is what a server reads that has nothing in memory.
  private void run(int kills, long seed) {
    System.out.println("DatabaseKillTest: " + kills + " kills with seed " + seed);
    var moments = new Random(seed);
    try (TestPostgres postgres = TestPostgres.start(folder.resolve("postgres"));
        var server = serverOn(postgres)) {
      var ledger = new Ledger();
      List<Publisher> publishers = Load.publishers(8, seed);
      var current = new AtomicReference<>(server.start());
      List<Follower> followers = KillTest.follow(current);
      try {
        for (int kill = 1; kill <= kills; kill++) {
          boolean both = moments.nextInt(4) == 0;
          int enough = ledger.answered() + 1 + moments.nextInt(3_000);
          try (Load load = Load.start(current.get(), ledger, TOPICS, publishers)) {
            Waiting.until(enough + " messages answered", SOON, () -> ledger.answered() >= enough);
            postgres.kill();
            if (both) {
              server.kill9();
            } else {
              Relay relay = current.get();
              Waiting.until("not ready", SOON, () -> !relay.isReady());
              postgres.start();
              int before = ledger.answered();
              Waiting.until(
                  "messages are answered again",
                  SOON,
                  () -> load.isOver() || ledger.answered() > before);
            }
          }
          if (both) {
            postgres.start();
            current.set(server.start());
          }
          KillTest.checkAll(current.get(), ledger, followers);
        }
        server.kill9();
        current.set(server.start());
        KillTest.checkAll(current.get(), ledger, followers);
      } finally {
        followers.forEach(Follower::close);
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  private static ServerProcess serverOn(TestPostgres postgres) {
    Launch launch = Launch.serve(ServerProcess.newDirectory()).on(postgres.createDatabase());
    return new ServerProcess(launch);
  }
}
