// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

/// A binding: what is published to an exchange with keys that match is routed into a queue.
///
/// It lies with its queue and goes with it. When its exchange goes it counts no more, since it
/// names the exchange's number, and is removed later.
///
/// @param exchange the name of the exchange
/// @param exchangeNumber the number of the exchange
/// @param type how the exchange routes
/// @param queue the name of the queue
/// @param incarnation the number of the queue's log
/// @param routingKey the key, or, for a topic exchange, the pattern it has to match
/// @param createdAt milliseconds since 1970
public record Binding(
    String exchange,
    int exchangeNumber,
    Exchange.Type type,
    String queue,
    int incarnation,
    String routingKey,
    long createdAt)
    implements Entry {

  /// A binding of `queue` to `exchange`.
  public static Binding of(Exchange exchange, Queue queue, String routingKey, long createdAt) {
    return new Binding(
        exchange.name(),
        exchange.number(),
        exchange.type(),
        queue.name(),
        queue.incarnation(),
        routingKey,
        createdAt);
  }

  @Override
  public Kind kind() {
    return Kind.BINDING;
  }

  @Override
  public String key() {
    return keyOf(exchangeNumber, incarnation, routingKey);
  }

  /// The key of the binding of the queue whose log has the number `incarnation`: unlike names,
  /// numbers can be told apart from the routing key that follows them.
  public static String keyOf(int exchangeNumber, int incarnation, String routingKey) {
    return exchangeNumber + "/" + incarnation + "/" + routingKey;
  }

  @Override
  public int slot() {
    return Queue.slotOf(queue);
  }
}
