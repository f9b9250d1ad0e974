// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.EntryRemoved;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.store.rocksdb.Stores.Writer;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksIterator;

/// The runs of a stream are deleted one by one where they are few, and as a range where they are
/// not: either way none is left, and none of another log goes.
final class StreamRunsTest {
  private static final int FIRST = DurableStream.FIRST_NUMBER;

  @TempDir private Path directory;

  private RocksStore open() throws StoreException {
    return RocksStore.open(
        RocksOptions.of(directory, Durability.FSYNC)
            .withMemory(64 << 20, 32 << 20)
            .withDiskLowWater(0));
  }

  private static DurableStream stream(int number) {
    return new DurableStream("s" + number, number, 0);
  }

  /// Runs of one message each, which do not become one because each leaves a sequence out.
  private static List<StoreRecord> runs(int log, int first, int count) {
    List<StoreRecord> runs = new ArrayList<>();
    for (int i = first; i < first + count; i++) {
      runs.add(new MessagesAppended(1, log, i, i * 10L, List.of(Stores.message(2L * i + 1))));
    }
    return runs;
  }

  private static void commit(Writer writer, List<StoreRecord> records) throws StoreException {
    writer.commit(records.toArray(StoreRecord[]::new));
  }

  /// The numbers of the logs of all runs there are, a run each.
  private List<Integer> logsOfRuns() throws Exception {
    List<Integer> logs = new ArrayList<>();
    Raw.with(
        directory,
        "messages",
        (db, family) -> {
          try (RocksIterator iterator = db.newIterator(family)) {
            for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
              logs.add(ByteBuffer.wrap(iterator.key()).getInt());
            }
            iterator.status();
          }
        });
    return logs;
  }

  @Test
  void removal_leavesNoRun_howeverManyThereWere_alsoInItsOwnBatch() throws Exception {
    List<Integer> neighbours = new ArrayList<>();
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      int log = FIRST;
      for (int before = 0; before <= BatchWriter.FEW_RUNS + 2; before++) {
        for (int own : new int[] {0, 1, 2, BatchWriter.FEW_RUNS, BatchWriter.FEW_RUNS + 2}) {
          commit(writer, runs(log, 0, before));
          commit(writer, runs(log + 1, 0, 1));
          neighbours.add(log + 1);
          List<StoreRecord> last = runs(log, before, own);
          if (own == 2) {
            last.add(new LogTrimmed(1, log, 2L * before + 2));
          }
          last.add(new EntryRemoved(stream(log)));
          commit(writer, last);
          log += 2;
        }
      }
    }
    assertThat(logsOfRuns()).isEqualTo(neighbours);
  }

  @Test
  void trim_leavesWhatIsRetained_andAtMostOneRunBeforeIt() throws Exception {
    List<Integer> retained = new ArrayList<>();
    int logs = 0;
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (int before = 1; before <= BatchWriter.FEW_RUNS + 3; before++) {
        for (int kept = 0; kept <= before; kept++) {
          int log = FIRST + logs++;
          commit(writer, runs(log, 0, before - 1));
          List<StoreRecord> last = runs(log, before - 1, 1);
          last.add(new LogTrimmed(1, log, 2L * (before - kept)));
          commit(writer, last);
          assertThat(Stores.sequences(store, log))
              .isEqualTo(
                  LongStream.range(before - kept, before).map(it -> 2 * it + 1).boxed().toList());
          retained.addAll(Collections.nCopies(kept, log));
        }
      }
    }
    List<Integer> left = logsOfRuns();
    assertThat(left).containsAll(retained).hasSizeBetween(retained.size(), retained.size() + logs);
  }

  @Test
  void streamsThatGoByThousands_doNotFlushTheMemtable() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (int log = FIRST; log < FIRST + 3000; log += 50) {
        List<StoreRecord> come = new ArrayList<>();
        List<StoreRecord> go = new ArrayList<>();
        for (int i = log; i < log + 50; i++) {
          come.add(new EntryPut(stream(i)));
          come.addAll(runs(i, 0, 1));
          go.add(new LogTrimmed(1, i, 2));
          go.add(new EntryRemoved(stream(i)));
        }
        commit(writer, come);
        commit(writer, go);
      }
      assertThat(Stores.files(directory, ".sst")).isEmpty();
    }
    assertThat(logsOfRuns()).isEmpty();
  }

  @Test
  void streamThatCannotBeRead_canBeRemoved() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      writer.commit(new EntryPut(stream(FIRST)));
      for (int i = 0; i < 5; i++) {
        writer.append(FIRST, 300);
      }
    }
    // A start replays the write-ahead log into tables.
    open().close();
    Path table =
        Stores.files(directory, ".sst").stream()
            .max(Comparator.comparing(file -> file.toFile().length()))
            .orElseThrow();
    byte[] bytes = Files.readAllBytes(table);
    bytes[40] ^= 0x40;
    Files.write(table, bytes);
    try (RocksStore store = open()) {
      Stores.writer(store).commit(new EntryRemoved(stream(FIRST)));
      assertThat(store.loadDirectory().entries()).isEmpty();
      assertThat(Stores.sequences(store, FIRST)).isEmpty();
    }
  }
}
