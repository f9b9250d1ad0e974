// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;

/// Lets go of the oldest messages of a stream, which have expired. Its log need not be in memory.
///
/// @param entry as it was seen
/// @param firstRetained messages below this sequence go; at most one above a durable message
public record TrimStream(DurableStream entry, long firstRetained) implements StreamCommand<Long> {

  @Override
  public String stream() {
    return entry.name();
  }

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  /// Yields the lowest sequence that is retained now.
  @Override
  public Step<Long> handle(ShardState state) {
    if (!state.isPresent(entry)) {
      return Step.refused(
          Refusal.Code.STREAM_MISSING, "stream '" + stream() + "' is gone or another one now");
    }
    state.trim(entry, firstRetained);
    return Step.done(firstRetained);
  }
}
