// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.MessageId;

/// Where a cursor begins.
public sealed interface Start {

  /// After the newest message: live only.
  record Last() implements Start {}

  /// At the oldest retained message.
  record Earliest() implements Start {}

  /// After the message with an id. An id this log never gave (of another log, of an earlier topic
  /// of the same name, from before a lapse) counts as a place before everything: the reader begins
  /// at the oldest retained message and is told a gap.
  ///
  /// @param id of a message
  record After(MessageId id) implements Start {}

  /// At a place that cannot be known, since what named it is no id: as a foreign id.
  record Unknown() implements Start {}
}
