// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.message.NewMessage;
import dev.tidings.core.runtime.TimeSource;
import java.time.Duration;
import java.util.OptionalLong;

/// Reads when a message is due that is published over HTTP: at the time `deliver_at`, or
/// `delay_seconds` from now.
public final class DueTimes {
  private static final String AT = "deliver_at";
  private static final String DELAY = "delay_seconds";

  private final TimeSource time;
  private final Duration maxDelay;

  /// @param time the clock that says what is now
  /// @param maxDelay how far ahead a message may be due
  public DueTimes(TimeSource time, Duration maxDelay) {
    this.time = time;
    this.maxDelay = maxDelay;
  }

  /// When the message with these fields is due, milliseconds since 1970; [NewMessage#NOW] if that
  /// has passed, or nothing is said. Notes it if it is said twice or too far ahead.
  public long read(Fields fields) {
    OptionalLong at = fields.optionalTime(AT);
    OptionalLong delay = fields.optionalSeconds(DELAY);
    if (at.isPresent() && delay.isPresent()) {
      fields.invalid(DELAY, "send either " + AT + " or " + DELAY + ", not both");
    }
    if (at.isEmpty() && delay.isEmpty()) {
      return NewMessage.NOW;
    }
    long now = time.wallMs();
    if (delay.isPresent()) {
      return due(fields, DELAY, now, delay.getAsLong());
    }
    return at.getAsLong() <= now ? NewMessage.NOW : due(fields, AT, now, at.getAsLong() - now);
  }

  private long due(Fields fields, String name, long now, long delayMs) {
    if (delayMs > maxDelay.toMillis()) {
      fields.invalid(
          name,
          "the message would be due too far ahead (expected: at most "
              + maxDelay.toSeconds()
              + " seconds from now, scheduled.max-delay)");
      return NewMessage.NOW;
    }
    return delayMs == 0 ? NewMessage.NOW : now + delayMs;
  }
}
