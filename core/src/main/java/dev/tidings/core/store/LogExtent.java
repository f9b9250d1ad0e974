// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

/// What a store retains of one log, and where the log goes on.
///
/// @param firstRetained the lowest sequence a reader may still ask for; equal to `nextSequence` if
///   nothing is retained
/// @param nextSequence the sequence of the next message to append. After a lapse (a start that may
///   have lost acknowledged messages) it is [#LAPSE_STEP] higher for each lapse than what the store
///   remembers, so that no sequence is given twice
/// @param lastTimestamp the timestamp of the last message, 0 if there never was one
/// @param messagesEver messages appended since the log was created
/// @param bytesEver bytes of payload and metadata appended since the log was created
public record LogExtent(
    long firstRetained, long nextSequence, long lastTimestamp, long messagesEver, long bytesEver) {

  /// How far a log's sequence jumps for each lapse.
  public static final long LAPSE_STEP = 1L << 20;

  /// A log nothing was ever appended to.
  public static final LogExtent EMPTY = new LogExtent(1, 1, 0, 0, 0);
}
