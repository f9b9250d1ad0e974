// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.ScheduledMessage;
import java.util.ArrayList;
import java.util.List;

/// Gathers scheduled messages until it holds as many, or as many bytes, as were asked for.
final class ScheduledPage {
  private final int maxMessages;
  private final long maxBytes;
  private final List<ScheduledMessage> messages = new ArrayList<>();
  private long bytes;

  ScheduledPage(int maxMessages, long maxBytes) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  boolean isFull() {
    return messages.size() >= maxMessages || (bytes >= maxBytes && !messages.isEmpty());
  }

  void add(ScheduledMessage message) {
    messages.add(message);
    bytes += message.message().size();
  }

  List<ScheduledMessage> messages() {
    return List.copyOf(messages);
  }
}
