// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.util.HexFormat;
import java.util.UUID;

/// What a publisher is told of a message: the id it has in its log, or the one under which it waits
/// until it is due. Both are UUIDs, of different versions, so that neither is taken for the other.
public sealed interface PublishedId permits MessageId, ScheduledId {
  /// What the relay API puts before the digits.
  String RELAY_PREFIX = "msg_";

  /// When it was appended to its log, or is to be; milliseconds since 1970.
  long timestamp();

  /// The number of the log.
  int incarnation();

  /// The spelling of the pubsub API.
  UUID toUuid();

  /// The spelling of the relay API: `msg_` and 32 hex digits.
  default String toRelayId() {
    UUID uuid = toUuid();
    HexFormat hex = HexFormat.of();
    return RELAY_PREFIX
        + hex.toHexDigits(uuid.getMostSignificantBits())
        + hex.toHexDigits(uuid.getLeastSignificantBits());
  }
}
