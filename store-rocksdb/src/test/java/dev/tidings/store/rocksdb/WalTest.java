// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.Stores.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of a write-ahead log that ends early or is damaged.
final class WalTest {
  private static final int BATCHES = 6;

  @TempDir private Path root;
  private Path killed;
  private Path wal;
  private byte[] bytes;
  private final List<Long> sizes = new ArrayList<>();

  private static RocksStore open(Path directory) throws StoreException {
    return RocksStore.open(Stores.options(directory, Durability.FSYNC));
  }

  /// What a process leaves that is killed after some batches, and how long its log was after each.
  @BeforeEach
  void commitAndKill() throws Exception {
    Path live = root.resolve("live");
    killed = root.resolve("killed");
    try (RocksStore store = open(live)) {
      Writer writer = Stores.writer(store);
      Path log = Stores.files(live, ".log").getLast();
      for (int i = 0; i < BATCHES; i++) {
        writer.append(1, i == BATCHES - 1 ? 1 : 2);
        sizes.add(Files.size(log));
      }
      Stores.copy(live, killed);
    }
    wal = Stores.files(killed, ".log").getLast();
    bytes = Files.readAllBytes(wal);
  }

  private Path copyWith(int number, byte[] log) throws Exception {
    Path copy = root.resolve("copy-" + number);
    Stores.copy(killed, copy);
    Files.write(copy.resolve("db").resolve(wal.getFileName()), log);
    return copy;
  }

  @Test
  void cutAtEveryLengthOfTheLastRecord_losesThatBatchAlone() throws Exception {
    int before = Math.toIntExact(sizes.get(BATCHES - 2));
    int end = Math.toIntExact(sizes.get(BATCHES - 1));
    assertThat(end).isEqualTo(bytes.length).isGreaterThan(before + 50);
    for (int length = before; length <= end; length++) {
      try (RocksStore store = open(copyWith(length, Arrays.copyOf(bytes, length)))) {
        assertThat(Stores.sequences(store, 1)).hasSize(2 * (BATCHES - 1) + (length == end ? 1 : 0));
        assertThat(store.health().quarantined()).isEmpty();
      }
    }
  }

  @Test
  void zerosAfterTheEnd_areNoDamage() throws Exception {
    Path copy = copyWith(0, Arrays.copyOf(bytes, bytes.length + 5000));
    try (RocksStore store = open(copy)) {
      assertThat(Stores.sequences(store, 1)).hasSize(2 * BATCHES - 1);
    }
  }

  @Test
  void damageInTheMiddle_stopsTheStartNamesTheFileAndChangesNothing() throws Exception {
    int from = Math.toIntExact(sizes.get(1));
    int to = Math.toIntExact(sizes.get(2));
    for (int at = from; at < to; at++) {
      byte[] bad = bytes.clone();
      bad[at] ^= (byte) 0x80;
      Path copy = copyWith(at, bad);
      Path file = copy.resolve("db").resolve(wal.getFileName());
      assertThatThrownBy(() -> open(copy))
          .as("byte %s", at)
          .isInstanceOf(StoreException.class)
          .hasMessageContaining(file.toString())
          .hasMessageContaining("byte " + from + ",");
      assertThat(Files.readAllBytes(file)).isEqualTo(bad);
    }
  }

  @Test
  void damageInTheLastRecord_isNeverReadAsAMessage() throws Exception {
    int from = Math.toIntExact(sizes.get(BATCHES - 2));
    int refused = 0;
    for (int at = from; at < bytes.length; at += 2) {
      byte[] bad = bytes.clone();
      bad[at] ^= (byte) 0x80;
      Path copy = copyWith(at, bad);
      try (RocksStore store = open(copy)) {
        // Told from a record cut off in the middle it cannot be: its length points past the end.
        assertThat(Stores.sequences(store, 1)).hasSize(2 * (BATCHES - 1));
      } catch (StoreException e) {
        refused++;
        assertThat(e).hasMessageContaining("checksum").hasMessageContaining(copy.toString());
      }
    }
    assertThat(refused).isGreaterThan((bytes.length - from) / 4);
  }

  /// A power cut in memory mode lets pages of the log reach the disk out of order; the server then
  /// refused to start, though this mode promises a loss that is told.
  @Test
  void holeInTheMiddle_afterMemoryMode_losesWhatFollowsAndIsALapse() throws Exception {
    Path live = root.resolve("live-memory");
    Path copy = root.resolve("killed-memory");
    long hole;
    try (RocksStore store = RocksStore.open(Stores.options(live, Durability.MEMORY))) {
      Writer writer = Stores.writer(store);
      writer.append(1, 2);
      hole = Files.size(Stores.files(live, ".log").getLast());
      writer.append(1, 2);
      writer.append(1, 2);
      Stores.copy(live, copy);
    }
    Path log = Stores.files(copy, ".log").getLast();
    byte[] holed = Files.readAllBytes(log);
    Arrays.fill(holed, Math.toIntExact(hole), Math.toIntExact(hole) + 20, (byte) 0);
    Files.write(log, holed);
    // The mode of the start that follows does not matter, nor a reopening.
    try (RocksStore store = open(copy)) {
      assertThat(Stores.sequences(store, 1)).containsExactly(1L, 2L);
      assertThat(store.extent(1).nextSequence()).isEqualTo(3 + LogExtent.LAPSE_STEP);
      Stores.writer(store).append(1, 1);
      store.reopen();
      assertThat(Stores.sequences(store, 1)).containsExactly(1L, 2L, 3 + LogExtent.LAPSE_STEP);
    }
    assertThat(copy.resolve("wal-unsynced")).doesNotExist();
    assertThat(live.resolve("wal-unsynced")).as("after a clean end").doesNotExist();
  }

  @Test
  void aLogThatWentMissing_stopsTheStart() throws Exception {
    // Two logs are needed for the manifest to know the first: write until the second is there.
    Path live = root.resolve("live-2");
    Path copy = root.resolve("missing");
    try (RocksStore store =
        RocksStore.open(
            RocksOptions.of(live, Durability.FSYNC)
                .withMemory(4 << 20, 1 << 20)
                .withDiskLowWater(0))) {
      Writer writer = Stores.writer(store);
      while (Stores.files(live, ".log").size() < 2) {
        writer.append(1, 1000);
      }
      writer.append(1, 1);
      Stores.copy(live, copy);
    }
    List<Path> logs = Stores.files(copy, ".log");
    assertThat(logs.size()).isGreaterThanOrEqualTo(2);
    Files.delete(logs.getFirst());
    assertThatThrownBy(() -> open(copy)).isInstanceOf(StoreException.class);
  }
}
