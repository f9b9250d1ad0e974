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
    TOPIC("topic"),
    /// A user, by username.
    USER("user"),
    /// A login of a user, by its id.
    LOGIN("login"),
    /// A consumer of a topic, by the number of the topic's log, its user's id and its own.
    CONSUMER("consumer"),
    /// A subscription, by its id.
    SUBSCRIPTION("subscription"),
    /// A client, by its id.
    CLIENT("client"),
    /// A stream that keeps messages, by its name.
    STREAM("stream"),
    /// A signing key, by its name.
    KEY("signing-key"),
    /// An exchange, by its name.
    EXCHANGE("exchange"),
    /// A queue, by its name.
    QUEUE("queue"),
    /// A binding, by the numbers of its exchange and its queue's log and its routing key.
    BINDING("binding");

    private final String word;

    Kind(String word) {
      this.word = word;
    }

    /// A word for the kind, for operators. They are in databases: never change or reuse one.
    public String word() {
      return word;
    }
  }
}
