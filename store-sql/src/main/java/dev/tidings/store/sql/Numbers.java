// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.store.DirectoryContents;

/// The highest numbers ever given.
///
/// @param entry of an entry that is no stream
/// @param stream of a stream
/// @param scheduled of a scheduled message
record Numbers(int entry, int stream, long scheduled) {
  /// Nothing was ever numbered.
  static final Numbers NONE = new Numbers(0, DirectoryContents.NO_STREAM_NUMBER, 0);

  /// Those words in the table.
  static final String ENTRY = "entry";

  static final String STREAM = "stream";
  static final String SCHEDULED = "scheduled";

  Numbers with(Entry other) {
    if (other.ownNumber().isEmpty()) {
      return this;
    }
    int number = other.ownNumber().getAsInt();
    return other.kind() == Entry.Kind.STREAM
        ? new Numbers(entry, Math.max(stream, number), scheduled)
        : new Numbers(Math.max(entry, number), stream, scheduled);
  }

  Numbers with(ScheduledMessage message) {
    return new Numbers(entry, stream, Math.max(scheduled, message.number()));
  }

  Numbers or(Numbers other) {
    return new Numbers(
        Math.max(entry, other.entry),
        Math.max(stream, other.stream),
        Math.max(scheduled, other.scheduled));
  }
}
