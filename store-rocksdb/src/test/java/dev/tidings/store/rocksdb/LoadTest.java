// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// Many bytes and many logs.
@Timeout(60)
final class LoadTest {
  @TempDir private Path directory;

  private static final long MIB = 1 << 20;

  /// Memory of this process that is not mapped from files.
  private static long residentBytes() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("RssAnon:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IllegalStateException("no RssAnon in /proc/self/status");
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, disabledReason = "reads /proc")
  void writingReadingAndTrimming_keepsNativeMemoryBounded() throws Exception {
    byte[] noise = new byte[2000];
    new Random(1).nextBytes(noise);
    RocksOptions options =
        RocksOptions.of(directory, Durability.MEMORY).withMemory(24 * MIB, 8 * MIB);
    long memtables = 0;
    long cache = 0;
    long firstResident = 0;
    try (RocksStore store = RocksStore.open(options)) {
      long epoch = store.openSlots(SlotSet.ALL);
      long number = 0;
      // 256 MB in all: 32 times what the memtables may hold.
      for (int round = 1; round <= 640; round++) {
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
          messages.add(
              new Message(
                  number * 200 + i + 1, round, Message.NEVER, Payload.wrap(noise), Payload.EMPTY));
        }
        List<StoreRecord> records = new ArrayList<>();
        records.add(new MessagesAppended(1, 1, number * 200, number * 200 * 2000, messages));
        if (round > 100) {
          records.add(new LogTrimmed(1, 1, (number - 100) * 200));
        }
        store.commit(new Batch(0, epoch, ++number, records));
        if (round % 20 == 0) {
          store.read(1, 0, 5000, 4 * MIB);
          RocksStats stats = store.stats();
          memtables = Math.max(memtables, stats.memtableBytes());
          cache = Math.max(cache, stats.cacheBytes());
        }
        if (round == 200) {
          firstResident = residentBytes();
        }
      }
      assertThat(store.extent(1).messagesEver()).isEqualTo(128_000);
      assertThat(store.stats().walBytes()).isLessThan(64 * MIB);
    }
    assertThat(memtables).isLessThan(16 * MIB);
    assertThat(cache).isLessThan(40 * MIB);
    // The heap is in it as well, which grows up to its own bound; the growth is what counts.
    assertThat(residentBytes() - firstResident).isLessThan(300 * MIB);
  }

  @Test
  void aHundredThousandLogs_openQuickly() throws Exception {
    int logs = 100_000;
    RocksOptions options =
        RocksOptions.of(directory, Durability.MEMORY).withMemory(64 * MIB, 16 * MIB);
    try (RocksStore store = RocksStore.open(options)) {
      long epoch = store.openSlots(SlotSet.ALL);
      for (int first = 1; first <= logs; first += 5000) {
        List<StoreRecord> records = new ArrayList<>();
        for (int log = first; log < first + 5000; log++) {
          records.add(new MessagesAppended(1, log, 0, 0, List.of(Stores.message(1))));
        }
        store.commit(new Batch(0, epoch, first, records));
      }
    }
    long start = System.nanoTime();
    try (RocksStore store = RocksStore.open(options)) {
      long opened = System.nanoTime();
      for (int log = 1; log <= logs; log += 100) {
        assertThat(store.extent(log).nextSequence()).isEqualTo(2);
      }
      long read = System.nanoTime();
      assertThat((opened - start) / 1_000_000).as("ms to open").isLessThan(5_000);
      assertThat((read - opened) / 1_000_000).as("ms for 1000 extents").isLessThan(2_000);
      System.out.printf(
          "%d logs: open %d ms, 1000 extents %d ms%n",
          logs, (opened - start) / 1_000_000, (read - opened) / 1_000_000);
    }
  }
}
