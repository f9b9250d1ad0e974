// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.EntryRemoved;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.store.rocksdb.Stores.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Starts and ends: lapses, formats, the fence, a database that cannot be opened for a while.
final class RocksStoreLifeTest {
  private static final long STEP = LogExtent.LAPSE_STEP;

  @TempDir private Path root;
  private int copies;

  private Path directory() {
    return root.resolve("data");
  }

  private RocksStore open(Durability durability) throws StoreException {
    return RocksStore.open(Stores.options(directory(), durability));
  }

  /// Ends the use of the directory the unclean way: what it holds now is what the next start finds.
  private void kill(RocksStore store) throws Exception {
    Path copy = root.resolve("killed-" + ++copies);
    Stores.copy(directory(), copy);
    store.close();
    Files.move(directory(), root.resolve("closed-" + copies));
    Files.move(copy, directory());
  }

  private static LogTrimmed trim(int log, long first) {
    return new LogTrimmed(1, log, first);
  }

  @Test
  void cleanEndsAndUncleanOnesUnderFsync_areNoLapse() throws Exception {
    RocksStore store = open(Durability.FSYNC);
    Stores.writer(store).append(1, 3);
    kill(store);
    store = open(Durability.MEMORY);
    assertThat(store.extent(1).nextSequence()).isEqualTo(4);
    store.close();
    store = open(Durability.MEMORY);
    assertThat(store.extent(1).nextSequence()).isEqualTo(4);
    store.close();
  }

  @Test
  void uncleanEndUnderMemory_movesEveryLogAndIncarnationsOn() throws Exception {
    RocksStore store = open(Durability.MEMORY);
    Writer writer = Stores.writer(store);
    writer.append(1, 3);
    writer.append(2, 3);
    writer.commit(trim(2, 4));
    writer.commit(new EntryPut(new Topic("t", 40, "o", false, Optional.empty(), 0, Set.of())));
    kill(store);

    // The mode of the start that follows does not matter.
    store = open(Durability.FSYNC);
    assertThat(store.extent(1)).isEqualTo(new LogExtent(1, 4 + STEP, 3, 3, 27));
    assertThat(store.extent(2)).isEqualTo(new LogExtent(4 + STEP, 4 + STEP, 3, 3, 27));
    assertThat(store.extent(3)).isEqualTo(new LogExtent(1 + STEP, 1 + STEP, 0, 0, 0));
    assertThat(store.loadDirectory().lastIncarnation()).isEqualTo(40 + RocksStore.INCARNATION_STEP);

    writer = Stores.writer(store);
    for (int log = 1; log <= 3; log++) {
      writer.append(log, 2);
    }
    assertThat(Stores.sequences(store, 1)).containsExactly(1L, 2L, 3L, 4 + STEP, 5 + STEP);
    assertThat(store.extent(1).nextSequence()).isEqualTo(6 + STEP);
    assertThat(store.extent(1).firstRetained()).isEqualTo(1);
    assertThat(store.extent(1).messagesEver()).isEqualTo(5);
    // Where nothing was retained, the log begins where it was continued, and does not go back.
    assertThat(store.extent(2).firstRetained()).isEqualTo(4 + STEP);
    assertThat(store.extent(3).firstRetained()).isEqualTo(1 + STEP);
    store.close();
    store = open(Durability.MEMORY);
    assertThat(store.extent(1).nextSequence()).isEqualTo(6 + STEP);
    assertThat(store.extent(3)).isEqualTo(new LogExtent(1 + STEP, 3 + STEP, 2 + STEP, 2, 30));
    kill(store);
    store = open(Durability.MEMORY);
    assertThat(store.extent(1).nextSequence()).isEqualTo(6 + 2 * STEP);
    assertThat(store.extent(4).nextSequence()).isEqualTo(1 + 2 * STEP);
    assertThat(store.loadDirectory().lastIncarnation())
        .isEqualTo(40 + 2 * RocksStore.INCARNATION_STEP);
    Writer last = Stores.writer(store);
    last.commit(trim(1, store.extent(1).nextSequence()));
    assertThat(store.extent(1).firstRetained()).isEqualTo(6 + 2 * STEP);
    assertThat(store.extent(1).nextSequence()).isEqualTo(6 + 2 * STEP);
    store.close();
  }

