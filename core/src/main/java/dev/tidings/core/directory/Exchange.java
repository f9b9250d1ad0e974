// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;
import java.util.OptionalInt;

/// An exchange: messages published to it are routed into the queues that are bound to it.
///
/// @param name unique among exchanges
/// @param number drawn when it was created, never reused: bindings name it, so that an exchange
///   that is deleted and made again has none of the former one's
/// @param type how it routes
/// @param ownerId the id of the user or client who created it
/// @param createdAt milliseconds since 1970
public record Exchange(String name, int number, Type type, String ownerId, long createdAt)
    implements Entry {

  /// How an exchange routes.
  public enum Type {
    /// To the queues bound with exactly the key of the message.
    DIRECT,
    /// To every bound queue.
    FANOUT,
    /// To the queues bound with a pattern that matches the words of the key: `*` stands for one
    /// word, `#` for any number of them.
    TOPIC
  }

  @Override
  public Kind kind() {
    return Kind.EXCHANGE;
  }

  @Override
  public String key() {
    return name;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.EXCHANGE, name);
  }

  /// Nothing is stored under it, but it is drawn from the numbers of logs and must not be drawn
  /// again.
  @Override
  public OptionalInt ownNumber() {
    return OptionalInt.of(number);
  }
}
