// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.Optional;

/// What is done with the messages of a socket that decodes them. Touched by the socket's event loop
/// alone.
interface SocketReader {
  /// Notes a message by its frame and stamp; says what is wrong with it, or nothing. The buffer is
  /// lent for the call.
  String message(ByteBuf frame, int offset, int length, int stampAt);

  /// What the socket sends after a read that brought messages.
  Optional<String> answer();
}
