// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.directory.Entry;
import java.util.List;

/// Everything the directory held when the store was opened.
///
/// @param entries in no order
/// @param lastIncarnation no lower than the number of any log of an entry ever put, also of those
///   that are gone or may have been lost; 0 if there was none
/// @param damaged entries that could not be read
public record DirectoryContents(List<Entry> entries, int lastIncarnation, List<Damaged> damaged) {

  public DirectoryContents {
    entries = List.copyOf(entries);
    damaged = List.copyOf(damaged);
  }

  /// The entries of one type.
  public <E extends Entry> List<E> all(Class<E> type) {
    return entries.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /// An entry whose bytes are kept aside because they cannot be trusted. Its key stays taken, so
  /// that nobody gets it by creating it anew.
  ///
  /// @param kind what it was
  /// @param key from its key in the store
  /// @param reason what is wrong and where the bytes are kept
  public record Damaged(Entry.Kind kind, String key, String reason) {}
}
