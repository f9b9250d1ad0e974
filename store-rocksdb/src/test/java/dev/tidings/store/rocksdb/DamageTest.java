// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.DirectoryContents.Damaged;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.SequenceRange;
import dev.tidings.store.rocksdb.Stores.Writer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Bytes on the disk that are not what was written: readers get what is left, operators are told,
/// nothing is deleted.
final class DamageTest {
  private static final int LOG = 5;

  @TempDir private Path directory;
  @TempDir private Path copies;

  private RocksStore open() throws StoreException {
    return RocksStore.open(Stores.options(directory, Durability.FSYNC));
  }

  private List<Path> quarantined() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("quarantine"))) {
      return files.sorted().toList();
    }
  }

  private void flip(byte[] key, String family, int at) throws Exception {
    Raw.with(
        directory,
        family,
        (db, handle) -> {
          byte[] value = db.get(handle, key);
          value[Math.floorMod(at, value.length)] ^= 0x10;
          db.put(handle, key, value);
        });
  }

  @Test
  void damagedRun_isSkippedKeptAsideOnceAndNamed() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (int i = 0; i < 5; i++) {
        writer.append(LOG, 4);
      }
    }
    byte[] key = Codec.runKey(LOG, 9);
    flip(key, "messages", 20);
    for (int start = 0; start < 2; start++) {
      try (RocksStore store = open()) {
        for (int i = 0; i < 3; i++) {
          assertThat(Stores.sequences(store, LOG))
              .containsExactly(
                  1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 13L, 14L, 15L, 16L, 17L, 18L, 19L, 20L);
          assertThat(store.read(LOG, 10, 1, 1).messages()).containsExactly(Stores.message(13));
          assertThat(store.runAt(LOG, 10).orElseThrow().firstSequence()).isEqualTo(13);
        }
        assertThat(store.health().writable()).isTrue();
        assertThat(store.health().quarantined()).singleElement().asString().startsWith("5-9-");
        assertThat(store.extent(LOG).nextSequence()).isEqualTo(21);
      }
    }
    assertThat(quarantined()).hasSize(2);
    assertThat(Files.size(quarantined().get(0))).isGreaterThan(40);
    assertThat(Files.readString(quarantined().get(1))).contains("log 5", "sequence 9", "checksum");
    // The record itself stays where it is.
    Raw.with(directory, "messages", (db, handle) -> assertThat(db.get(handle, key)).isNotNull());
  }

  @Test
  void damagedLastRun_doesNotLetSequencesBeGivenTwice() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      writer.append(LOG, 3);
      writer.append(LOG, 3);
    }
    flip(Codec.runKey(LOG, 4), "messages", -1);
    try (RocksStore store = open()) {
      assertThat(store.extent(LOG).nextSequence()).isEqualTo(4 + LogExtent.LAPSE_STEP);
      assertThat(store.extent(LOG).messagesEver()).isEqualTo(3);
      Stores.writer(store).append(LOG, 1);
      assertThat(Stores.sequences(store, LOG))
          .containsExactly(1L, 2L, 3L, 4 + LogExtent.LAPSE_STEP);
    }
  }

  @Test
  void damagedOnlyRun_leavesAnEmptyLogThatGoesOnHigher() throws Exception {
    try (RocksStore store = open()) {
      Stores.writer(store).append(LOG, 3);
    }
    flip(Codec.runKey(LOG, 1), "messages", 3);
    try (RocksStore store = open()) {
      assertThat(Stores.sequences(store, LOG)).isEmpty();
      assertThat(store.extent(LOG).nextSequence()).isEqualTo(1 + LogExtent.LAPSE_STEP);
    }
  }

  @Test
  void runOfANewerVersion_isRefusedAndNotQuarantined() throws Exception {
    try (RocksStore store = open()) {
      Stores.writer(store).append(LOG, 3);
    }
    byte[] key = Codec.runKey(LOG, 1);
    Raw.with(
        directory,
        "messages",
        (db, handle) -> db.put(handle, key, CodecTest.newer(key, db.get(handle, key))));
    try (RocksStore store = open()) {
      assertThatThrownBy(() -> store.read(LOG, 1, 1, 1))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("newer Tidings");
      assertThat(store.health().quarantined()).isEmpty();
    }
  }

  @Test
  void damagedTrimMark_fallsBackToTheFirstRun_orRefusesTheLog() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (int log = 1; log <= 2; log++) {
        writer.append(log, 3);
        writer.append(log, 3);
      }
      writer.commit(new LogTrimmed(1, 1, 5), new LogTrimmed(1, 2, 7));
    }
    flip(Codec.metaKey('t', 1), "meta", 7);
    flip(Codec.metaKey('t', 2), "meta", 7);
    try (RocksStore store = open()) {
      assertThat(Stores.sequences(store, 1)).containsExactly(4L, 5L, 6L);
      assertThat(store.extent(1)).isEqualTo(new LogExtent(4, 7, 6, 6, 54));
      assertThatThrownBy(() -> store.extent(2)).hasMessageContaining("trim mark of log 2");
      assertThat(store.health().quarantined()).hasSize(2);
    }
  }

  @Test
  void damagedDirectoryEntry_isReportedByName() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (String name : List.of("a", "größe", "z")) {
        writer.commit(
            new EntryPut(new Topic(name, 3, "o", true, Optional.empty(), 0, Set.of("g"))));
      }
    }
    flip(EntryCodec.key(Entry.Kind.TOPIC, "größe"), "directory", 9);
    try (RocksStore store = open()) {
      var contents = store.loadDirectory();
      assertThat(contents.all(Topic.class)).extracting(Topic::name).containsExactly("a", "z");
      assertThat(contents.damaged()).hasSize(1);
      assertThat(contents.damaged().getFirst().kind()).isEqualTo(Entry.Kind.TOPIC);
      assertThat(contents.damaged().getFirst().key()).isEqualTo("größe");
      assertThat(contents.damaged().getFirst().reason()).contains("checksum", "quarantine");
    }
  }

  @Test
  void damagedStreamOrSigningKey_keepsItsNameTaken_andItsNumberUsed() throws Exception {
    DurableStream stream = new DurableStream("s", DurableStream.FIRST_NUMBER + 3, 7);
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      writer.commit(
          new EntryPut(stream), new EntryPut(new SigningKey("k", Payload.of("secret"), 7)));
      writer.append(stream.number(), 2);
    }
    flip(EntryCodec.key(Entry.Kind.STREAM, "s"), "directory", 7);
    flip(EntryCodec.key(Entry.Kind.KEY, "k"), "directory", 7);
    for (int start = 0; start < 2; start++) {
      try (RocksStore store = open()) {
        var contents = store.loadDirectory();
        assertThat(contents.entries()).isEmpty();
        assertThat(contents.damaged())
            .extracting(Damaged::kind, Damaged::key)
            .containsExactlyInAnyOrder(tuple(Entry.Kind.STREAM, "s"), tuple(Entry.Kind.KEY, "k"));
        assertThat(contents.damaged()).allMatch(it -> !it.reason().contains("secret"));
        assertThat(contents.lastStreamNumber()).isEqualTo(stream.number());
        assertThat(Stores.sequences(store, stream.number())).containsExactly(1L, 2L);
      }
    }
    assertThat(quarantined()).hasSize(4);
  }

  @Test
  void damagedExchangeQueueOrBinding_isReportedByItsKey_andItsNumberStaysUsed() throws Exception {
    Exchange exchange = new Exchange("x/😀", 40, Exchange.Type.TOPIC, "o", 7);
    Queue queue = new Queue("q", 30, true, Queue.Mode.WORK, Queue.Bounds.NONE, "o", 7);
    Binding binding = Binding.of(exchange, queue, "a/#", 7);
    Binding whole = Binding.of(exchange, queue, "", 7);
    try (RocksStore store = open()) {
      Stores.writer(store)
          .commit(
              new EntryPut(exchange),
              new EntryPut(queue),
              new EntryPut(binding),
              new EntryPut(whole));
    }
    for (Entry entry : List.of(exchange, queue, binding)) {
      flip(EntryCodec.key(entry), "directory", 9);
    }
    for (int start = 0; start < 2; start++) {
      try (RocksStore store = open()) {
        var contents = store.loadDirectory();
        assertThat(contents.entries()).containsExactly(whole);
        assertThat(contents.damaged())
            .extracting(Damaged::kind, Damaged::key)
            .containsExactlyInAnyOrder(
                tuple(Entry.Kind.EXCHANGE, "x/😀"),
                tuple(Entry.Kind.QUEUE, "q"),
                tuple(Entry.Kind.BINDING, "40/30/a/#"));
        assertThat(contents.lastIncarnation()).isGreaterThanOrEqualTo(40);
      }
    }
    assertThat(quarantined()).hasSize(6);
  }

  @Test
  void damagedDeliveries_areKeptAsideAndNamed_andAreNotLoaded() throws Exception {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (long ordinal = 1; ordinal <= 3; ordinal++) {
        DeliveryChange change =
            new DeliveryChange(
                ordinal,
                false,
                ordinal,
                ordinal,
                DeliveryChange.Totals.NONE,
                List.of(new SequenceRange(ordinal, ordinal)),
                List.of(),
                List.of());
        writer.commit(new DeliveryChanged(1, 8, change), new DeliveryChanged(1, 9, change));
      }
    }
    byte[] key = DeliveryCodec.key(8, 2);
    flip(key, "meta", 9);
    for (int start = 0; start < 2; start++) {
      try (RocksStore store = open()) {
        assertThatThrownBy(() -> store.loadDeliveries(8))
            .isInstanceOf(StoreException.class)
            .hasMessageContaining("deliveries of subscription number 8")
            .hasMessageContaining("checksum");
        assertThatThrownBy(() -> store.loadDeliveries(8)).isInstanceOf(StoreException.class);
        assertThat(store.loadDeliveries(9)).hasSize(3);
        assertThat(store.health().quarantined())
            .singleElement()
            .asString()
            .startsWith("deliveries-8-");
        assertThat(store.health().writable()).isTrue();
      }
    }
    assertThat(quarantined()).hasSize(2);
    Raw.with(directory, "meta", (db, handle) -> assertThat(db.get(handle, key)).isNotNull());
  }

  @Test
  void damagedScheduledMessage_isLeftOutKeptAsideOnceAndNamed() throws Exception {
    ScheduledMessage bad = Stores.scheduled(LOG, 2, 1000);
    try (RocksStore store = open()) {
      Stores.writer(store)
          .commit(
              Stores.schedule(Stores.scheduled(LOG, 1, 1000), bad, Stores.scheduled(LOG, 3, 1000)));
    }
    byte[] key = ScheduledCodec.dueKey(bad.id(), 1);
    flip(key, "scheduled", 9);
    for (int start = 0; start < 2; start++) {
      try (RocksStore store = open()) {
        for (int i = 0; i < 2; i++) {
          assertThat(Stores.waiting(store)).containsExactly(1L, 3L);
          assertThat(Stores.waiting(store, LOG)).containsExactly(1L, 3L);
        }
        // At least one if there is any.
        assertThat(store.readScheduled(SlotSet.ALL, bad.id(), Long.MAX_VALUE, 1, 1))
            .containsExactly(Stores.scheduled(LOG, 3, 1000));
        assertThat(store.readScheduledOf(LOG, bad.id(), 0, 1, 1))
            .containsExactly(Stores.scheduled(LOG, 3, 1000));
        assertThat(store.countScheduled()).isEqualTo(3);
        assertThat(store.health().writable()).isTrue();
        assertThat(store.health().quarantined())
            .singleElement()
            .asString()
            .startsWith("scheduled-");
        assertThat(store.loadDirectory().lastScheduled()).isEqualTo(3);
      }
    }
    assertThat(quarantined()).hasSize(2);
    assertThat(Files.readString(quarantined().get(1)))
        .contains("scheduled message " + bad.id().toUuid(), "log 5", "checksum");
    Raw.with(directory, "scheduled", (db, handle) -> assertThat(db.get(handle, key)).isNotNull());
  }

  @Test
  void scheduledMessageOfANewerVersion_isRefusedAndNotQuarantined() throws Exception {
    ScheduledMessage message = Stores.scheduled(LOG, 2, 1000);
    try (RocksStore store = open()) {
      Stores.writer(store).commit(Stores.schedule(message));
    }
    byte[] key = ScheduledCodec.dueKey(message.id(), 1);
    Raw.with(
        directory,
        "scheduled",
        (db, handle) -> db.put(handle, key, CodecTest.newer(key, db.get(handle, key))));
    try (RocksStore store = open()) {
      assertThatThrownBy(() -> Stores.waiting(store)).hasMessageContaining("newer Tidings");
      assertThatThrownBy(() -> Stores.waiting(store, LOG)).hasMessageContaining("newer Tidings");
      assertThat(store.health().quarantined()).isEmpty();
    }
  }

  /// Turns over a byte of the table of scheduled messages here and there: those far from the damage
  /// come, in order and right, and the damage is told.
  @Test
  void damagedBlocksOfScheduledMessages_costOnlyWhatLiesInThem() throws Exception {
    int count = 3000;
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (long number = 1; number <= count; number += 100) {
        ScheduledMessage[] messages = new ScheduledMessage[100];
        for (int i = 0; i < messages.length; i++) {
          messages[i] = Stores.scheduled(LOG, number + i, 1_700_000_000_000L + 37 * number);
        }
        writer.commit(Stores.schedule(messages));
      }
    }
    // A start replays the write-ahead log into tables.
    open().close();
    List<Long> all = LongStream.rangeClosed(1, count).boxed().toList();
    try (RocksStore store = open()) {
      assertThat(Stores.waiting(store)).isEqualTo(all);
    }
    Path table =
        Stores.files(directory, ".sst").stream()
            .max(Comparator.comparing(file -> file.toFile().length()))
            .orElseThrow();
    byte[] good = Files.readAllBytes(table);
    int lost = 0;
    int unlisted = 0;
    for (double place : new double[] {0, 0.1, 0.3, 0.5, 0.7, 0.75, 0.8, 0.85}) {
      byte[] bad = good.clone();
      bad[(int) (good.length * place) + 40] ^= 0x40;
      // On a copy: a compaction of what is damaged would stop the store.
      Path copy = copies.resolve("at-" + place);
      Stores.copy(directory, copy);
      Files.write(copy.resolve("db").resolve(table.getFileName()), bad);
      try (RocksStore store = RocksStore.open(Stores.options(copy, Durability.FSYNC))) {
        List<Long> due = Stores.waiting(store);
        List<Long> listed = Stores.waiting(store, LOG);
        for (List<Long> left : List.of(due, listed)) {
          assertThat(left).isSorted().doesNotHaveDuplicates().isSubsetOf(all);
          assertThat(left.size()).isGreaterThan(count / 2);
        }
        assertThat(store.countScheduled()).isGreaterThan(count / 2);
        if (due.size() < count) {
          lost++;
        }
        if (listed.size() < count) {
          unlisted++;
          assertThat(store.health().quarantined()).isNotEmpty();
        }
        // What lies elsewhere is not hidden, though it is due before the damaged ones.
        Stores.writer(store).commit(Stores.schedule(Stores.scheduled(LOG, count + 1, 1)));
        assertThat(Stores.waiting(store)).startsWith(count + 1L).hasSize(due.size() + 1);
        // Between the first and the last key of a block that cannot be read, nothing is found.
        assertThat(Stores.waiting(store, LOG)).containsAll(listed);
      }
    }
    assertThat(lost).isGreaterThanOrEqualTo(4);
    assertThat(unlisted).isGreaterThanOrEqualTo(lost);
  }

  @Test
  void damagedMeta_stopsTheStart() throws Exception {
    open().close();
    flip(Codec.metaKey('s', 0), "meta", 5);
    assertThatThrownBy(this::open).hasMessageContaining("damaged").hasMessageContaining("copy");
  }

  /// Turns a table or blob file of runs over, a byte at a time, and reads: whatever is hit, every
  /// message that comes is right, those far from the damage come, and the damage is told.
  @Test
  void damagedBlocksOfFiles_costOnlyWhatLiesInThem() throws Exception {
    int runs = 400;
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (int i = 0; i < runs; i++) {
        writer.append(LOG, i % 100 == 50 ? 900 : 3);
      }
    }
    // A start replays the write-ahead log into tables and blob files.
    open().close();
    List<Long> all;
    try (RocksStore store = open()) {
      all = Stores.sequences(store, LOG);
    }
    assertThat(all).isEqualTo(LongStream.rangeClosed(1, all.size()).boxed().toList());
    List<Path> files = new ArrayList<>(Stores.files(directory, ".sst"));
    Path table = files.stream().max(Comparator.comparing(f -> f.toFile().length())).orElseThrow();
    Path blobs = Stores.files(directory, ".blob").getFirst();
    int lost = 0;
    for (Path file : List.of(table, blobs)) {
      byte[] good = Files.readAllBytes(file);
      // Data blocks come first; the index and the footer of a table are its end.
      for (double place : new double[] {0.01, 0.2, 0.4, 0.6, 0.8}) {
        byte[] bad = good.clone();
        bad[(int) (good.length * place) + 40] ^= 0x40;
        Files.write(file, bad);
        try (RocksStore store = open()) {
          List<Long> left = new ArrayList<>();
          long from = 0;
          while (true) {
            var page = store.read(LOG, from, 50, Long.MAX_VALUE).messages();
            if (page.isEmpty()) {
              break;
            }
            page.forEach(m -> assertThat(m).isEqualTo(Stores.message(m.sequence())));
            page.forEach(m -> left.add(m.sequence()));
            from = page.getLast().sequence() + 1;
          }
          assertThat(left).isSorted().doesNotHaveDuplicates();
          assertThat(left.size()).isGreaterThan(all.size() / 2);
          if (left.size() < all.size()) {
            lost++;
            assertThat(store.health().quarantined()).isNotEmpty();
          }
          assertThat(store.extent(LOG).nextSequence()).isGreaterThan(all.size());
          assertThat(store.extent(LOG).messagesEver()).isGreaterThan(all.size() / 2);
        }
        Files.write(file, good);
      }
    }
    assertThat(lost).isGreaterThanOrEqualTo(8);
    try (RocksStore store = open()) {
      assertThat(Stores.sequences(store, LOG)).isEqualTo(all);
    }
  }
}
