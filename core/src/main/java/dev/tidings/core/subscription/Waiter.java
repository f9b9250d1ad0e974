// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

/// Somebody who waits for a message of a subscription.
public interface Waiter {

  /// There may be one: it leases again, and waits again if it gets none. Called once, on the
  /// shard's executor.
  ///
  /// @return whether it is still there; otherwise the next is called
  boolean wake();
}
