// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import java.util.List;

/// Records that become durable together, with the number that tells later whether they did.
///
/// @param lane the commit lane that sends it
/// @param epoch what [Store#openSlots] returned
/// @param number rises by at least one from batch to batch of a lane under one epoch; from 1
/// @param records in the order they took effect
public record Batch(int lane, long epoch, long number, List<StoreRecord> records) {
  public Batch {
    records = List.copyOf(records);
  }
}
