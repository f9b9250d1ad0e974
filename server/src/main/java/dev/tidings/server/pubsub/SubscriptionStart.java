// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.TemporalAccessor;
import java.util.Optional;

/// Where a client wants a subscription to begin.
sealed interface SubscriptionStart {
  /// What a text has to be that spells one.
  String RULE = "start must be 'now', 'earliest' or an ISO 8601 time such as 2026-01-31T12:00:00Z";

  /// With what is published from now on.
  record Now() implements SubscriptionStart {}

  /// With the oldest retained message.
  record Earliest() implements SubscriptionStart {}

  /// With the first retained message of that time or later.
  ///
  /// @param timestamp milliseconds since 1970
  record At(long timestamp) implements SubscriptionStart {}

  /// What `text` spells; a time without offset is one of UTC.
  static Optional<SubscriptionStart> parse(String text) {
    return switch (text) {
      case "now" -> Optional.of(new Now());
      case "earliest" -> Optional.of(new Earliest());
      default -> time(text);
    };
  }

  private static Optional<SubscriptionStart> time(String text) {
    try {
      TemporalAccessor parsed =
          DateTimeFormatter.ISO_DATE_TIME.parseBest(
              text, OffsetDateTime::from, LocalDateTime::from);
      OffsetDateTime time =
          parsed instanceof OffsetDateTime known
              ? known
              : LocalDateTime.from(parsed).atOffset(ZoneOffset.UTC);
      // The first millisecond that is not before it.
      return Optional.of(new At(Math.addExact(time.toInstant().toEpochMilli(), ceil(time))));
    } catch (DateTimeException | ArithmeticException _) {
      // Not a time: an answer here, and not an error.
      return Optional.empty();
    }
  }

  private static int ceil(OffsetDateTime time) {
    return time.getNano() % 1_000_000 == 0 ? 0 : 1;
  }
}
