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
        public void appended(Path file, long length) {}

        @Override
        public void synced(Path file) {}
      };

  /// The operating system took `length` more bytes at the end of `file`. (RocksDB's events carry an
  /// offset too, but with 11.8 it is 0 for every append; its files are only ever appended to.)
  void appended(Path file, long length);

  /// Everything [#appended] to `file` so far is on the disk.
  void synced(Path file);
}
