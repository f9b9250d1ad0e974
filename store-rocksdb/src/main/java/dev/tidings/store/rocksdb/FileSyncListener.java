// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.nio.file.Path;

/// Learns which bytes of which files have reached the disk: what a test needs to know to cut files
/// back to what a machine that stops would have kept.
///
/// Told for write-ahead logs, manifests, tables and blob files; not for the small files RocksDB
/// writes whole, syncs and renames (`CURRENT`, `IDENTITY`, `OPTIONS-*`). Calls come from the thread
/// that wrote or synced, before the write is answered; calls for one file never overlap.
public interface FileSyncListener {
  /// Listens to nothing, and costs nothing.
  FileSyncListener NONE =
      new FileSyncListener() {
        @Override
        public void written(Path file, long offset, long length) {}

        @Override
        public void synced(Path file) {}
      };

  /// The operating system took `length` bytes at `offset` of `file`.
  void written(Path file, long offset, long length);

  /// Everything [#written] to `file` so far is on the disk.
  void synced(Path file);
}
