// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.subscription.Deliveries.Meant;

/// Something asked of messages of a subscription that its consumer names.
///
/// @param <R> what it yields when done
interface MeantCommand<R> extends SubscriptionCommand<R> {

  /// Which messages.
  Meant meant();

  @Override
  default long size() {
    return 300 + 32L * meant().sequences().size();
  }
}