  @Test
  void uncleanEndUnderMemory_movesStreamsOn_upToTheLastNumber() throws Exception {
    int first = DurableStream.FIRST_NUMBER;
    RocksStore store = open(Durability.MEMORY);
    Stores.writer(store).append(first, 3);
    assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(first - 1);
    kill(store);

    // A stream whose entry was lost may have been the first.
    store = open(Durability.MEMORY);
    assertThat(store.extent(first)).isEqualTo(new LogExtent(1, 4 + STEP, 3, 3, 27));
    assertThat(store.loadDirectory().lastStreamNumber())
        .isEqualTo(first - 1 + RocksStore.STREAM_STEP);
    DurableStream stream = new DurableStream("s", first + RocksStore.STREAM_STEP, 0);
    Writer writer = Stores.writer(store);
    writer.commit(new EntryPut(stream));
    writer.commit(new EntryRemoved(stream));
    // Put under the lapses that there are: it does not jump for those again.
    assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(stream.number());
    kill(store);

    store = open(Durability.MEMORY);
    assertThat(store.loadDirectory().lastStreamNumber())
        .isEqualTo(stream.number() + RocksStore.STREAM_STEP);
    assertThat(store.loadDirectory().lastIncarnation()).isEqualTo(2 * RocksStore.INCARNATION_STEP);
    DurableStream high = new DurableStream("high", Integer.MAX_VALUE - 5, 0);
    Stores.writer(store).commit(new EntryPut(high));
    Stores.writer(store).append(high.number(), 2);
    kill(store);

    store = open(Durability.FSYNC);
    assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(Integer.MAX_VALUE);
    assertThat(store.loadDirectory().all(DurableStream.class)).containsExactly(high);
    assertThat(store.extent(high.number()).nextSequence()).isEqualTo(3 + 3 * STEP);
    store.close();
  }

  @Test
  void uncleanEndUnderMemory_movesScheduledNumbersOn_upToTheLast() throws Exception {
    long step = RocksStore.SCHEDULED_STEP;
    RocksStore store = open(Durability.MEMORY);
    Writer writer = Stores.writer(store);
    assertThat(store.loadDirectory().lastScheduled()).isZero();
    writer.commit(Stores.schedule(Stores.scheduled(1, 7, 1000), Stores.scheduled(1, 3, 1000)));
    // The highest, not the last one; and removing it gives nothing back.
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(7);
    writer.commit(Stores.unschedule(Stores.scheduled(1, 7, 1000)));
    kill(store);

    store = open(Durability.FSYNC);
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(7 + step);
    assertThat(Stores.waiting(store)).containsExactly(3L);
    writer = Stores.writer(store);
    writer.commit(Stores.schedule(Stores.scheduled(1, 8 + step, 1000)));
    // Put under the lapses that there are: it does not jump for those again.
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(8 + step);
    store.close();

    store = open(Durability.MEMORY);
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(8 + step);
    Stores.writer(store)
        .commit(Stores.schedule(Stores.scheduled(1, ScheduledId.MAX - step + 1, 1000)));
    kill(store);
    store = open(Durability.MEMORY);
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(ScheduledId.MAX);
    assertThat(Stores.waiting(store, 1)).containsExactly(3L, 8 + step, ScheduledId.MAX - step + 1);
    store.close();
  }

  @Test
  void directoryOfVersion5_hasNoFamilyForScheduledMessages_andGetsOne() throws Exception {
    RocksStore store = open(Durability.FSYNC);
    Stores.writer(store).append(1, 2);
    store.close();
    Raw.with(directory(), "scheduled", (db, family) -> db.dropColumnFamily(family));
    byte[] key = Codec.runKey(2, 1);
    List<Message> old = List.of(Stores.message(1), Stores.message(2), Stores.message(3));
    Raw.put(directory(), "messages", key, CodecTest.oldRun(key, 0, old));

    store = open(Durability.FSYNC);
    assertThat(Stores.sequences(store, 1)).containsExactly(1L, 2L);
    assertThat(store.read(2, 1, 9, Long.MAX_VALUE).messages()).isEqualTo(old);
    assertThat(store.extent(2).nextSequence()).isEqualTo(4);
    assertThat(store.countScheduled()).isZero();
    assertThat(Stores.waiting(store)).isEmpty();
    assertThat(store.loadDirectory().lastScheduled()).isZero();
    Stores.writer(store).commit(Stores.schedule(Stores.scheduled(1, 1, 1000)));
    store.close();
    store = open(Durability.FSYNC);
    assertThat(Stores.waiting(store)).containsExactly(1L);
    assertThat(store.health().quarantined()).isEmpty();
    store.close();
  }

