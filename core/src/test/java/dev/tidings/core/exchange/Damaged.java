// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.ForwardingStore;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.List;

/// A store that cannot read one entry of its directory.
final class Damaged extends ForwardingStore {
  private final Entry.Kind kind;
  private final String key;

  /// In front of `store`, which holds the entry.
  Damaged(Store store, Entry.Kind kind, String key) {
    super(store);
    this.kind = kind;
    this.key = key;
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    DirectoryContents contents = super.loadDirectory();
    List<Entry> left = new ArrayList<>(contents.entries());
    if (!left.removeIf(entry -> entry.kind() == kind && entry.key().equals(key))) {
      throw new StoreException("there is no " + kind + " '" + key + "'");
    }
    return new DirectoryContents(
        left,
        contents.lastIncarnation(),
        contents.lastStreamNumber(),
        contents.lastScheduled(),
        List.of(new DirectoryContents.Damaged(kind, key, "checksum; kept aside")));
  }
}
