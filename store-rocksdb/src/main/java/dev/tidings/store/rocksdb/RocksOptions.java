// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.Durability;
import java.nio.file.Path;

/// How to open a [RocksStore].
///
/// @param directory the store's own directory; made if missing
/// @param durability what a commit waits for
/// @param blockCacheBytes bound of the native cache; tables' blocks, their indexes and filters, and
///   the memtables are all charged to it, so it is nearly all the native memory there is
/// @param writeBufferBytes bound of all memtables together; at most half of `blockCacheBytes`
/// @param diskLowWaterBytes below this much free space the store says that it is not writable
/// @param fileSyncListener told about writes and syncs of files; for tests
public record RocksOptions(
    Path directory,
    Durability durability,
    long blockCacheBytes,
    long writeBufferBytes,
    long diskLowWaterBytes,
    FileSyncListener fileSyncListener) {
  private static final long MIB = 1 << 20;

  public RocksOptions {
    if (writeBufferBytes < MIB) {
      throw new IllegalArgumentException(
          "writeBufferBytes: " + writeBufferBytes + " (expected: 1 MiB or more)");
    }
    if (blockCacheBytes < 2 * writeBufferBytes) {
      throw new IllegalArgumentException(
          "blockCacheBytes: "
              + blockCacheBytes
              + " (expected: at least twice writeBufferBytes, "
              + 2 * writeBufferBytes
              + ", since memtables are charged to the cache)");
    }
    if (diskLowWaterBytes < 0) {
      throw new IllegalArgumentException(
          "diskLowWaterBytes: " + diskLowWaterBytes + " (expected: 0 or more)");
    }
    directory = directory.toAbsolutePath().normalize();
  }

  /// 256 MiB of cache of which 64 MiB may be memtables, and 256 MiB kept free on the disk.
  public static RocksOptions of(Path directory, Durability durability) {
    return new RocksOptions(
        directory, durability, 256 * MIB, 64 * MIB, 256 * MIB, FileSyncListener.NONE);
  }

  /// The same with other bounds of native memory.
  public RocksOptions withMemory(long blockCache, long writeBuffer) {
    return new RocksOptions(
        directory, durability, blockCache, writeBuffer, diskLowWaterBytes, fileSyncListener);
  }

  /// The same with another low-water mark of free disk space.
  public RocksOptions withDiskLowWater(long bytes) {
    return new RocksOptions(
        directory, durability, blockCacheBytes, writeBufferBytes, bytes, fileSyncListener);
  }

  /// The same with a listener of file writes and syncs.
  public RocksOptions withFileSyncListener(FileSyncListener listener) {
    return new RocksOptions(
        directory, durability, blockCacheBytes, writeBufferBytes, diskLowWaterBytes, listener);
  }
}
