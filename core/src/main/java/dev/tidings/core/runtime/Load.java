// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.Optional;

/// Something that commands need and that is not in memory: it is read from the store on another
/// thread and then put into the shard's state. Equal ones are one load for all who wait.
public interface Load {

  /// A name for it, for the log and for callers: `the log of topic 'orders'`.
  String what();

  /// Whether publishers may wait for it: then it is not read behind what readers and filters want.
  default boolean isForPublishers() {
    return false;
  }

  /// Reads it. Not on the shard's executor; blocks.
  Loaded read(Store store) throws StoreException;

  /// What was read.
  interface Loaded {

    /// Puts it into `state`, on the shard's executor; not if what it belongs to is gone by now.
    ///
    /// @return what is to be loaded next, though nobody waits for it
    Optional<Load> into(ShardState state);
  }
}
