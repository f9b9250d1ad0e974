// SPDX-License-Identifier: Apache-2.0

/// The embedded default store: one RocksDB database in one directory of one process.
@NullMarked
package dev.tidings.store.rocksdb;

import org.jspecify.annotations.NullMarked;
