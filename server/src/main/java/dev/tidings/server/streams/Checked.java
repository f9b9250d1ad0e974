// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

/// What reading something of a request comes to.
///
/// @param <R> what is read
sealed interface Checked<R> {

  /// It is as it has to be.
  record Good<R>(R value) implements Checked<R> {}

  /// It is not.
  record Bad<R>(Fault fault) implements Checked<R> {}

  static <R> Checked<R> bad(String error, String detail) {
    return new Bad<>(new Fault(error, detail));
  }
}
