// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Command;
import java.util.List;

/// What came of a replay.
public sealed interface Replayed {

  /// Messages.
  ///
  /// @param messages one or more, in order
  /// @param next where to go on
  record Found(List<Message> messages, Position next) implements Replayed, Command.Sized {
    public Found {
      messages = List.copyOf(messages);
    }

    @Override
    public long bytes() {
      long bytes = 0;
      for (Message message : messages) {
        bytes += message.size();
      }
      return bytes;
    }
  }

  /// There was nothing until the time was up.
  record Nothing() implements Replayed {}

  /// What the place pointed to has expired, or is gone otherwise.
  ///
  /// @param rest where what is left begins
  record Gone(Position rest) implements Replayed {}

  /// It still waits: of use to the shard alone.
  record Waiting() implements Replayed {}
}
