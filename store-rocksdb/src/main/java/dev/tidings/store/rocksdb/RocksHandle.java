// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.Durability;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.rocksdb.AbstractEventListener;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.Checkpoint;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.FileOperationInfo;
import org.rocksdb.IndexType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Status;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteBufferManager;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One opening of the database: every native object it needs, made in order and closed in reverse.
///
/// The bounds, for 2 cores and a small machine:
/// - Native memory: one LRU cache holds data, index and filter blocks, and the write buffer manager
///   charges all memtables to it. Blob values are not cached here: large runs are read in sequence
///   by few, and the page cache has them.
/// - Memtables: together `writeBufferBytes`; the families' own limits stop writers before a slow
///   flush lets them grow past it.
/// - Write-ahead logs: twice the memtables, which bounds the replay at start.
/// - Files: 512 open ones. Info log: warnings, four files of 4 MiB.
final class RocksHandle implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RocksHandle.class);

  /// Values from here on go to blob files, so that compactions do not copy them again and again.
  /// Two data blocks: below that, one run of the log beside the next in one block serves a reader
  /// better than a read of its own.
  private static final int MIN_BLOB_BYTES = 8 << 10;

  private static final int BLOCK_BYTES = 4 << 10;
  private static final int BLOB_FILE_BYTES = 64 << 20;
  private static final int OPEN_FILES = 512;
  private static final int INFO_LOG_BYTES = 4 << 20;

  /// Beyond it, deleting a range is cheaper than finding out what lies in it.
  private static final int MAX_SKIPPED = 100;

  static {
    RocksDB.loadLibrary();
  }

  /// What is closed last comes first.
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();

  private final Cache cache;
  private final RocksDB db;
  private final WriteOptions synced;
  private final WriteOptions written;

  final ColumnFamilyHandle messages;
  final ColumnFamilyHandle directory;
  final ColumnFamilyHandle meta;
  final ColumnFamilyHandle scheduled;

  private RocksHandle(RocksOptions options, Path path, boolean strict) throws RocksDBException {
    try {
      cache = own(new LRUCache(options.blockCacheBytes(), 4, false, 0.3));
      WriteBufferManager buffers =
          own(new WriteBufferManager(options.writeBufferBytes(), cache, false));
      BloomFilter filter = own(new BloomFilter(10));
      DBOptions dbOptions = own(dbOptions(options, buffers, strict));
      if (options.fileSyncListener() != FileSyncListener.NONE) {
        dbOptions.setListeners(List.of(own(new FileEvents(options.fileSyncListener()))));
      }
      long buffer = options.writeBufferBytes();
      List<ColumnFamilyDescriptor> families =
          List.of(
              family("default", small(filter, buffer)),
              family("messages", large(buffer)),
              family("directory", small(filter, buffer)),
              family("meta", small(filter, buffer)),
              family("scheduled", queued(buffer)));
      synced = own(new WriteOptions().setSync(true));
      written = own(new WriteOptions().setSync(false));
      List<ColumnFamilyHandle> handles = new ArrayList<>();
      db = RocksDB.open(dbOptions, path.toString(), families, handles);
      owned.push(() -> closeDatabase(handles));
      messages = handles.get(1);
      directory = handles.get(2);
      meta = handles.get(3);
      scheduled = handles.get(4);
    } catch (RocksDBException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /// Opens or creates the database in `path`.
  ///
  /// @param strict whether a hole in the write-ahead logs stops this; otherwise the database is
  ///   what it was before the hole
  static RocksHandle open(RocksOptions options, Path path, boolean strict) throws RocksDBException {
    return new RocksHandle(options, path, strict);
  }

  private <T extends AutoCloseable> T own(T object) {
    owned.push(object);
    return object;
  }

  private static DBOptions dbOptions(
      RocksOptions options, WriteBufferManager buffers, boolean strict) {
    return baseOptions(options.durability())
        .setCreateIfMissing(true)
        .setCreateMissingColumnFamilies(true)
        // The second is RocksDB's default, and drops everything behind damage in a log, in silence.
        .setWalRecoveryMode(
            strict
                ? WALRecoveryMode.TolerateCorruptedTailRecords
                : WALRecoveryMode.PointInTimeRecovery)
        // What a start has read back is flushed to tables, which are synced: so it is durable, also
        // where a failed sync had left it in the page cache only.
        .setAvoidFlushDuringRecovery(false)
        .setParanoidChecks(true)
        .setManualWalFlush(false)
        .setWriteBufferManager(buffers)
        .setMaxTotalWalSize(2 * options.writeBufferBytes())
        .setMaxOpenFiles(OPEN_FILES)
        .setMaxFileOpeningThreads(2)
        .setMaxBackgroundJobs(2)
        .setBytesPerSync(1 << 20)
        .setMaxManifestFileSize(16 << 20)
        .setSkipStatsUpdateOnDbOpen(true)
        .setAvoidUnnecessaryBlockingIO(true)
        .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
        .setMaxLogFileSize(INFO_LOG_BYTES)
        .setKeepLogFileNum(4)
        .setStatsDumpPeriodSec(0)
        .setStatsPersistPeriodSec(0);
  }

  private static DBOptions baseOptions(Durability durability) {
    return switch (durability) {
      case MEMORY -> new DBOptions();
      case FSYNC -> {
        // The manifest keeps the synced size of every finished log, so that one that went missing
        // or
        // got shorter stops the start. Without syncs a lost end is no damage.
        Properties properties = new Properties();
        properties.setProperty("track_and_verify_wals_in_manifest", "true");
        DBOptions parsed = DBOptions.getDBOptionsFromProps(properties);
        if (parsed == null) {
          throw new IllegalStateException(
              "RocksDB does not know track_and_verify_wals_in_manifest (expected: 6.16 or later)");
        }
        yield parsed;
      }
    };
  }

  private ColumnFamilyDescriptor family(String name, ColumnFamilyOptions options) {
    return new ColumnFamilyDescriptor(name.getBytes(StandardCharsets.UTF_8), own(options));
  }

  private BlockBasedTableConfig table() {
    return new BlockBasedTableConfig()
        .setBlockCache(cache)
        .setBlockSize(BLOCK_BYTES)
        .setCacheIndexAndFilterBlocks(true)
        .setCacheIndexAndFilterBlocksWithHighPriority(true)
        .setPinL0FilterAndIndexBlocksInCache(true);
  }

  /// Runs: read in order from a place, never by key, so filters would not help.
  private ColumnFamilyOptions large(long writeBufferBytes) {
    return new ColumnFamilyOptions()
        .setTableFormatConfig(table())
        .setWriteBufferSize(writeBufferBytes / 3)
        .setMaxWriteBufferNumber(3)
        .setLevelCompactionDynamicLevelBytes(true)
        .setCompressionType(CompressionType.LZ4_COMPRESSION)
        .setMemtableMaxRangeDeletions(1000)
        .setEnableBlobFiles(true)
        .setMinBlobSize(MIN_BLOB_BYTES)
        .setBlobFileSize(BLOB_FILE_BYTES)
        .setBlobCompressionType(CompressionType.LZ4_COMPRESSION)
        .setEnableBlobGarbageCollection(true)
        .setBlobGarbageCollectionAgeCutoff(0.25)
        .setBlobGarbageCollectionForceThreshold(0.5);
  }

  /// Entries looked up by key, often in vain (a log without a trim mark): filters over whole keys.
  private ColumnFamilyOptions small(BloomFilter filter, long writeBufferBytes) {
    return new ColumnFamilyOptions()
        .setTableFormatConfig(table().setFilterPolicy(filter).setWholeKeyFiltering(true))
        .setWriteBufferSize(Math.max(1 << 18, writeBufferBytes / 16))
        .setMaxWriteBufferNumber(2)
        .setMemtableMaxRangeDeletions(1000)
        .setLevelCompactionDynamicLevelBytes(true)
        .setCompressionType(CompressionType.LZ4_COMPRESSION);
  }

  /// Scheduled messages: each is written once, read in order and deleted soon after, and found by
  /// keys that are there, so filters would not help. They have a family of their own so that the
  /// traces of deleted ones are stepped over by nobody else; and no blob files, which compactions
  /// of what is deleted soon would leave full of holes. The index tells the first key of each
  /// block, so that a block is read only when its turn has come: one that cannot be read does not
  /// hide messages in other files that are due before.
  private ColumnFamilyOptions queued(long writeBufferBytes) {
    return new ColumnFamilyOptions()
        .setTableFormatConfig(table().setIndexType(IndexType.kBinarySearchWithFirstKey))
        .setWriteBufferSize(Math.max(1 << 18, writeBufferBytes / 6))
        .setMaxWriteBufferNumber(2)
        .setLevelCompactionDynamicLevelBytes(true)
        .setCompressionType(CompressionType.LZ4_COMPRESSION);
  }

  /// Writes `batch`; synced if asked for.
  void write(WriteBatch batch, boolean sync) throws RocksDBException {
    db.write(sync ? synced : written, batch);
  }

  byte @Nullable [] get(ColumnFamilyHandle family, byte[] key) throws RocksDBException {
    return db.get(family, key);
  }

  /// An iterator over `family` from `lower` (inclusive) to `upper` (exclusive), with the native
  /// objects it needs.
  Range range(ColumnFamilyHandle family, byte[] lower, byte[] upper) {
    return new Range(db, family, lower, upper, /* maxSkipped= */ 0, /* isCached= */ true);
  }

  /// The same for what is read once: it does not drive other blocks out of the cache.
  Range uncached(ColumnFamilyHandle family, byte[] lower, byte[] upper) {
    return new Range(db, family, lower, upper, /* maxSkipped= */ 0, /* isCached= */ false);
  }

  /// The keys of `family` from `lower` (inclusive) to `upper` (exclusive); empty if there are more
  /// than `max`, if there are too many traces of deleted ones to step over, or if they cannot be
  /// read.
  Optional<List<byte[]>> few(ColumnFamilyHandle family, byte[] lower, byte[] upper, int max)
      throws RocksDBException {
    try (Range range = new Range(db, family, lower, upper, MAX_SKIPPED, /* isCached= */ true)) {
      List<byte[]> keys = new ArrayList<>();
      RocksIterator iterator = range.iterator();
      for (iterator.seekToFirst(); iterator.isValid() && keys.size() <= max; iterator.next()) {
        keys.add(iterator.key());
      }
      iterator.status();
      return keys.size() > max ? Optional.empty() : Optional.of(keys);
    } catch (RocksDBException e) {
      Status status = e.getStatus();
      if (status != null
          && (status.getCode() == Status.Code.Incomplete
              || status.getCode() == Status.Code.Corruption)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /// An iterator over a whole family.
  RocksIterator all(ColumnFamilyHandle family) {
    return db.newIterator(family);
  }

  long property(String name) throws RocksDBException {
    return db.getAggregatedLongProperty(name);
  }

  long cacheUsage() {
    return cache.getUsage();
  }

  /// Syncs the write-ahead log.
  void sync() throws RocksDBException {
    db.syncWal();
  }

  /// Makes a database of its own in `directory`, which does not exist yet: what was written before
  /// this call, and perhaps some of what is written meanwhile.
  void checkpoint(Path directory) throws RocksDBException {
    try (Checkpoint checkpoint = Checkpoint.create(db)) {
      checkpoint.createCheckpoint(directory.toString());
    }
  }

  private void closeDatabase(List<ColumnFamilyHandle> handles) throws RocksDBException {
    handles.forEach(ColumnFamilyHandle::close);
    db.closeE();
  }

  /// Closes everything, in reverse order of making. A part that fails does not keep the others.
  @Override
  public void close() {
    while (!owned.isEmpty()) {
      AutoCloseable object = owned.pop();
      try {
        object.close();
      } catch (Exception e) {
        // The next start replays what this close may have left out; there is nothing else to do.
        log.warn("Closing the database: {}", e.toString());
      }
    }
  }

  /// A bounded iterator.
  static final class Range implements AutoCloseable {
    private final RocksDB db;
    private final ColumnFamilyHandle family;
    private final Slice lower;
    private final Slice upper;
    private final ReadOptions options;
    private RocksIterator iterator;

    /// @param maxSkipped deleted keys that one move steps over before it gives up; 0 for any number
    /// @param isCached whether the blocks that are read stay in the cache
    private Range(
        RocksDB db,
        ColumnFamilyHandle family,
        byte[] from,
        byte[] to,
        long maxSkipped,
        boolean isCached) {
      this.db = db;
      this.family = family;
      lower = new Slice(from);
      upper = new Slice(to);
      options =
          new ReadOptions()
              .setIterateLowerBound(lower)
              .setIterateUpperBound(upper)
              .setFillCache(isCached)
              .setMaxSkippableInternalKeys(maxSkipped);
      iterator = db.newIterator(family, options);
    }

    RocksIterator iterator() {
      return iterator;
    }

    /// A new iterator, nowhere yet, in place of the old one, which is closed.
    RocksIterator renew() {
      iterator.close();
      iterator = db.newIterator(family, options);
      return iterator;
    }

    @Override
    public void close() {
      iterator.close();
      options.close();
      upper.close();
      lower.close();
    }
  }

  /// Passes RocksDB's file events on.
  private static final class FileEvents extends AbstractEventListener {
    private final FileSyncListener listener;

    FileEvents(FileSyncListener listener) {
      super(
          EnabledEventCallback.SHOULD_BE_NOTIFIED_ON_FILE_IO,
          EnabledEventCallback.ON_FILE_WRITE_FINISH,
          EnabledEventCallback.ON_FILE_SYNC_FINISH);
      this.listener = listener;
    }

    @Override
    public boolean shouldBeNotifiedOnFileIO() {
      return true;
    }

    @Override
    public void onFileWriteFinish(FileOperationInfo info) {
      if (info.getStatus().getCode() == Status.Code.Ok) {
        listener.appended(Path.of(info.getPath()), info.getLength());
      }
    }

    @Override
    public void onFileSyncFinish(FileOperationInfo info) {
      if (info.getStatus().getCode() == Status.Code.Ok) {
        listener.synced(Path.of(info.getPath()));
      }
    }
  }
}
