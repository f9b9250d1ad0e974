// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.FileSyncListener;
import dev.tidings.store.rocksdb.RocksOptions;
import dev.tidings.store.rocksdb.RocksStore;

/// Opens the store that the configuration names.
final class Stores {
  /// Where the embedded store lies within the data directory.
  static final String FOLDER = "store";

  private Stores() {}

  static Store open(TidingsConfig config) throws StartException {
    return open(config, FileSyncListener.NONE);
  }

  static Store open(TidingsConfig config, FileSyncListener listener) throws StartException {
    TidingsConfig.Store store = config.store();
    return switch (store.type()) {
      case MEMORY -> new MemoryStore();
      case ROCKSDB -> {
        try {
          yield RocksStore.open(rocksdb(config, listener));
        } catch (StoreException e) {
          throw new StartException(String.valueOf(e.getMessage()), e);
        }
      }
    };
  }

  /// How the embedded store is opened.
  static RocksOptions rocksdb(TidingsConfig config, FileSyncListener listener) {
    TidingsConfig.Store store = config.store();
    return new RocksOptions(
        store.dataDir().resolve(FOLDER),
        durability(config),
        store.rocksdb().blockCacheSize(),
        store.rocksdb().writeBufferSize(),
        store.diskLowWater(),
        listener);
  }

  static Durability durability(TidingsConfig config) {
    return switch (config.store().durability()) {
      case FSYNC -> Durability.FSYNC;
      case MEMORY -> Durability.MEMORY;
    };
  }
}
