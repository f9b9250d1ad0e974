// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

/// What a command came to.
///
/// @param <R> what it yields when done
public sealed interface Outcome<R> {

  /// It was done, and is durable.
  ///
  /// @param result what it yields
  record Done<R>(R result) implements Outcome<R> {}

  /// It was refused.
  ///
  /// @param refusal why
  record Refused<R>(Refusal refusal) implements Outcome<R> {}

  /// Done with `result`.
  static <R> Outcome<R> done(R result) {
    return new Done<>(result);
  }

  /// Refused with `code` because of `detail`.
  static <R> Outcome<R> refused(Refusal.Code code, String detail) {
    return new Refused<>(new Refusal(code, detail));
  }
}
