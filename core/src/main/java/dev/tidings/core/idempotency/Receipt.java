// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.idempotency;

import dev.tidings.core.message.MessageId;
import java.util.List;
import java.util.stream.LongStream;

/// What a publish under an idempotency key came to: enough to give the same answer again.
///
/// @param slot the slot of the topic
/// @param request what was asked
/// @param expiresAt until when it is kept, milliseconds since 1970
/// @param incarnation the number of the log
/// @param firstSequence of the messages, which have consecutive ones
/// @param count of the messages
/// @param timestamp of all of them, milliseconds since 1970
public record Receipt(
    int slot,
    KeyedRequest request,
    long expiresAt,
    int incarnation,
    long firstSequence,
    int count,
    long timestamp) {

  /// The ids of the messages, in order.
  public List<MessageId> ids() {
    return LongStream.range(firstSequence, firstSequence + count)
        .mapToObj(sequence -> new MessageId(timestamp, sequence, incarnation))
        .toList();
  }
}
