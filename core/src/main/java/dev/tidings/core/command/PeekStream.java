// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Streams.Peeked;
import java.util.Optional;

/// Looks at what a stream holds in memory, without taking it. Yields nothing if the stream is not
/// in memory.
///
/// @param stream its id
/// @param offset the index of the first message, 0 or more
/// @param max messages, 1 or more
public record PeekStream(String stream, int offset, int max)
    implements StreamCommand<Optional<Peeked>> {

  @Override
  public Step<Optional<Peeked>> handle(ShardState state) {
    return Step.done(state.streams().peek(stream, offset, max));
  }
}
