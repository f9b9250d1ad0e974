// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.BackupResult.Refused;
import dev.tidings.core.store.BackupResult.Written;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes one backup of an open store.
///
/// First RocksDB makes a checkpoint in the store's own directory, which takes a moment: a flush,
/// hard links to its tables, and a copy of the end of its write-ahead log. From there the files go
/// to `TARGET.partial`, however long that takes, without anything that a commit or a reopening
/// would wait for. The manifest comes last, then the name.
final class BackupWriter {
  private static final Logger log = LoggerFactory.getLogger(BackupWriter.class);

  /// The checkpoint's place in the store's directory. What lies there when the store is opened is
  /// of a backup that was killed.
  static final String STAGING = "backup";

  /// Makes a checkpoint of the database in a directory that does not exist yet.
  @FunctionalInterface
  interface Checkpoint {
    void in(Path directory) throws StoreException;
  }

  private final Path store;
  private final Durability durability;
  private final Checkpoint checkpoint;
  private final BackupFiles files;

  /// @param store the store's directory
  /// @param stopped whether to give up
  BackupWriter(Path store, Durability durability, Checkpoint checkpoint, BooleanSupplier stopped) {
    this.store = store;
    this.durability = durability;
    this.checkpoint = checkpoint;
    this.files = new BackupFiles(stopped);
  }

  /// As [dev.tidings.core.store.Store#backup].
  BackupResult write(Path wanted) throws StoreException {
    Path target = wanted.normalize();
    Path partial = target.resolveSibling(target.getFileName() + ".partial");
    try {
      Optional<String> refusal = refusal(target, partial);
      if (refusal.isPresent()) {
        return new Refused(refusal.get());
      }
      return write(target, partial);
    } catch (IOException e) {
      throw new StoreException(
          "the backup "
              + target
              + " was not written: "
              + e
              + " (expected: a place this process may write to, with room for a copy of the store)",
          e);
    }
  }

  private Optional<String> refusal(Path target, Path partial) throws IOException {
    Path parent = target.getParent();
    if (!target.isAbsolute() || parent == null) {
      return Optional.of(target + " (expected: the absolute path of a directory to make)");
    }
    if (!Files.isDirectory(parent)) {
      return Optional.of(
          parent + " is not there (expected: an existing directory to write the backup into)");
    }
    if (parent.toRealPath().startsWith(store.toRealPath())) {
      return Optional.of(
          target + " lies in the store itself (expected: another place, best another disk)");
    }
    boolean vacant =
        Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)
            ? BackupFiles.names(target).isEmpty()
            : !Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    if (!vacant) {
      return Optional.of(target + " exists (expected: a new name, or an empty directory)");
    }
    if (Files.exists(partial, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.of(
          partial
              + " is there: another backup is being written to it, or one was killed (expected: a"
              + " new name; or delete that directory if nothing writes to it)");
    }
    return Optional.empty();
  }

  private BackupResult write(Path target, Path partial) throws IOException, StoreException {
    boolean written = false;
    BackupFiles.makeDirectory(partial);
    try {
      Instant created = Instant.now();
      Path staging = store.resolve(STAGING);
      BackupFiles.makeDirectory(staging);
      Path staged = staging.resolve(BackupManifest.DATABASE);
      checkpoint.in(staged);
      BackupManifest manifest =
          new BackupManifest(created, RocksStore.FORMAT, durability, take(staged, partial));
      BackupFiles.write(partial.resolve(BackupManifest.FILE), manifest.bytes());
      BackupFiles.sync(partial);
      // Over an empty directory too.
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
      written = true;
      BackupFiles.syncName(target);
      return new Written(
          target,
          manifest.files().size(),
          manifest.files().stream().mapToLong(file -> file.content().size()).sum());
    } finally {
      discard(store.resolve(STAGING));
      if (!written) {
        discard(partial);
      }
    }
  }

  private List<BackupManifest.Entry> take(Path staged, Path partial) throws IOException {
    Path database = partial.resolve(BackupManifest.DATABASE);
    BackupFiles.makeDirectory(database);
    List<BackupManifest.Entry> entries = new ArrayList<>();
    for (String name : BackupFiles.names(staged)) {
      entries.add(
          new BackupManifest.Entry(
              name, files.linkOrCopy(staged.resolve(name), database.resolve(name))));
    }
    BackupFiles.sync(database);
    return entries;
  }

  private static void discard(Path directory) {
    try {
      BackupFiles.delete(directory);
    } catch (IOException e) {
      // It has no manifest or no name of a backup, so nobody takes it for one.
      log.warn("the unfinished backup {} was not deleted: {}", directory, e.toString());
    }
  }
}
