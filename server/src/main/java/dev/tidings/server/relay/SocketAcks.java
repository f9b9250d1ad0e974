// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.command.NoteAck;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.SerialExecutor;
import java.util.HashMap;
import java.util.Map;

/// How far one WebSocket's client says it has got: the newest ack of each topic, handed in to the
/// core about once a second, however many came meanwhile.
final class SocketAcks {
  private final Node node;
  private final SerialExecutor loop;
  private final String clientId;
  private final String userId;
  // By topic; only what the core has not been told.
  private final Map<String, MessageId> newest = new HashMap<>();

  /// @param loop the event loop of the socket
  /// @param clientId as the client calls itself
  /// @param userId the id of the user it acts for
  SocketAcks(Node node, SerialExecutor loop, String clientId, String userId) {
    this.node = node;
    this.loop = loop;
    this.clientId = clientId;
    this.userId = userId;
  }

  /// The client has acked the message `id` of `topic`.
  void acked(String topic, MessageId id) {
    newest.merge(topic, id, SocketAcks::newer);
  }

  /// The client's right to read `topic` is over: what it has acked there is not handed in any more.
  void drop(String topic) {
    newest.remove(topic);
  }

  private static MessageId newer(MessageId a, MessageId b) {
    return a.incarnation() != b.incarnation() || b.sequence() > a.sequence() ? b : a;
  }

  /// Hands in what has come since the last call.
  void flush() {
    if (newest.isEmpty()) {
      return;
    }
    Map<String, MessageId> flushed = Map.copyOf(newest);
    newest.clear();
    flushed.forEach((topic, id) ->
        node.submit(
            new NoteAck(topic, id.incarnation(), clientId, userId, id.sequence(), id.timestamp()),
            loop,
            outcome -> noted(topic, id, outcome)));
  }

  /// What a failing store did not take is handed in again; a topic that is gone needs nothing.
  private void noted(String topic, MessageId id, Outcome<Consumer> outcome) {
    if (outcome instanceof Outcome.Refused<Consumer>(Refusal refusal)
        && refusal.code().fault() == Refusal.Fault.SERVER
        && refusal.code().retryable()) {
      newest.merge(topic, id, (later, earlier) -> newer(earlier, later));
    }
  }
}
