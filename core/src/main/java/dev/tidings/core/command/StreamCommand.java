// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.stream.StreamLoad;
import java.util.Optional;

/// A command about one stream.
///
/// @param <R> what it yields
interface StreamCommand<R> extends Command<R> {
  /// What one holds besides a message.
  long SIZE = 200;

  /// The id of the stream.
  String stream();

  @Override
  default int slot() {
    return Slot.of(Slot.Kind.STREAM, stream());
  }

  @Override
  default long size() {
    return SIZE;
  }

  /// Whether it changes what is stored; otherwise it is [transient][Command#isTransient].
  @Override
  default boolean writes() {
    return false;
  }

  @Override
  default boolean isTransient() {
    return !writes();
  }

  /// What has to be loaded before the log of the stream can be used; empty if it is in memory, or
  /// nothing has been stored yet.
  default Optional<Load> missing(ShardState state) {
    Optional<DurableStream> entry = state.stream(stream());
    Optional<TopicLog> log = entry.flatMap(it -> state.log(it.number()));
    return entry.isEmpty() || log.isPresent()
        ? Optional.empty()
        : Optional.of(
            new StreamLoad(entry.get(), state.time().wallMs() - state.streams().deduplicationMs()));
  }

  /// The answer if what the store has of the stream is damaged.
  default Optional<Step<R>> damaged(ShardState state) {
    return state
        .damage(Entry.Kind.STREAM, stream())
        .map(damage -> Step.refused(Refusal.Code.DAMAGED, damage));
  }
}
