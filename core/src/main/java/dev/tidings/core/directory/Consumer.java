// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;

/// How far one client of a user says it has got in a topic: what its acks on WebSockets came to. It
/// steers nothing; operators look at it.
///
/// @param topic the name of the topic, in whose slot it lies
/// @param incarnation the number of the topic's log
/// @param clientId as the client calls itself
/// @param userId the id of the user it acts for
/// @param ackedSequence the highest sequence it has acked
/// @param ackedTimestamp of that message, milliseconds since 1970
/// @param ackedAt when the ack came, milliseconds since 1970
public record Consumer(
    String topic,
    int incarnation,
    String clientId,
    String userId,
    long ackedSequence,
    long ackedTimestamp,
    long ackedAt)
    implements Entry {

  @Override
  public Kind kind() {
    return Kind.CONSUMER;
  }

  @Override
  public String key() {
    return key(incarnation, userId, clientId);
  }

  /// The key of the consumer `clientId` of a user in the log with number `incarnation`. What
  /// clients call themselves is not unique across users; a user's id has no slash.
  public static String key(int incarnation, String userId, String clientId) {
    return incarnation + "/" + userId + "/" + clientId;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, topic);
  }
}
