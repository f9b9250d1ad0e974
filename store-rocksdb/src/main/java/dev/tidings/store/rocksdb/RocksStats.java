// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

/// What a store uses just now, for metrics.
///
/// @param memtableBytes of memtables, those being flushed included
/// @param cacheBytes held by the native cache, memtables included
/// @param tableBytes of tables and blob files on the disk
/// @param walBytes of write-ahead logs on the disk
/// @param pendingCompactionBytes that compactions have yet to rewrite, by RocksDB's estimate
/// @param writesStopped whether RocksDB holds writes back until flushes or compactions catch up
/// @param backgroundErrors flushes and compactions that failed since the store was last opened
public record RocksStats(
    long memtableBytes,
    long cacheBytes,
    long tableBytes,
    long walBytes,
    long pendingCompactionBytes,
    boolean writesStopped,
    long backgroundErrors) {
  /// Of a store that is closed or being reopened.
  public static final RocksStats NONE = new RocksStats(0, 0, 0, 0, 0, false, 0);
}
