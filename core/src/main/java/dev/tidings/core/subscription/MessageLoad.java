// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Messages that a subscription needs and that are not in memory.
///
/// @param number of their log, or of the subscription for its dead letters
/// @param ranges which, in order; what lies between them is not looked at
/// @param through as far as the log is durable
public record MessageLoad(int number, List<SequenceRange> ranges, long through) implements Load {
  /// As much as one answer holds.
  static final long MAX_BYTES = 4 * 1024 * 1024;

  static final int MAX_MESSAGES = 256;

  public MessageLoad {
    ranges = List.copyOf(ranges);
  }

  @Override
  public String what() {
    return "the messages of log " + number;
  }

  /// Reads at least the first, and no more once [#MAX_BYTES] are reached.
  @Override
  public Loaded read(Store store) throws StoreException {
    List<MessagePages.Page> pages = new ArrayList<>();
    long bytesLeft = MAX_BYTES;
    for (SequenceRange range : ranges) {
      long from = range.first();
      while (from <= range.last() && bytesLeft > 0) {
        int ask = (int) Math.min(MAX_MESSAGES, range.last() - from + 1);
        MessagePages.Page page = page(store, from, ask, bytesLeft);
        pages.add(page);
        for (Message message : page.messages()) {
          bytesLeft -= message.size();
        }
        from = page.through() + 1;
      }
    }
    return state -> {
      state.subscriptions().pages().add(pages);
      return Optional.empty();
    };
  }

  private MessagePages.Page page(Store store, long from, int ask, long maxBytes)
      throws StoreException {
    List<Message> read = store.read(number, from, ask, maxBytes).messages();
    List<Message> durable =
        read.stream().takeWhile(message -> message.sequence() <= through).toList();
    // What is cut short ends with its last message; else there is nothing more.
    boolean whole = read.isEmpty() || durable.size() < read.size();
    return new MessagePages.Page(
        number, from, whole ? through : durable.getLast().sequence(), durable);
  }
}
