// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;

/// A stretch of a log as far as it was durable when it was read.
///
/// @param messages in order
/// @param through there are no others from where it begins up to this sequence
record DurableStretch(List<Message> messages, long through) {
  private static final int MAX_MESSAGES = 10_000;
  private static final long MAX_BYTES = 4 << 20;

  DurableStretch {
    messages = List.copyOf(messages);
  }

  /// Reads the stretch of `log` that begins with `from`.
  static DurableStretch read(Store store, TopicLog log, long from) throws StoreException {
    // Before the store is read: what becomes durable later may be missing.
    long watermark = log.watermark();
    List<Message> read = store.read(log.incarnation(), from, MAX_MESSAGES, MAX_BYTES).messages();
    List<Message> durable =
        read.stream().takeWhile(message -> message.sequence() <= watermark).toList();
    boolean whole = read.isEmpty() || durable.size() < read.size();
    return new DurableStretch(durable, whole ? watermark : durable.getLast().sequence());
  }
}
