// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds the messages of one subscription that are in memory: among the recent ones of its log, on
/// pages that were loaded, and among copies on their way to the store.
///
/// @param number of the subscription
/// @param log of its topic
/// @param pages that were loaded
/// @param copies of dead letters that the store may not have yet, by their sequence
record MessageLookup(int number, TopicLog log, MessagePages pages, Map<Long, Message> copies) {

  /// What is known of one message.
  sealed interface Look {}

  record Found(Message message) implements Look {}

  /// It is not in the store any more.
  record Gone() implements Look {}

  /// It has to be loaded.
  record Unknown() implements Look {}

  /// Everything there is from some place to `through`.
  record Stretch(List<Message> messages, long through) {}

  /// Everything there is from `from` on, as far as that is in memory; at most `max` messages.
  Optional<Stretch> stretch(long from, int max) {
    Optional<List<Message>> recent = log.readRecent(from, max, MessageLoad.MAX_BYTES);
    if (recent.isPresent()) {
      List<Message> messages = recent.get();
      return Optional.of(
          new Stretch(messages, messages.isEmpty() ? from : messages.getLast().sequence()));
    }
    return pages.find(log.incarnation(), from).map(page -> cut(page, from, max));
  }

  private static Stretch cut(MessagePages.Page page, long from, int max) {
    List<Message> messages =
        page.messages().stream().filter(it -> it.sequence() >= from).limit(max).toList();
    // What was cut short ends with its last message.
    return new Stretch(
        messages, messages.size() == max ? messages.getLast().sequence() : page.through());
  }

  /// The message of `delivery`.
  Look look(Delivery delivery) {
    return delivery.kept ? lookAtCopy(delivery.sequence) : look(delivery.sequence);
  }

  private Look lookAtCopy(long sequence) {
    Message onItsWay = copies.get(sequence);
    return onItsWay != null
        ? new Found(onItsWay)
        : at(
            sequence,
            pages.find(number, sequence).map(it -> new Stretch(it.messages(), it.through())));
  }

  /// The message of the log with that sequence.
  Look look(long sequence) {
    return sequence < log.firstRetained() ? new Gone() : at(sequence, stretch(sequence, 1));
  }

  private static Look at(long sequence, Optional<Stretch> known) {
    return known
        .map(stretch ->
            stretch.messages().stream()
                .filter(message -> message.sequence() == sequence)
                .findFirst()
                .<Look>map(Found::new)
                .orElseGet(Gone::new))
        .orElseGet(Unknown::new);
  }

  /// Reads messages of the log.
  ///
  /// @param sequences in the order in which they are needed, since a load may stop after the first
  MessageLoad load(List<Long> sequences) {
    return MessageLoad.ofLog(log, Ranges.of(sequences));
  }

  /// Reads copies of dead letters.
  MessageLoad loadCopies(List<Long> sequences) {
    return MessageLoad.ofCopies(number, Ranges.of(sequences));
  }
}
