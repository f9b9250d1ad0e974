// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.Durability;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreContract;
import dev.tidings.core.store.StoreException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/// The RocksDB store keeps the contract; its medium is a directory that one handle at a time holds.
final class RocksStoreTest extends StoreContract {
  @TempDir private Path directory;

  @Override
  protected Store open() throws StoreException {
    return RocksStore.open(Stores.options(directory, Durability.FSYNC));
  }

  @Override
  protected Sharing sharing() {
    return Sharing.EXCLUSIVE;
  }
}
