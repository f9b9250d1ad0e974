// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The fence of a directory: a lock on its file `owner`, which names the process that holds it.
///
/// RocksDB has a lock of its own, but lets go of it while the store is reopened after a failure;
/// this one is held from open to close.
public final class OwnerLock implements AutoCloseable {
  /// The name of that file.
  public static final String FILE = "owner";

  /// The lock covers one byte far behind the text, so that the text can be read by others also
  /// where locks are enforced by the system.
  private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

  private static final int MAX_TEXT = 200;

  /// Directories this process holds. The system forgets a process's lock as soon as the process
  /// closes any channel on the file, so a second attempt must not even open it.
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path held;
  private final FileChannel channel;
  private final FileLock lock;

  private OwnerLock(Path held, FileChannel channel, FileLock lock) {
    this.held = held;
    this.channel = channel;
    this.lock = lock;
  }

  /// Takes the lock of `directory`, which exists.
  ///
  /// @throws StoreException somebody else holds it
  public static OwnerLock take(Path directory) throws StoreException, IOException {
    Path real = directory.toRealPath();
    if (!HELD.add(real)) {
      throw inUse(directory, "this process (" + ProcessHandle.current().pid() + ")");
    }
    try {
      return lock(real, directory);
    } catch (IOException | StoreException | RuntimeException e) {
      HELD.remove(real);
      throw e;
    }
  }

  private static StoreException inUse(Path directory, String holder) {
    return new StoreException(
        "the data directory "
            + directory
            + " is in use"
            + (holder.isEmpty() ? "" : " by " + holder)
            + ": one server at a time may have it open; stop that one, or name another directory");
  }

  private static OwnerLock lock(Path real, Path directory) throws StoreException, IOException {
    Path file = real.resolve(FILE);
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
      if (lock == null) {
        throw inUse(directory, Files.size(file) > MAX_TEXT ? "" : Files.readString(file).strip());
      }
      String text = "process " + ProcessHandle.current().pid() + "\n";
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
      return new OwnerLock(real, channel, lock);
    } catch (IOException | StoreException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    // The file stays: deleting it would let two processes lock two files of the same name.
    try (channel) {
      channel.truncate(0);
      lock.release();
    } finally {
      HELD.remove(held);
    }
  }
}
