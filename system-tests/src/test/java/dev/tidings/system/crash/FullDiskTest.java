// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.ServerProcess.Launch;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A disk that fills up, and has room again.
@Tag("embedded")
@Timeout(90)
final class FullDiskTest {
  private static final long MIB = 1 << 20;
  private static final Duration SOON = Duration.ofSeconds(20);
  static final String TOPIC = "filling";
  private static final String FILLER = "x".repeat(20_000);

  private static Launch launch(SmallDisk disk, String lowWater) {
    return Launch.serve(disk.path().resolve("data"))
        .with(
            "STORE_DISK_LOW_WATER", lowWater,
            "STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB",
            "STORE_ROCKSDB_BLOCK_CACHE_SIZE", "8MiB");
  }

  @Test
  void belowTheLowWaterMark_refusesAndReadsOn_andHealsByItself() throws Exception {
    try (SmallDisk disk = SmallDisk.mount();
        var server = new ServerProcess(launch(disk, "16MiB"))) {
      Relay relay = server.start();
      for (int n = 0; n < 10; n++) {
        relay.publishNumber(TOPIC, n);
      }
      try (Follower follower = Follower.start(() -> relay, TOPIC)) {
        Waiting.until("all on the socket", SOON, () -> follower.received().size() == 10);

        disk.fill(8 * MIB);
        Waiting.until("not ready", SOON, () -> !relay.isReady());
        relay.publish(TOPIC, Map.of("p", 0, "n", 10)).expectUnavailable();
        assertThat(relay.get("/ready").expect(503).text()).contains("takes no writes");
        assertThat(relay.pollAfter(TOPIC, "start").get("messages")).hasSize(10);

        disk.empty();
        Waiting.until("ready again", SOON, relay::isReady);
        relay.publishNumber(TOPIC, 11);
        var stored = relay.readAll(List.of(TOPIC)).get(TOPIC);
        assertThat(stored)
            .extracting(Relay.Stored::number)
            .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11);
        follower.expect(stored);
        assertThat(follower.sockets()).as("sockets: the first stayed open").isEqualTo(1);
      }
    }
  }

  @Test
  void reallyFull_losesNothingAnswered_andHealsByItself() throws Exception {
    try (SmallDisk disk = SmallDisk.mount();
        var server = new ServerProcess(launch(disk, "0B"))) {
      Relay relay = server.start();
      var ledger = new Ledger();
      int number = publishUntilFull(relay, ledger, 0, disk);
      // Whether it is ready now is open: reopening the store may have freed enough to go on.
      relay.get("/health").expect(200);

      disk.empty();
      Waiting.until("ready again", SOON, relay::isReady);
      for (int n = number; n < number + 20; n++) {
        assertThat(publish(relay, ledger, n)).as("published after it healed").isTrue();
      }
      ledger.check(relay.readAll(List.of(TOPIC)));

      server.kill9();
      ledger.check(server.start().readAll(List.of(TOPIC)));
    }
  }

  /// Publishes on a disk with 3 MiB left until it is full; answers the next number.
  static int publishUntilFull(Relay relay, Ledger ledger, int from, SmallDisk disk)
      throws IOException {
    int number = from;
    for (; number < 20; number++) {
      assertThat(publish(relay, ledger, number)).isTrue();
    }
    disk.fill(3 * MIB);
    for (int limit = number + 2_000; number < limit; number++) {
      if (!publish(relay, ledger, number)) {
        return number + 1;
      }
      if (disk.free() < MIB && number % 10 == 0) {
        // What the store gives back meanwhile would put it off for ever.
        disk.fill(0);
      }
    }
    throw new AssertionError("40 MB were written to a disk of 3 MiB");
  }

  /// Whether it was stored.
  static boolean publish(Relay relay, Ledger ledger, int number) {
    ledger.sending(0, number, TOPIC);
    Relay.Answer answer = relay.publish(TOPIC, Map.of("p", 0, "n", number, "filler", FILLER));
    if (answer.status() == 201) {
      ledger.answered(0, number, answer.json().get("message_id").asString());
      return true;
    }
    answer.expectUnavailable();
    if (!answer.text().contains("may or may not")) {
      ledger.refused(0, number);
    }
    return false;
  }
}
