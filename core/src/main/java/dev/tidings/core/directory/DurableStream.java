// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.message.MessageId;
import dev.tidings.core.slot.Slot;
import java.util.OptionalInt;

/// A stream that keeps messages: the number of its log.
///
/// @param name unique among streams
/// @param number of its log: drawn when it first kept a message, never reused; [#FIRST_NUMBER] or
///   more
/// @param createdAt milliseconds since 1970
public record DurableStream(String name, int number, long createdAt) implements Entry {

  /// The lowest number of a stream's log. Message ids name those of topics only: so streams, which
  /// come and go by millions, have a range of their own above, up to [Integer#MAX_VALUE].
  public static final int FIRST_NUMBER = MessageId.MAX_INCARNATION + 1;

  public DurableStream {
    if (number < FIRST_NUMBER) {
      throw new IllegalArgumentException(
          "number of a stream: " + number + " (expected: " + FIRST_NUMBER + " or more)");
    }
  }

  @Override
  public Kind kind() {
    return Kind.STREAM;
  }

  @Override
  public String key() {
    return name;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.STREAM, name);
  }

  @Override
  public OptionalInt ownNumber() {
    return OptionalInt.of(number);
  }
}
