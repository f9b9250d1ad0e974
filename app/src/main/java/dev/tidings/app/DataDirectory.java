// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.OwnerLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The data directory while one process has it, whatever the store: messages, password hashes and
/// the administrator's socket lie in it, so it is for its owner alone.
final class DataDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DataDirectory.class);
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  /// Names by which a directory is known to be one of ours.
  private static final List<String> OURS =
      List.of(OwnerLock.FILE, Stores.FOLDER, AdminSocket.FILE, DevSecret.FILE);

  private final OwnerLock lock;

  private DataDirectory(OwnerLock lock) {
    this.lock = lock;
  }

  /// Makes `directory` as [#makePrivate] does and takes it for this process.
  static DataDirectory take(Path directory) throws StartException {
    makePrivate(directory);
    try {
      return new DataDirectory(OwnerLock.take(directory));
    } catch (StoreException e) {
      throw new StartException(String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw unusable(directory, e);
    }
  }

  /// Makes `directory` if it is missing, and shuts others out of it.
  static void makePrivate(Path directory) throws StartException {
    try {
      if (!Files.isDirectory(directory)) {
        FileAttribute<?> rights = PosixFilePermissions.asFileAttribute(PRIVATE);
        Files.createDirectories(directory, rights);
      }
      Set<PosixFilePermission> found = Files.getPosixFilePermissions(directory);
      if (!PRIVATE.containsAll(found)) {
        tighten(directory, found);
      }
    } catch (IOException e) {
      throw unusable(directory, e);
    }
  }

  /// Only what is ours: a shared directory such as `/tmp` would be lost to everyone else.
  private static void tighten(Path directory, Set<PosixFilePermission> found)
      throws StartException, IOException {
    String rights = PosixFilePermissions.toString(found);
    if (!isEmptyOrOurs(directory)) {
      throw new StartException(
          "the data directory "
              + directory
              + " is open to other users ("
              + rights
              + ") and holds other files (expected: a directory of its own, rwx------): name"
              + " another with --data-dir, or run chmod 700 on it");
    }
    Set<PosixFilePermission> left = EnumSet.copyOf(PRIVATE);
    left.retainAll(found);
    Files.setPosixFilePermissions(directory, left);
    LOG.warn(
        "the data directory {} was open to other users ({}); it is its owner's alone now",
        directory,
        rights);
  }

  private static boolean isEmptyOrOurs(Path directory) throws IOException {
    if (OURS.stream().anyMatch(name -> Files.exists(directory.resolve(name)))) {
      return true;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().isEmpty();
    }
  }

  private static StartException unusable(Path directory, IOException e) {
    return new StartException(
        "the data directory "
            + directory
            + " cannot be used: "
            + e
            + " (expected: a directory that belongs to this user, or a place to make one; name"
            + " another with --data-dir)",
        e);
  }

  /// Leaves it to the next process.
  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      // The system lets go of it when the process ends.
      LOG.warn("the lock of the data directory was not released: {}", e.toString());
    }
  }
}
