// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.Optional;
import java.util.OptionalLong;

/// Drops everything a stream holds, in memory and in the store. Yields how many messages those were
/// in memory.
///
/// @param stream its id
public record PurgeStream(String stream) implements StreamCommand<Long> {

  @Override
  public boolean writes() {
    return true;
  }

  @Override
  public boolean freesSpace() {
    return true;
  }

  @Override
  public Step<Long> handle(ShardState state) {
    Optional<Step<Long>> damaged = damaged(state);
    if (damaged.isPresent()) {
      return damaged.get();
    }
    Optional<Load> missing = missing(state);
    if (missing.isPresent()) {
      return new Step.Needs<>(missing.get());
    }
    Optional<DurableStream> entry = state.stream(stream);
    OptionalLong purged = state.streams().purge(stream);
    if (entry.isEmpty() && purged.isEmpty()) {
      return Step.refused(Refusal.Code.STREAM_MISSING, "there is no stream '" + stream + "'");
    }
    entry.ifPresent(it -> {
      TopicLog log = state.log(it.number()).orElseThrow();
      // What is on its way to the store was sent after this: it will be in memory too.
      long firstRetained = log.nextSequence() - state.streams().storing(it.number());
      if (log.firstRetained() < firstRetained) {
        state.trim(it, firstRetained);
      }
    });
    return Step.done(purged.orElse(0));
  }
}
