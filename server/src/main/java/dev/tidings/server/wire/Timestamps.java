// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/// Writes timestamps as ISO 8601 in UTC with milliseconds. One per thread: it keeps the last second
/// it wrote, since neighbouring messages share it.
public final class Timestamps {
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.").withZone(ZoneOffset.UTC);

  private long second = Long.MIN_VALUE;
  private String prefix = "";

  /// `2026-01-31T12:00:00.000`, to which the caller adds `Z` or `+00:00`.
  public String format(long epochMs) {
    long its = Math.floorDiv(epochMs, 1000);
    if (its != second) {
      second = its;
      prefix = SECONDS.format(Instant.ofEpochSecond(its));
    }
    int millis = (int) (epochMs - its * 1000);
    return prefix
        + (char) ('0' + millis / 100)
        + (char) ('0' + millis / 10 % 10)
        + (char) ('0' + millis % 10);
  }

  /// The timestamp with `Z`.
  public static String utc(long epochMs) {
    return new Timestamps().format(epochMs) + "Z";
  }
}
