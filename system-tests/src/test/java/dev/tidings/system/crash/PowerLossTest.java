// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.store.rocksdb.SyncJournal;
import dev.tidings.system.crash.Load.Publisher;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The server is killed under load and its files are cut back to what was synced before it is
/// started again: what a power cut does. `kill -9` alone leaves the page cache, so it would not
/// notice a server that never syncs.
@Tag("embedded")
final class PowerLossTest {
  private static final List<String> TOPICS = KillTest.TOPICS;
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  @Test
  @Timeout(90)
  void fsync_keepsEverythingAnswered() {
    keepsEverything(2, new Random().nextLong());
  }

  @Test
  @Tag("long")
  @Timeout(900)
  void fsync_keepsEverythingAnsweredManyTimes() {
    keepsEverything(15, new Random().nextLong());
  }

  private static Launch launch(Path directory, String durability) {
    Launch launch = Launch.serve(directory);
    return launch
        .withMain(JournaledServer.class, launch.dataDir().toString(), journal(directory).toString())
        .with("STORE_DURABILITY", durability);
  }

  private static Path journal(Path directory) {
    return directory.resolve("journal");
  }

  private static SyncJournal.Cut cutBack(ServerProcess server) {
    try {
      Path directory = server.dataDir();
      return SyncJournal.cutBack(directory.resolve("store").resolve("db"), journal(directory));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Publishes until `enough` are answered, kills, and cuts the files.
  private static SyncJournal.Cut loseThePower(
      ServerProcess server, Relay relay, Ledger ledger, List<Publisher> publishers, int enough) {
    try (Load _ = Load.start(relay, ledger, TOPICS, publishers)) {
      Waiting.until(enough + " messages answered", PATIENCE, () -> ledger.answered() >= enough);
      server.kill9();
    }
    return cutBack(server);
  }

  private static void keepsEverything(int cuts, long seed) {
    System.out.println("PowerLossTest: " + cuts + " cuts with seed " + seed);
    var moments = new Random(seed);
    // Small, so that the data is in all kinds of files.
    Launch launch =
        launch(ServerProcess.newDirectory(), "fsync")
            .with("STORE_ROCKSDB_WRITE_BUFFER_SIZE", "1MiB");
    try (var server = new ServerProcess(launch)) {
      var ledger = new Ledger();
      List<Publisher> publishers = Load.publishers(8, seed);
      var current = new AtomicReference<>(server.start());
      List<Follower> followers = KillTest.follow(current);
      try {
        for (int cut = 1; cut <= cuts; cut++) {
          int enough = ledger.answered() + 500 + moments.nextInt(4_000);
          SyncJournal.Cut done = loseThePower(server, current.get(), ledger, publishers, enough);
          // Otherwise the journal tells nothing, and the cut proves nothing.
          assertThat(done.syncedKinds()).contains(".log", "MANIFEST");
          current.set(server.start());
          KillTest.checkAll(current.get(), ledger, followers);
        }
      } finally {
        followers.forEach(Follower::close);
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }

  /// The control: the same procedure finds a loss where there is one to find.
  @Test
  @Timeout(90)
  void memory_losesWhatWasAnswered() {
    long seed = new Random().nextLong();
    System.out.println("PowerLossTest: without syncs, with seed " + seed);
    try (var server = new ServerProcess(launch(ServerProcess.newDirectory(), "memory"))) {
      var ledger = new Ledger();
      List<Publisher> publishers = Load.publishers(8, seed);
      long missing = 0;
      for (int round = 1; missing == 0 && round <= 5; round++) {
        SyncJournal.Cut cut =
            loseThePower(server, server.start(), ledger, publishers, ledger.answered() + 500);
        assertThat(cut.bytes()).as("bytes that were never synced").isPositive();
        missing = ledger.missingFrom(server.start().readAll(TOPICS));
        server.kill9();
      }
      assertThat(missing).as("answered messages that a cut without syncs lost").isPositive();
    }
  }
}
