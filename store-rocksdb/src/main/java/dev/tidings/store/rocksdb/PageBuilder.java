// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.Message;
import dev.tidings.core.store.LogPage;
import java.util.ArrayList;
import java.util.List;

/// Gathers the messages of one page until it holds as many, or as many bytes, as were asked for.
final class PageBuilder {
  private final int maxMessages;
  private final long maxBytes;
  private final List<Message> messages = new ArrayList<>();
  private long bytes;

  PageBuilder(int maxMessages, long maxBytes) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  boolean isFull() {
    return messages.size() >= maxMessages || (bytes >= maxBytes && !messages.isEmpty());
  }

  void add(Message message) {
    messages.add(message);
    bytes += message.size();
  }

  LogPage page() {
    return messages.isEmpty() ? LogPage.EMPTY : new LogPage(messages);
  }
}
