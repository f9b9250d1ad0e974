// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/// Where applications publish by writing into the store themselves, in transactions of their own:
/// what they have committed waits here until a [StoreRecord.OutboxTaken] takes it out.
///
/// One thread uses it at a time, any but the commit lane's.
public interface Outbox extends AutoCloseable {

  /// What waits, in the order of the ids: everything that was committed before the call and is not
  /// taken out.
  ///
  /// @param without names of topics whose messages are left out
  /// @param maxMessages at most so many
  /// @param maxBytes no more once so many bytes of payload and metadata are reached; at least one
  ///   message if there is any
  /// @return an empty list only if there are none
  List<OutboxMessage> read(Set<String> without, int maxMessages, long maxBytes)
      throws StoreException;

  /// Waits until something may have been committed, or for `timeout`. It may end early, and what
  /// was committed need not end it: it only saves waiting.
  ///
  /// @throws StoreException the store cannot be waited for; it may be tried again
  void await(Duration timeout) throws StoreException, InterruptedException;

  /// Lets go of what reading and waiting needs. What waits, waits on.
  @Override
  default void close() {}
}
