// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

/// Is told what the commit lane does, for metrics. Called on the commit lane's thread unless
/// something else is said.
public interface CommitObserver {

  /// A batch became durable.
  ///
  /// @param submissions commands it answered
  /// @param messages messages in it
  /// @param durationNs how long the store took, in nanoseconds
  void committed(int submissions, int messages, long durationNs);

  /// The store failed to commit a batch.
  void failed();

  /// A scheduled message became durable in its log. Called by shards, on their executors.
  ///
  /// @param lateMs after it was due, in milliseconds
  void appendedLate(long lateMs);

  /// An observer that does nothing.
  static CommitObserver none() {
    return new CommitObserver() {
      @Override
      public void committed(int submissions, int messages, long durationNs) {}

      @Override
      public void failed() {}

      @Override
      public void appendedLate(long lateMs) {}
    };
  }
}
