// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;

/// Lets go of the entry of a stream that has nothing in the store any more, unless something was
/// stored meanwhile.
///
/// @param entry as it was seen
/// @param nextSequence of its log as it was seen
public record ForgetStream(DurableStream entry, long nextSequence)
    implements StreamCommand<Boolean> {

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

  /// Yields whether it is gone now.
  @Override
  public Step<Boolean> handle(ShardState state) {
    if (!state.isPresent(entry)) {
      return Step.done(true);
    }
    Optional<Load> missing = missing(state);
    if (missing.isPresent()) {
      return new Step.Needs<>(missing.get());
    }
    TopicLog log = state.log(entry.number()).orElseThrow();
    if (log.nextSequence() != nextSequence || log.firstRetained() < nextSequence) {
      return Step.done(false);
    }
    state.remove(entry);
    return Step.done(true);
  }
}
