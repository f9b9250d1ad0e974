// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import java.nio.file.Path;

/// What became of asking a store for a backup.
public sealed interface BackupResult {

  /// It is there, whole and durable.
  ///
  /// @param directory where it lies
  /// @param files how many files the store has in it
  /// @param bytes their size together
  record Written(Path directory, int files, long bytes) implements BackupResult {}

  /// It cannot be made like this, and nothing was written.
  ///
  /// @param detail why, and what to do
  record Refused(String detail) implements BackupResult {}
}