  @Test
  void secondOpen_namesTheDirectoryAndTheHolderAndLeavesTheFirstAlone() throws Exception {
    try (RocksStore store = open(Durability.FSYNC)) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> open(Durability.FSYNC))
            .isInstanceOf(StoreException.class)
            .hasMessageContaining(directory().toString())
            .hasMessageContaining(String.valueOf(ProcessHandle.current().pid()));
      }
      Stores.writer(store).append(1, 1);
      assertThat(ownLockIsHeldForOthers()).isTrue();
    }
    try (RocksStore store = open(Durability.FSYNC)) {
      assertThat(Stores.sequences(store, 1)).containsExactly(1L);
    }
  }

  /// Tries from another process, since locks of files are between processes.
  private boolean ownLockIsHeldForOthers() throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                OpenChild.class.getName(),
                directory().toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    child.waitFor();
    assertThat(output).contains("in use by process " + ProcessHandle.current().pid());
    return true;
  }

  /// Opens a store and prints how that went.
  static final class OpenChild {
    private OpenChild() {}

    public static void main(String[] args) throws Exception {
      try (RocksStore _ = RocksStore.open(Stores.options(Path.of(args[0]), Durability.FSYNC))) {
        System.out.println("opened");
      } catch (StoreException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private void putMeta(char kind, byte[] value) throws Exception {
    byte[] key = Codec.metaKey(kind, 0);
    Raw.put(directory(), "meta", key, value);
  }

  @Test
  void formatsAndSlotHashesOfOthers_areRefused() throws Exception {
    open(Durability.FSYNC).close();
    byte[] format = Codec.metaKey('f', 0);
    putMeta('f', Codec.text(format, "tidings-rocksdb/2"));
    assertThatThrownBy(() -> open(Durability.FSYNC))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("tidings-rocksdb/2")
        .hasMessageContaining("expected: tidings-rocksdb/1");
    putMeta('f', CodecTest.newer(format, Codec.text(format, "x")));
    assertThatThrownBy(() -> open(Durability.FSYNC)).hasMessageContaining("newer Tidings");
    putMeta('f', Codec.text(format, RocksStore.FORMAT));
    byte[] hash = Codec.metaKey('h', 0);
    putMeta('h', Codec.text(hash, "sha1/16"));
    assertThatThrownBy(() -> open(Durability.FSYNC))
        .hasMessageContaining("sha1/16")
        .hasMessageContaining(Slot.HASH);
    putMeta('h', Codec.text(hash, Slot.HASH));
    open(Durability.FSYNC).close();
  }

  @Test
  void reopen_whileTheDatabaseCannotBeOpened_failsAgainAndAgainAndThenHeals() throws Exception {
    try (RocksStore store = open(Durability.FSYNC)) {
      Stores.writer(store).append(1, 2);
      Path db = directory().resolve("db");
      Path away = directory().resolve("away");
      // A file where the database's directory should be: RocksDB can neither open nor create it.
      Files.move(db, away);
      Files.writeString(db, "");
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(store::reopen).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> store.read(1, 1, 1, 1))
            .isInstanceOf(StoreException.class)
            .hasMessageContaining("reopened");
        assertThat(store.health().writable()).isFalse();
        assertThat(store.stats()).isEqualTo(RocksStats.NONE);
      }
      Files.delete(db);
      Files.move(away, db);
      store.reopen();
      assertThat(store.health().writable()).isTrue();
      assertThat(Stores.sequences(store, 1)).containsExactly(1L, 2L);
      Stores.writer(store).append(1, 1);
    }
  }

  @Test
  void health_belowTheLowWaterMark_isNotWritableAndSaysWhatToDo() throws Exception {
    try (RocksStore store =
        RocksStore.open(
            Stores.options(directory(), Durability.FSYNC).withDiskLowWater(Long.MAX_VALUE))) {
      assertThat(store.health().writable()).isFalse();
      assertThat(store.health().detail()).contains("MiB free", "low-water");
    }
  }

  @Test
  void stats_growWithWhatIsWritten() throws Exception {
    try (RocksStore store = open(Durability.FSYNC)) {
      RocksStats before = store.stats();
      Stores.writer(store).append(1, 5000);
      RocksStats after = store.stats();
      assertThat(after.memtableBytes()).isGreaterThan(before.memtableBytes());
      assertThat(after.walBytes()).isGreaterThan(before.walBytes());
      assertThat(after.cacheBytes()).isPositive();
      assertThat(after.writesStopped()).isFalse();
    }
  }

  @Test
  void options_thatMakeNoSense_areRefused() {
    RocksOptions options = RocksOptions.of(root, Durability.FSYNC);
    assertThatThrownBy(() -> options.withMemory(1 << 20, 1 << 20))
        .hasMessageContaining("at least twice");
    assertThatThrownBy(() -> options.withMemory(1 << 20, 10)).hasMessageContaining("1 MiB");
    assertThatThrownBy(() -> options.withDiskLowWater(-1)).hasMessageContaining("0 or more");
    assertThat(List.of(options.durability())).containsExactly(Durability.FSYNC);
  }
}
