// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.OptionalInt;

/// One thing asked of the shard that owns a slot.
///
/// @param <R> what it yields when done
public interface Command<R> {

  /// The slot of the entity it concerns.
  int slot();

  /// Bytes it holds while it waits, for the bound on pending commands.
  long size();

  /// Whether it may change something. Such commands are refused while the store takes no writes.
  boolean writes();

  /// Whether it frees space in the store: such a command is handled also while the store takes no
  /// other writes because its disk is nearly full.
  default boolean freesSpace() {
    return false;
  }

  /// Whether it may take authority away. Its answer, whatever it is, is given only when every event
  /// loop and every shard has passed what it saw: also if somebody else's command of the same kind
  /// came first and left it nothing to do.
  default boolean takesAuthority() {
    return false;
  }

  /// Whether what it does takes effect in memory only when it is durable, as a message that enters
  /// the queue of a stream then. It is answered after its shard has seen to that, so that nothing
  /// that is asked afterwards can come before it.
  default boolean takesEffectWhenDurable() {
    return false;
  }

  /// Whether it ends or goes on with what an admitted command has begun. It holds nothing that is
  /// not counted already, its [size][#size] is 0, and it is admitted however many wait.
  default boolean followsUp() {
    return false;
  }

  /// Whether it concerns only what is in memory and never in the store. Its answer rests on nothing
  /// that has to become durable first, so it is given at once. The only records such a command
  /// emits are about what transient queues hold.
  default boolean isTransient() {
    return false;
  }

  /// The number under which everything is kept that it may change, if it is one: where a transient
  /// queue keeps it in memory, the command is [transient][#isTransient] too, and the store need not
  /// take writes for it.
  default OptionalInt about() {
    return OptionalInt.empty();
  }

  /// Does it: reads and changes `state`, which emits the records. Runs on the shard's executor,
  /// never blocks, and changes nothing if it refuses or needs something loaded.
  Step<R> handle(ShardState state);

  /// What a command yields, where that may hold much more than the command: it counts against the
  /// bound on pending commands until it is given.
  interface Sized {
    /// How many bytes it holds.
    long bytes();
  }

  /// What [#handle] came to.
  ///
  /// @param <R> what the command yields when done
  sealed interface Step<R> {

    /// It is answered, as soon as everything it could see is durable.
    ///
    /// @param outcome the answer
    record Answer<R>(Outcome<R> outcome) implements Step<R> {}

    /// It needs something that is not in memory yet: the shard loads it and calls [#handle] again.
    ///
    /// @param load what it needs
    record Needs<R>(Load load) implements Step<R> {}

    /// It waits for something to happen, and is answered then. Until then it does not count as
    /// waiting for the store; whoever makes it wait bounds those that do.
    ///
    /// @param answer is given when it has happened
    record Waits<R>(Later<R> answer) implements Step<R> {}

    /// Answered with a result.
    static <R> Step<R> done(R result) {
      return new Answer<>(Outcome.done(result));
    }

    /// Answered with a refusal.
    static <R> Step<R> refused(Refusal.Code code, String detail) {
      return new Answer<>(Outcome.refused(code, detail));
    }
  }
}
