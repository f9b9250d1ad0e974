// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.runtime.Command;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What a receiver got. Whoever writes it to the receiver's connection gives it back if that fails,
/// or else confirms it if [#needsConfirmation].
///
/// @param stream the id of the stream
/// @param handed in order; none if the time was up
public record Received(String stream, List<Handed> handed) implements Command.Sized {
  public Received {
    handed = List.copyOf(handed);
  }

  /// A message on its way to a receiver.
  ///
  /// @param message the message
  /// @param from the stream it was taken from
  /// @param send of whoever waits to hear that somebody has got it
  record Handed(StreamMessage message, Stream from, Optional<WaitingSend> send) {}

  /// Nothing.
  static Received nothing(String stream) {
    return new Received(stream, List.of());
  }

  /// The messages, in order.
  public List<StreamMessage> messages() {
    List<StreamMessage> messages = new ArrayList<>(handed.size());
    for (Handed each : handed) {
      messages.add(each.message());
    }
    return messages;
  }

  /// Whether a sender waits to hear that they have been received.
  public boolean needsConfirmation() {
    for (Handed each : handed) {
      if (each.send().isPresent()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public long bytes() {
    long bytes = 0;
    for (Handed each : handed) {
      bytes += each.message().heapSize();
    }
    return bytes;
  }
}
