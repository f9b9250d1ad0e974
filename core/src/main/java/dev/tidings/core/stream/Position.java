// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

/// A place in what a stream keeps in the store, for who reads it page by page.
///
/// @param number of the log; 0 for the beginning of whatever there is
/// @param sequence of the message to go on with
/// @param knownAt what had expired by then, milliseconds since 1970, is known to be gone: to pass
///   over it loses nothing
public record Position(int number, long sequence, long knownAt) {

  /// The oldest message that is left at `now`.
  public static Position beginning(long now) {
    return new Position(0, 0, now);
  }
}
