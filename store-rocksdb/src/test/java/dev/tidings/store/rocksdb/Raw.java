// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.DBOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;

/// Reaches behind a closed store, into its database.
final class Raw {
  private Raw() {}

  /// What to do with one column family.
  @FunctionalInterface
  interface Work {
    void on(RocksDB db, ColumnFamilyHandle family) throws RocksDBException;
  }

  static void with(Path directory, String family, Work work) throws RocksDBException {
    String path = directory.resolve("db").toString();
    List<ColumnFamilyDescriptor> families = new ArrayList<>();
    int wanted = -1;
    try (Options options = new Options()) {
      for (byte[] name : RocksDB.listColumnFamilies(options, path)) {
        if (new String(name, StandardCharsets.UTF_8).equals(family)) {
          wanted = families.size();
        }
        families.add(new ColumnFamilyDescriptor(name));
      }
    }
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    try (DBOptions options = new DBOptions();
        RocksDB db = RocksDB.open(options, path, families, handles)) {
      try {
        work.on(db, handles.get(wanted));
      } finally {
        handles.forEach(ColumnFamilyHandle::close);
      }
    }
  }

  static void put(Path directory, String family, byte[] key, byte[] value) throws RocksDBException {
    with(directory, family, (db, handle) -> db.put(handle, key, value));
  }
}
