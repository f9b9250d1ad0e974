// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.ShardState;

/// Lets the store forget the receipts of one slot that have expired.
///
/// @param slot whose receipts
/// @param expiredBefore those that were kept until before this go, milliseconds since 1970
public record ForgetReceipts(int slot, long expiredBefore) implements Command<Long> {
  private static final long SIZE = 100;

  @Override
  public long size() {
    return SIZE;
  }

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
    state.forgetReceipts(slot, expiredBefore);
    return Step.done(expiredBefore);
  }
}
