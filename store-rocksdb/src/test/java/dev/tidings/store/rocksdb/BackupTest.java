// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.store.rocksdb.Stores.Writer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Backups: what is in them, what is refused, what damage does, and what a restored store goes on
/// with.
final class BackupTest {
  private static final long STEP = LogExtent.LAPSE_STEP;

  @TempDir private Path root;

  private RocksStore open() throws StoreException {
    return open("data");
  }

  private RocksStore open(String name) throws StoreException {
    return RocksStore.open(options(name));
  }

  private RocksOptions options(String name) {
    return Stores.options(root.resolve(name), Durability.FSYNC);
  }

  private Path backup(RocksStore store) throws StoreException {
    return backup(store, root.resolve("backup"));
  }

  private static Path backup(RocksStore store, Path target) throws StoreException {
    assertThat(store.backup(target)).isInstanceOf(BackupResult.Written.class);
    return target;
  }

  /// A backup of three messages, a topic with the incarnation 40, and a message large enough for a
  /// blob file.
  private Path someBackup() throws StoreException {
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      writer.append(1, 3);
      writer.append(2, 2000);
      writer.commit(new EntryPut(new Topic("t", 40, "o", false, Optional.empty(), 0, Set.of())));
      return backup(store);
    }
  }

  private void restore(Path backup, String name) throws StoreException {
    RocksBackup opened = RocksBackup.open(backup);
    opened.verify();
    opened.restore(options(name));
  }

  private static List<Long> upTo(long last) {
    return LongStream.rangeClosed(1, last).boxed().toList();
  }

  @Test
  void restored_hasEverything_andEveryLogAndIncarnationGoesOnHigher() throws Exception {
    restore(someBackup(), "restored");
    try (RocksStore store = open("restored")) {
      assertThat(Stores.sequences(store, 1)).isEqualTo(upTo(3));
      assertThat(Stores.sequences(store, 2)).isEqualTo(upTo(2000));
      assertThat(store.loadDirectory().all(Topic.class))
          .extracting(Topic::name)
          .containsExactly("t");
      assertThat(store.extent(1).nextSequence()).isEqualTo(4 + STEP);
      assertThat(store.extent(3).nextSequence()).isEqualTo(1 + STEP);
      assertThat(store.loadDirectory().lastIncarnation())
          .isEqualTo(40 + RocksStore.INCARNATION_STEP);
      Stores.writer(store).append(1, 1);
    }
    // Once, and not at every start.
    try (RocksStore store = open("restored")) {
      assertThat(store.extent(1).nextSequence()).isEqualTo(5 + STEP);
      assertThat(store.extent(2).nextSequence()).isEqualTo(2001 + STEP);
      backup(store, root.resolve("second"));
    }
    restore(root.resolve("second"), "again");
    try (RocksStore store = open("again")) {
      assertThat(store.extent(1).nextSequence()).isEqualTo(5 + 2 * STEP);
      assertThat(store.extent(2).nextSequence()).isEqualTo(2001 + 2 * STEP);
    }
  }

  @Test
  void restored_hasStreamsAndSigningKeys_andStreamsGoOnHigher() throws Exception {
    DurableStream stream = new DurableStream("s", DurableStream.FIRST_NUMBER + 40, 7);
    SigningKey key = new SigningKey("k", Payload.of("secret"), 7);
    Path backup;
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      writer.commit(new EntryPut(stream), new EntryPut(key));
      writer.append(stream.number(), 2000);
      backup = backup(store);
    }
    restore(backup, "restored");
    try (RocksStore store = open("restored")) {
      assertThat(store.loadDirectory().entries()).containsExactlyInAnyOrder(stream, key);
      assertThat(Stores.sequences(store, stream.number())).isEqualTo(upTo(2000));
      assertThat(store.extent(stream.number()).nextSequence()).isEqualTo(2001 + STEP);
      assertThat(store.loadDirectory().lastStreamNumber())
          .isEqualTo(stream.number() + RocksStore.STREAM_STEP);
    }
  }

  @Test
  void restored_hasScheduledMessages_andTheirNumbersGoOnHigher() throws Exception {
    List<Long> numbers = new ArrayList<>();
    Path backup;
    try (RocksStore store = open()) {
      Writer writer = Stores.writer(store);
      for (long number = 1; number <= 300; number++) {
        writer.commit(Stores.schedule(Stores.scheduled((int) number % 3, number, 1000 + number)));
        numbers.add(number);
      }
      writer.commit(Stores.unschedule(Stores.scheduled(0, 300, 1300)));
      numbers.removeLast();
      backup = backup(store);
      writer.commit(Stores.schedule(Stores.scheduled(1, 400, 1)));
    }
    restore(backup, "restored");
    try (RocksStore store = open("restored")) {
      assertThat(Stores.waiting(store)).isEqualTo(numbers);
      assertThat(Stores.waiting(store, 1)).hasSize(100);
      assertThat(store.countScheduled()).isEqualTo(299);
      assertThat(store.loadDirectory().lastScheduled()).isEqualTo(300 + RocksStore.SCHEDULED_STEP);
    }
  }

  @Test
  void theStoreItself_goesOnAsBefore() throws Exception {
    someBackup();
    try (RocksStore store = open()) {
      Stores.writer(store).append(1, 1);
      assertThat(Stores.sequences(store, 1)).isEqualTo(upTo(4));
    }
    assertThat(root.resolve("data").resolve(BackupWriter.STAGING)).doesNotExist();
  }

  @Test
  void madeWhileOthersCommit_hasAllThatWasCommittedBefore_andNoHole() throws Exception {
    for (Durability durability : Durability.values()) {
      String name = durability.name();
      RocksOptions options =
          RocksOptions.of(root.resolve(name), durability)
              .withMemory(4 << 20, 1 << 20)
              .withDiskLowWater(0);
      try (RocksStore store = RocksStore.open(options)) {
        Writer writer = Stores.writer(store);
        AtomicLong committed = new AtomicLong();
        AtomicBoolean enough = new AtomicBoolean();
        Thread committer =
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    for (long n = 1; !enough.get(); n++) {
                      writer.commit(
                          new MessagesAppended(1, 1, n - 1, 0, List.of(CrashChild.message(1, n))));
                      committed.set(n);
                    }
                  } catch (StoreException e) {
                    throw new IllegalStateException(e);
                  }
                });
        List<Long> atLeast = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          atLeast.add(committed.get());
          backup(store, root.resolve(name + "-backup-" + i));
        }
        enough.set(true);
        committer.join();
        for (int i = 0; i < 4; i++) {
          String restored = name + "-restored-" + i;
          restore(root.resolve(name + "-backup-" + i), restored);
          try (RocksStore copy = open(restored)) {
            List<Long> there = Stores.sequences(copy, 1);
            assertThat(there).isEqualTo(upTo(there.size()));
            assertThat((long) there.size()).isBetween(atLeast.get(i), committed.get());
          }
        }
      }
    }
  }

  @Test
  void target_thatIsTakenOrCannotBe_isRefusedAndLeftAlone() throws Exception {
    try (RocksStore store = open()) {
      Path full = Files.createDirectory(root.resolve("full"));
      Path file = Files.writeString(full.resolve("file"), "mine");
      Path partial = Files.createDirectory(root.resolve("x.partial"));
      refused(store, full, "full exists");
      refused(store, file, "file exists");
      refused(store, root.resolve("x"), "x.partial is there");
      refused(store, root.resolve("no/such"), "no is not there");
      refused(store, root.resolve("data/inside"), "lies in the store itself");
      refused(store, Path.of("relative"), "absolute");
      refused(store, Path.of("/"), "absolute");
      assertThat(file).hasContent("mine");
      assertThat(partial).isEmptyDirectory();
      try (Stream<Path> left = Files.list(root)) {
        assertThat(left.map(path -> path.getFileName().toString()))
            .containsExactlyInAnyOrder("data", "full", "x.partial");
      }
      backup(store, Files.createDirectory(root.resolve("empty")));
    }
  }

  private static void refused(RocksStore store, Path target, String why) throws StoreException {
    assertThat(store.backup(target))
        .isInstanceOfSatisfying(
            BackupResult.Refused.class,
            refused -> assertThat(refused.detail()).contains(why, "expected: "));
  }

  @Test
  void rights_areTheOwnersAlone() throws Exception {
    Path backup = someBackup();
    restore(backup, "restored");
    try (Stream<Path> paths = Files.walk(backup)) {
      for (Path path : paths.toList()) {
        assertThat(rights(path))
            .as(path.toString())
            .isEqualTo(Files.isDirectory(path) ? "rwx------" : "rw-------");
      }
    }
    Path restored = root.resolve("restored");
    assertThat(rights(restored)).isEqualTo("rwx------");
    assertThat(rights(restored.resolve("db"))).isEqualTo("rwx------");
    assertThat(rights(Stores.files(restored, ".sst").getFirst())).isEqualTo("rw-------");
  }

  private static String rights(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void restored_sharesNoFileWithItsBackup() throws Exception {
    Path backup = someBackup();
    restore(backup, "restored");
    try (Stream<Path> files = Files.walk(root.resolve("restored").resolve("db"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.getAttribute(file, "unix:nlink")).as(file.toString()).isEqualTo(1);
      }
    }
    RocksBackup.open(backup).verify();
  }

  /// On another disk there are no links to the store's files.
  @Test
  void onAnotherFileSystem_isCopied() throws Exception {
    Path memory = Path.of("/dev/shm");
    assumeTrue(
        Files.isWritable(memory) && !Files.getFileStore(memory).equals(Files.getFileStore(root)),
        "skipped: no second file system at /dev/shm");
    Path elsewhere = Files.createTempDirectory(memory, "tidings-backup-test-");
    try (RocksStore store = open()) {
      Stores.writer(store).append(1, 5);
      Path backup = backup(store, elsewhere.resolve("backup"));
      restore(backup, "restored");
      try (RocksStore restored = open("restored")) {
        assertThat(Stores.sequences(restored, 1)).isEqualTo(upTo(5));
      }
    } finally {
      BackupFiles.delete(elsewhere);
    }
  }

  @Test
  void anyDamagedFile_isNamed_andNothingIsRestored() throws Exception {
    Path backup = someBackup();
    List<Path> files;
    try (Stream<Path> walked = Files.walk(backup)) {
      files = walked.filter(Files::isRegularFile).toList();
    }
    assertThat(files).hasSizeGreaterThan(4);
    for (Path file : files) {
      byte[] good = Files.readAllBytes(file);
      if (good.length > 0) {
        byte[] bad = good.clone();
        bad[bad.length / 2] ^= 4;
        replace(file, bad);
        expectDamage(backup, file);
        replace(file, Arrays.copyOf(good, good.length - 1));
        expectDamage(backup, file);
      }
      replace(file, Arrays.copyOf(good, good.length + 1));
      expectDamage(backup, file);
      replace(file, good);
    }
    Path lost = files.stream().filter(f -> f.toString().endsWith(".sst")).findFirst().orElseThrow();
    Files.delete(lost);
    expectDamage(backup, lost);
    Files.delete(backup.resolve(BackupManifest.FILE));
    assertThatThrownBy(() -> restore(backup, "restored")).hasMessageContaining("is no backup");
    assertThat(root.resolve("restored")).doesNotExist();
  }

  /// Not in place: the file may be one of the store's too.
  private static void replace(Path file, byte[] content) throws IOException {
    Files.delete(file);
    Files.write(file, content);
  }

  private void expectDamage(Path backup, Path file) {
    assertThatThrownBy(() -> restore(backup, "restored"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("damaged: " + file);
    assertThat(root.resolve("restored")).doesNotExist();
  }

  @Test
  void manifests_ofOthers_areRefused() throws Exception {
    Path backup = someBackup();
    Path file = backup.resolve(BackupManifest.FILE);
    String text = Files.readString(file);
    manifest(file, text.replace("tidings-backup/1", "tidings-backup/2"));
    assertThatThrownBy(() -> RocksBackup.open(backup))
        .hasMessageContaining("tidings-backup/2 (expected: tidings-backup/1)");
    manifest(file, text.replace("tidings-rocksdb/1", "tidings-rocksdb/9"));
    assertThatThrownBy(() -> RocksBackup.open(backup))
        .hasMessageContaining("tidings-rocksdb/9 (expected: tidings-rocksdb/1)");
    manifest(file, text.replace(" db/CURRENT", " db/../../CURRENT"));
    assertThatThrownBy(() -> RocksBackup.open(backup)).hasMessageContaining("../../CURRENT");
    manifest(file, text.replaceFirst("created .*", "created yesterday"));
    assertThatThrownBy(() -> RocksBackup.open(backup)).hasMessageContaining("yesterday");
    manifest(file, text);
    RocksBackup.open(backup).verify();
  }

  /// Writes a manifest whose last line is right.
  private static void manifest(Path file, String text) throws IOException {
    String body = text.substring(0, text.lastIndexOf("end "));
    String sum =
        HexFormat.of()
            .formatHex(BackupFiles.sha256().digest(body.getBytes(StandardCharsets.UTF_8)));
    replace(file, (body + "end " + sum + "\n").getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void restoreThatWasCutOff_cannotBeOpened_andCanBeginAnew() throws Exception {
    Path backup = someBackup();
    restore(backup, "restored");
    Path mark = root.resolve("restored").resolve(RocksStore.RESTORING);
    Files.writeString(mark, "");
    Files.writeString(root.resolve("restored").resolve("db").resolve("000099.sst"), "half");
    assertThatThrownBy(() -> open("restored"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("unfinished restore: run `tidings restore` again");
    restore(backup, "restored");
    try (RocksStore store = open("restored")) {
      assertThat(Stores.sequences(store, 1)).isEqualTo(upTo(3));
      assertThat(store.extent(1).nextSequence()).isEqualTo(4 + STEP);
    }
  }

  @Test
  void restoreOfABackupThatChangesMeanwhile_cannotBeOpened() throws Exception {
    Path backup = someBackup();
    RocksBackup verified = RocksBackup.open(backup);
    verified.verify();
    replace(backup.resolve("db").resolve("CURRENT"), new byte[] {'x'});
    assertThatThrownBy(() -> verified.restore(options("restored")))
        .hasMessageContaining("damaged: " + backup.resolve("db").resolve("CURRENT"));
    assertThatThrownBy(() -> open("restored")).hasMessageContaining("unfinished restore");
  }

  @Test
  void givenUp_leavesNothing() throws Exception {
    try (RocksStore store = open()) {
      Stores.writer(store).append(1, 5);
      Path data = root.resolve("data");
      Path copied = root.resolve("copied");
      Stores.copy(data.resolve("db"), copied);
      BackupWriter writer =
          new BackupWriter(
              data,
              Durability.FSYNC,
              staged -> {
                try {
                  Stores.copy(copied, staged);
                } catch (IOException e) {
                  throw new StoreException("copy", e);
                }
              },
              () -> true);
      assertThatThrownBy(() -> writer.write(root.resolve("backup")))
          .hasMessageContaining("backup was not written")
          .hasMessageContaining("closed meanwhile");
      assertThat(root.resolve("backup")).doesNotExist();
      assertThat(root.resolve("backup.partial")).doesNotExist();
      assertThat(data.resolve(BackupWriter.STAGING)).doesNotExist();
    }
  }

  /// What a backup that was killed has left in the store's directory is of no use to anybody.
  @Test
  void afterOneThatWasKilled_anotherWorks() throws Exception {
    Path staging = root.resolve("data").resolve(BackupWriter.STAGING);
    Files.createDirectories(staging.resolve("db.tmp"));
    Files.writeString(staging.resolve("db.tmp").resolve("000007.sst"), "half");
    try (RocksStore store = open()) {
      assertThat(staging).doesNotExist();
      Stores.writer(store).append(1, 5);
      restore(backup(store), "restored");
    }
  }
}
