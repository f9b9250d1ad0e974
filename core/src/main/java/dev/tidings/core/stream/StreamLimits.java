// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import java.time.Duration;

/// The bounds of all streams together.
///
/// @param maxBytes of heap for everything they hold, 1 or more
/// @param maxStreams streams there may be in memory
/// @param maxDurable streams there may be that keep messages in the store
/// @param maxStreamsPerUser streams that one user or client may have made
/// @param idle how long a stream stays that is empty and not used
/// @param deduplication how long the uuid of a message is remembered
public record StreamLimits(
    long maxBytes,
    int maxStreams,
    int maxDurable,
    int maxStreamsPerUser,
    Duration idle,
    Duration deduplication) {
  /// The bounds unless others are given.
  public static final StreamLimits DEFAULT =
      new StreamLimits(
          256L << 20,
          10_000_000,
          1_000_000,
          2_000_000,
          Duration.ofSeconds(60),
          Duration.ofSeconds(60));
}
