// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

/// What a commit waits for.
public enum Durability {
  /// The disk has it: nothing acknowledged is lost when the machine loses power.
  FSYNC,
  /// The operating system has it: nothing acknowledged is lost when the process is killed, but what
  /// was not yet written to the disk is lost when the machine stops.
  MEMORY
}
