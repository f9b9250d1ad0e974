// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import java.util.List;

/// Whether a store would take writes, and what is odd about it.
///
/// @param writable whether a commit is expected to work
/// @param detail for an operator: `ok`, or what is wrong and what to do
/// @param quarantined names of damaged records kept aside since the store was opened, at most 100
public record StoreHealth(boolean writable, String detail, List<String> quarantined) {
  /// Nothing is wrong.
  public static final StoreHealth OK = new StoreHealth(true, "ok", List.of());

  public StoreHealth {
    quarantined = List.copyOf(quarantined);
  }
}
