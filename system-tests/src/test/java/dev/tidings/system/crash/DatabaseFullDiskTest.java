// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.store.sql.TestPostgres;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The disk of the database fills up, and has room again.
@Tag("embedded")
@Timeout(120)
final class DatabaseFullDiskTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path folder;

  @Test
  void reallyFull_losesNothingAnswered_andHealsByItself() throws Exception {
    try (SmallDisk disk = SmallDisk.mount();
        TestPostgres postgres = TestPostgres.start(folder.resolve("postgres"))) {
      Path tablespace = Files.createDirectory(disk.path().resolve("tables"));
      postgres.execute("create tablespace small location '" + tablespace + "'");
      Launch launch =
          Launch.serve(ServerProcess.newDirectory())
              .on(postgres.createDatabase("encoding 'UTF8' tablespace small"));
      try (var server = new ServerProcess(launch)) {
        Relay relay = server.start();
        var ledger = new Ledger();
        int number = FullDiskTest.publishUntilFull(relay, ledger, 0, disk);
        relay.get("/health").expect(200);
        assertThat(relay.pollAfter(FullDiskTest.TOPIC, "start").get("messages"))
            .as("read on")
            .isNotEmpty();

        disk.empty();
        Waiting.until("ready again", SOON, relay::isReady);
        var next = new AtomicInteger(number);
        Waiting.until(
            "published after it healed",
            SOON,
            () -> FullDiskTest.publish(relay, ledger, next.getAndIncrement()));
        for (int left = 20; left > 0; left--) {
          assertThat(FullDiskTest.publish(relay, ledger, next.getAndIncrement())).isTrue();
        }
        ledger.check(relay.readAll(List.of(FullDiskTest.TOPIC)));

        server.kill9();
        ledger.check(server.start().readAll(List.of(FullDiskTest.TOPIC)));
      }
      // The tables lie where the folder of the database does not reach.
      postgres.stop();
    }
  }
}
