// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Messages that a subscription needs and that are not in memory.
///
/// @param number of their log, or of the subscription for its dead letters
/// @param ranges which, the first needed first; what lies between them is not looked at
/// @param through as far as the log is durable; empty for dead letters, whose copies may yet appear
///   anywhere, so that nothing is said of what lies outside the ranges
public record MessageLoad(int number, List<SequenceRange> ranges, OptionalLong through)
    implements Load {
  /// As much as one answer holds.
  static final long MAX_BYTES = 4 * 1024 * 1024;

  static final int MAX_MESSAGES = 256;

  public MessageLoad {
    ranges = List.copyOf(ranges);
  }

  /// Messages of `log`.
  public static MessageLoad ofLog(TopicLog log, List<SequenceRange> ranges) {
    return new MessageLoad(log.incarnation(), ranges, OptionalLong.of(log.watermark()));
  }

  /// Copies of messages among the dead letters of the subscription with that number.
  static MessageLoad ofCopies(int number, List<SequenceRange> ranges) {
    return new MessageLoad(number, ranges, OptionalLong.empty());
  }

  @Override
  public String what() {
    return through.isPresent()
        ? "the messages of log " + number
        : "the dead letters of subscription number " + number;
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
        MessagePages.Page page = page(store, from, ask, bytesLeft, through.orElse(range.last()));
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

  private MessagePages.Page page(Store store, long from, int ask, long maxBytes, long last)
      throws StoreException {
    List<Message> read = store.read(number, from, ask, maxBytes).messages();
    List<Message> durable = read.stream().takeWhile(message -> message.sequence() <= last).toList();
    // What is cut short ends with its last message; else there is nothing more.
    boolean whole = read.isEmpty() || durable.size() < read.size();
    return new MessagePages.Page(
        number, from, whole ? last : durable.getLast().sequence(), durable);
  }
}
