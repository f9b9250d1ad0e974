// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

/// A command that ends or goes on with what an earlier one has begun at a stream.
///
/// @param <R> what it yields
interface StreamFollowUp<R> extends StreamCommand<R> {

  @Override
  default long size() {
    return 0;
  }

  @Override
  default boolean followsUp() {
    return true;
  }
}
