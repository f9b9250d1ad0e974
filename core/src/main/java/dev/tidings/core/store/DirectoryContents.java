// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import java.util.List;

/// Everything the directory held when the store was opened.
///
/// @param entries in no order
/// @param lastIncarnation no lower than the number of any entry ever put but streams, also of those
///   that are gone or may have been lost; 0 if there was none
/// @param lastStreamNumber no lower than the number of any stream ever put, also of those that are
///   gone or may have been lost; one below [DurableStream#FIRST_NUMBER] if there was none, and
///   never lower
/// @param lastScheduled no lower than the number of any message ever scheduled, also of those that
///   are gone or may have been lost; 0 if there was none
/// @param damaged entries that could not be read
public record DirectoryContents(
    List<Entry> entries,
    int lastIncarnation,
    int lastStreamNumber,
    long lastScheduled,
    List<Damaged> damaged) {

  /// The [#lastStreamNumber] of a store that has never kept a stream.
  public static final int NO_STREAM_NUMBER = DurableStream.FIRST_NUMBER - 1;

  public DirectoryContents {
    if (lastStreamNumber < NO_STREAM_NUMBER) {
      throw new IllegalArgumentException(
          "lastStreamNumber: "
              + lastStreamNumber
              + " (expected: "
              + NO_STREAM_NUMBER
              + " or more)");
    }
    entries = List.copyOf(entries);
    damaged = List.copyOf(damaged);
  }

  /// What a store holds that has never kept a scheduled message.
  public DirectoryContents(
      List<Entry> entries, int lastIncarnation, int lastStreamNumber, List<Damaged> damaged) {
    this(entries, lastIncarnation, lastStreamNumber, 0, damaged);
  }

  /// What a store holds that has never kept a stream or a scheduled message.
  public DirectoryContents(List<Entry> entries, int lastIncarnation, List<Damaged> damaged) {
    this(entries, lastIncarnation, NO_STREAM_NUMBER, 0, damaged);
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
