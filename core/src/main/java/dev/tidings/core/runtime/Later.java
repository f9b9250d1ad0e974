// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The answer to a command that waits for something to happen: whoever makes it happen gives it. It
/// rests on nothing that is not durable by then.
///
/// Belongs to the shard's executor.
///
/// @param <R> what the command yields when done
public final class Later<R> {
  private @Nullable Consumer<Outcome<R>> then;

  /// Says who takes the answer; once, before it is given.
  void whenGiven(Consumer<Outcome<R>> taker) {
    then = taker;
  }

  /// Gives the answer; once. Nothing is called back before the present task of the executor has
  /// ended.
  public void give(Outcome<R> outcome) {
    Consumer<Outcome<R>> taker = then;
    if (taker == null) {
      throw new IllegalStateException(
          "an answer was given twice, or before anybody waited for it: " + outcome);
    }
    then = null;
    taker.accept(outcome);
  }
}
