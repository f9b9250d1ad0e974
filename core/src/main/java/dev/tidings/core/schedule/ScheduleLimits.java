// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

/// The bounds of what is scheduled.
///
/// @param messages that may wait at once
/// @param memoryBytes heap for those that are due within the next minute, shared equally by the
///   shards; what does not fit is read from the store when it is due
public record ScheduleLimits(long messages, long memoryBytes) {
  /// The bounds unless others are given.
  public static final ScheduleLimits DEFAULT = new ScheduleLimits(10_000_000, 64L << 20);
}
