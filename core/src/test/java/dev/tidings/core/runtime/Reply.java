// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Takes the answer of one command and holds it to being given once, on the executor it was asked
/// from.
///
/// @param <R> what the command yields when done
public final class Reply<R> implements Consumer<Outcome<R>> {
  private final SerialExecutor home;
  private @Nullable Outcome<R> outcome;

  /// A reply that has to arrive on `home`.
  public Reply(SerialExecutor home) {
    this.home = home;
  }

  @Override
  public void accept(Outcome<R> answer) {
    home.checkCurrent();
    if (outcome != null) {
      throw new AssertionError("answered twice: first " + outcome + ", then " + answer);
    }
    outcome = answer;
  }

  /// The answer, if it has come.
  public Optional<Outcome<R>> outcome() {
    return Optional.ofNullable(outcome);
  }

  /// Whether the answer has come.
  public boolean isAnswered() {
    return outcome != null;
  }

  /// What was done; fails if it was not.
  public R done() {
    if (outcome instanceof Outcome.Done<R>(R result)) {
      return result;
    }
    throw new AssertionError("not done but " + outcome);
  }

  /// Why it was refused; fails if it was not.
  public Refusal refusal() {
    if (outcome instanceof Outcome.Refused<R>(Refusal refusal)) {
      return refusal;
    }
    throw new AssertionError("not refused but " + outcome);
  }
}
