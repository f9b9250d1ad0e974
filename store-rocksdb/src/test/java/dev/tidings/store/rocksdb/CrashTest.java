// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.Message;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A process is killed in the middle of committing, its files are cut back to what was synced, and
/// the store is opened again: what a power cut does.
@Timeout(60)
final class CrashTest {
  @TempDir private Path directory;

  /// What the killed process had last been told was durable.
  private record Acknowledged(long epoch, long number, long sequence) {}

  private Path data() {
    return directory.resolve("data");
  }

  private Path journal() {
    return directory.resolve("journal");
  }

  private Acknowledged runAndKill(Durability durability, int batches) throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                CrashChild.class.getName(),
                data().toString(),
                durability.name(),
                journal().toString(),
                // Small, so that tables and blob files are written. Without syncs large, so that
                // nothing is: RocksDB syncs a log when it writes its tables, whatever the mode, and
                // the last batch might just be in there.
                durability == Durability.FSYNC ? "1" : "64")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<String> last = List.of();
    try (BufferedReader output =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      int lines = 0;
      String line = output.readLine();
      while (line != null) {
        // The first line, and a last one that was cut by the kill, have fewer parts.
        List<String> parts = Arrays.asList(line.split(" ", -1));
        if (parts.size() == 3 && !parts.get(2).isEmpty()) {
          last = parts;
        }
        if (++lines == batches) {
          // Through its handle: Process#destroyForcibly would close the output we still read.
          boolean _ = child.toHandle().destroyForcibly();
        }
        line = output.readLine();
      }
    } finally {
      child.destroyForcibly().waitFor();
    }
    return new Acknowledged(
        Long.parseLong(last.get(0)), Long.parseLong(last.get(1)), Long.parseLong(last.get(2)));
  }

  private RocksStore open(Durability durability) throws Exception {
    return RocksStore.open(Stores.options(data(), durability));
  }

  @Test
  void fsync_afterKillsAndCuts_findsEverythingAcknowledged() throws Exception {
    for (int batches : new int[] {40, 700, 100}) {
      Acknowledged acknowledged = runAndKill(Durability.FSYNC, batches);
      SyncJournal.Cut cut = SyncJournal.cutBack(data().resolve("db"), journal());
      // The hook tells of the kinds of file the data is in, or the test would prove nothing.
      assertThat(cut.syncedKinds()).contains(".log", "MANIFEST");
      if (batches == 700) {
        assertThat(cut.syncedKinds()).contains(".sst", ".blob");
      }
      Path copy = directory.resolve("copy-" + batches);
      Stores.copy(data(), copy);
      try (RocksStore store = RocksStore.open(Stores.options(copy, Durability.FSYNC))) {
        assertThat(store.wasCommitted(0, acknowledged.epoch(), acknowledged.number())).isTrue();
        for (int log = 1; log <= CrashChild.LOGS; log++) {
          List<Message> messages = store.read(log, 0, Integer.MAX_VALUE, Long.MAX_VALUE).messages();
          assertThat(messages.size()).isGreaterThanOrEqualTo((int) acknowledged.sequence());
          for (int i = 0; i < messages.size(); i++) {
            assertThat(messages.get(i)).isEqualTo(CrashChild.message(log, i + 1));
          }
          assertThat(store.extent(log).nextSequence()).isEqualTo(messages.size() + 1);
          // Each batch appended five and scheduled one: as a whole or not at all.
          assertThat(store.loadDirectory().lastScheduled()).isEqualTo(messages.size() / 5);
        }
        long last = store.loadDirectory().lastScheduled();
        assertThat(Stores.waiting(store))
            .containsExactlyInAnyOrderElementsOf(
                LongStream.rangeClosed(last - CrashChild.WAITING + 1, last).boxed().toList());
        assertThat(store.countScheduled()).isEqualTo(CrashChild.WAITING);
        assertThat(store.health().quarantined()).isEmpty();
      }
    }
  }

  @Test
  void memory_afterKillAndCut_hasLostMessagesAndGivesNoSequenceTwice() throws Exception {
    Acknowledged acknowledged = runAndKill(Durability.MEMORY, 600);
    SyncJournal.Cut cut = SyncJournal.cutBack(data().resolve("db"), journal());
    assertThat(cut.bytes()).isPositive();
    try (RocksStore store = open(Durability.MEMORY)) {
      // If this fails, the cut spares what was not synced, and the test above proves nothing.
      assertThat(store.wasCommitted(0, acknowledged.epoch(), acknowledged.number())).isFalse();
      for (int log = 1; log <= CrashChild.LOGS; log++) {
        List<Long> left = Stores.sequences(store, log);
        assertThat(left.size()).isLessThan((int) acknowledged.sequence());
        assertThat(store.extent(log).nextSequence())
            .isEqualTo(left.size() + 1 + LogExtent.LAPSE_STEP);
        assertThat(store.loadDirectory().lastScheduled())
            .isEqualTo(left.size() / 5 + RocksStore.SCHEDULED_STEP);
      }
    }
  }

  @Test
  void memory_afterAKillAlone_hasEverythingAcknowledged() throws Exception {
    Acknowledged acknowledged = runAndKill(Durability.MEMORY, 100);
    try (RocksStore store = open(Durability.MEMORY)) {
      assertThat(store.wasCommitted(0, acknowledged.epoch(), acknowledged.number())).isTrue();
      for (int log = 1; log <= CrashChild.LOGS; log++) {
        assertThat(Stores.sequences(store, log).size())
            .isGreaterThanOrEqualTo((int) acknowledged.sequence());
      }
    }
  }
}
