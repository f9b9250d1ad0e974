// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.BackupFiles.Content;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/// A backup that [RocksStore#backup] has written: to be checked, and to be restored.
public final class RocksBackup {
  private final Path directory;
  private final BackupManifest manifest;
  private final BackupFiles copying = new BackupFiles(() -> false);

  private RocksBackup(Path directory, BackupManifest manifest) {
    this.directory = directory;
    this.manifest = manifest;
  }

  /// The backup in `directory`.
  ///
  /// @throws StoreException it is none, its manifest is damaged, or another version of Tidings
  ///   wrote it
  public static RocksBackup open(Path directory) throws StoreException {
    BackupManifest manifest = BackupManifest.read(directory);
    if (!manifest.store().equals(RocksStore.FORMAT)) {
      throw new StoreException(
          "the backup "
              + directory
              + " holds a store of the format "
              + manifest.store()
              + " (expected: "
              + RocksStore.FORMAT
              + "): another version of Tidings wrote it; use that one");
    }
    return new RocksBackup(directory, manifest);
  }

  /// When it was begun: everything acknowledged before is in it.
  public Instant created() {
    return manifest.created();
  }

  /// How many files the store has in it.
  public int files() {
    return manifest.files().size();
  }

  /// The size of these files together.
  public long bytes() {
    return manifest.files().stream().mapToLong(file -> file.content().size()).sum();
  }

  /// Reads every file and holds it against its checksum.
  ///
  /// @throws StoreException a file is missing or damaged; the message names it
  public void verify() throws StoreException {
    for (BackupManifest.Entry file : manifest.files()) {
      Path path = database().resolve(file.name());
      try {
        check(path, file.content(), copying.read(path));
      } catch (IOException e) {
        throw unreadable(path, e);
      }
    }
  }

  private Path database() {
    return directory.resolve(BackupManifest.DATABASE);
  }

  private static void check(Path path, Content expected, Content found) throws StoreException {
    if (!found.equals(expected)) {
      throw new StoreException(
          "the backup is damaged: "
              + path
              + " has "
              + found.size()
              + " bytes with the SHA-256 "
              + found.sha256()
              + " (expected: "
              + expected.size()
              + " and "
              + expected.sha256()
              + "). Use another backup");
    }
  }

  private static StoreException unreadable(Path path, IOException e) {
    return new StoreException(
        "the backup is damaged: " + path + " cannot be read: " + e + ". Use another backup", e);
  }

  /// Whether a store's directory holds a restore that was cut off.
  public static boolean isUnfinished(Path store) {
    return Files.exists(store.resolve(RocksStore.RESTORING));
  }

  /// Copies it into the directory of a store, which must not exist, be empty, or hold an unfinished
  /// restore. The restored store has lapsed: each of its logs goes on `LogExtent.LAPSE_STEP`
  /// sequences higher.
  ///
  /// Until this returns a mark in the directory keeps it from being opened. The caller has verified
  /// the backup and holds the data directory.
  ///
  /// @throws StoreException it is damaged after all, or the copy cannot be written; what there is
  ///   of it cannot be opened
  public void restore(RocksOptions options) throws StoreException {
    Path store = options.directory();
    try {
      clear(store);
      Path target = store.resolve(BackupManifest.DATABASE);
      BackupFiles.makeDirectory(target);
      for (BackupManifest.Entry file : manifest.files()) {
        Path from = database().resolve(file.name());
        check(from, file.content(), copying.copy(from, target.resolve(file.name())));
      }
      BackupFiles.sync(target);
      RocksStore.countRestore(options);
      BackupFiles.sync(target);
      Files.delete(store.resolve(RocksStore.RESTORING));
      BackupFiles.sync(store);
    } catch (IOException e) {
      throw new StoreException(
          "the backup "
              + directory
              + " was not restored: "
              + e
              + " (expected: a place this process may write to, with room for "
              + (bytes() >> 20)
              + " MiB). "
              + RocksStore.unfinished(store),
          e);
    }
  }

  /// Makes the directory, or empties what an unfinished restore left of it. The mark is there, and
  /// durable, before anything else is.
  private static void clear(Path store) throws IOException {
    Path mark = store.resolve(RocksStore.RESTORING);
    if (!Files.isDirectory(store)) {
      BackupFiles.makeDirectory(store);
    }
    if (!Files.exists(mark)) {
      if (Files.exists(store.resolve(BackupManifest.DATABASE))) {
        throw new IOException(
            store
                + " holds a store already (expected: a directory that does not exist, is empty,"
                + " or holds an unfinished restore)");
      }
      BackupFiles.write(mark, "a restore is under way\n".getBytes(StandardCharsets.UTF_8));
    }
    BackupFiles.sync(store);
    BackupFiles.syncName(store);
    BackupFiles.delete(store.resolve(BackupManifest.DATABASE));
  }
}
