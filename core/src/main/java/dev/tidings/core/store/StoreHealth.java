// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import java.util.List;

/// Whether a store would take writes, and what is odd about it.
///
/// @param writable whether a commit is expected to work
/// @param detail for an operator: `ok`, or what is wrong and what to do
/// @param quarantined names of damaged records kept aside since the store was opened, at most 100
/// @param lowOnSpace whether it is not writable only because its disk is nearly full: it still
///   takes what frees space
public record StoreHealth(
    boolean writable, String detail, List<String> quarantined, boolean lowOnSpace) {
  /// Nothing is wrong.
  public static final StoreHealth OK = new StoreHealth(true, "ok", List.of());

  public StoreHealth {
    quarantined = List.copyOf(quarantined);
    if (writable && lowOnSpace) {
      throw new IllegalArgumentException(
          "writable: true, lowOnSpace: true (expected: low on space only if not writable)");
    }
  }

  /// The health of a store that has enough space.
  public StoreHealth(boolean writable, String detail, List<String> quarantined) {
    this(writable, detail, quarantined, false);
  }

  /// The health of a store whose disk is nearly full and which lacks nothing else.
  public static StoreHealth lowOnSpace(String detail, List<String> quarantined) {
    return new StoreHealth(false, detail, quarantined, true);
  }
}
