// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Load.Publisher;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `kill -9` under load at random moments: what was answered is read back.
final class KillTest {
  static final List<String> TOPICS = List.of("orders", "invoices", "returns", "stock");

  /// A read of the store ends early with large messages; `has_more` once said then that this was
  /// all.
  @Test
  @Tag("embedded")
  @Timeout(60)
  void largeMessages_afterAKill_areReadBackWhileThereAreMore() {
    try (var server = new ServerProcess(Launch.serve(ServerProcess.newDirectory()))) {
      Relay relay = server.start();
      String filler = "x".repeat(10_000);
      for (int n = 0; n < 70; n++) {
        relay.publish("large", Map.of("p", 0, "n", n, "filler", filler)).expect(201);
      }
      server.kill9();

      assertThat(server.start().readAll(List.of("large")).get("large"))
          .extracting(Relay.Stored::number)
          .isEqualTo(IntStream.range(0, 70).boxed().toList());
    }
  }

  @Test
  @Timeout(90)
  void killedThreeTimes_keepsEverythingAnswered() {
    run(3, new Random().nextLong());
  }

  @Test
  @Tag("long")
  @Timeout(900)
  void killedTwentyTimes_keepsEverythingAnswered() {
    run(20, new Random().nextLong());
  }

  private static void run(int kills, long seed) {
    System.out.println("KillTest: " + kills + " kills with seed " + seed);
    var moments = new Random(seed);
    // Small, so that tables and blob files are being written when the kill comes.
    Launch launch =
        Launch.serve(ServerProcess.newDirectory()).with("STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB");
    try (var server = new ServerProcess(launch)) {
      var ledger = new Ledger();
      List<Publisher> publishers = Load.publishers(8, seed);
      var current = new AtomicReference<>(server.start());
      List<Follower> followers = follow(current);
      try {
        for (int kill = 1; kill <= kills; kill++) {
          int enough = ledger.answered() + 1 + moments.nextInt(4_000);
          try (Load _ = Load.start(current.get(), ledger, TOPICS, publishers)) {
            Waiting.until(
                enough + " messages answered",
                Duration.ofSeconds(40),
                () -> ledger.answered() >= enough);
            server.kill9();
          }
          current.set(server.start());
          checkAll(current.get(), ledger, followers);
        }
        assertThat(ledger.answered()).isPositive();
      } finally {
        followers.forEach(Follower::close);
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  static List<Follower> follow(AtomicReference<Relay> current) {
    var followers = new ArrayList<Follower>();
    TOPICS.forEach(topic -> followers.add(Follower.start(current::get, topic)));
    return followers;
  }

  /// What was answered is stored, and every follower has received what is stored.
  static void checkAll(Relay relay, Ledger ledger, List<Follower> followers) {
    var stored = relay.readAll(TOPICS);
    ledger.check(stored);
    for (int i = 0; i < TOPICS.size(); i++) {
      followers.get(i).expect(stored.get(TOPICS.get(i)));
    }
  }
}
