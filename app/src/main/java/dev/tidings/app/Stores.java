// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Secret;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.FileSyncListener;
import dev.tidings.store.rocksdb.RocksOptions;
import dev.tidings.store.rocksdb.RocksStore;
import dev.tidings.store.sql.SqlOptions;
import dev.tidings.store.sql.SqlStore;

/// Opens the store that the configuration names.
final class Stores {
  /// Where the embedded store lies within the data directory.
  static final String FOLDER = "store";

  private Stores() {}

  /// Opens it for a command, which takes no database from a running server.
  static Store open(TidingsConfig config) throws StartException {
    return open(config, FileSyncListener.NONE, false);
  }

  /// Opens it for a server.
  static Store open(TidingsConfig config, FileSyncListener listener) throws StartException {
    return open(config, listener, config.store().takeOver());
  }

  private static Store open(TidingsConfig config, FileSyncListener listener, boolean takeOver)
      throws StartException {
    try {
      return switch (config.store().type()) {
        case MEMORY -> new MemoryStore();
        case ROCKSDB -> RocksStore.open(rocksdb(config, listener));
        case POSTGRESQL -> SqlStore.open(sql(config, takeOver));
      };
    } catch (StoreException e) {
      throw new StartException(String.valueOf(e.getMessage()), e);
    }
  }

  /// How a store in a database is opened.
  static SqlOptions sql(TidingsConfig config, boolean takeOver) {
    TidingsConfig.Store store = config.store();
    return new SqlOptions(
        store.url().orElseThrow(),
        store.user().orElseThrow(),
        store.password().map(Secret::value).orElse(""),
        store.connections(),
        store.migrate(),
        takeOver);
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
