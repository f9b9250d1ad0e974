// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.OptionalInt;

/// One thing in the directory: known by its kind and key, owned by the shard of its slot,
/// remembered by the store and shown to everyone once it is durable.
public sealed interface Entry
    permits Topic,
        User,
        Login,
        Consumer,
        Subscription,
        Client,
        DurableStream,
        SigningKey,
        Exchange,
        Queue,
        Binding {

  /// What it is.
  Kind kind();

  /// Unique among the entries of its kind.
  String key();

  /// The slot it lies in: that of the topic, user, client, stream, key or exchange it is or belongs
  /// to.
  int slot();

  /// The number under which is stored what lives and dies with it: the log of a topic or stream,
  /// the deliveries and dead letters of a subscription. Empty if it has none.
  default OptionalInt ownNumber() {
    return OptionalInt.empty();
  }

  /// The kinds of entries.
  enum Kind {
    /// A topic, by its name.
    TOPIC,
    /// A user, by username.
    USER,
    /// A login of a user, by its id.
    LOGIN,
    /// A consumer of a topic, by the number of the topic's log, its user's id and its own.
    CONSUMER,
    /// A subscription, by its id.
    SUBSCRIPTION,
    /// A client, by its id.
    CLIENT,
    /// A stream that keeps messages, by its name.
    STREAM,
    /// A signing key, by its name.
    KEY,
    /// An exchange, by its name.
    EXCHANGE,
    /// A queue, by its name.
    QUEUE,
    /// A binding, by the numbers of its exchange and its queue's log and its routing key.
    BINDING
  }
}
