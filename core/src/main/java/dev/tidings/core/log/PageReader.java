// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.log.History.Gap;
import dev.tidings.core.log.History.Order;
import dev.tidings.core.log.History.Page;
import dev.tidings.core.log.History.Question;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Gathers one page of a log. Its work is bounded: it stops after so many reads of the store even
/// if all it has met were expired messages and holes, and the next page goes on from there.
final class PageReader {
  private static final int MAX_READS = 40;
  private static final int READ_MESSAGES = 256;
  private static final long MAX_BYTES = 4 * 1024 * 1024;

  private final RetainedLog log;
  private final Question question;
  private final long now;
  private final List<Message> messages = new ArrayList<>();
  private final List<Gap> gaps = new ArrayList<>();
  // The last message or place it has passed.
  private Optional<MessageId> passed;
  private long bytes;

  /// @param now in milliseconds since 1970; what has expired then is left out
  PageReader(RetainedLog log, Question question, long now) {
    this.log = log;
    this.question = question;
    this.now = now;
    passed =
        question
            .after()
            .map(id ->
                id.incarnation() == 0 ? new MessageId(id.timestamp(), 0, log.incarnation()) : id)
            .filter(id ->
                id.incarnation() == log.incarnation() && id.sequence() <= Math.max(log.last(), 0));
  }

  Page read() throws StoreException {
    boolean ended =
        switch (question.order()) {
          case ASCENDING -> ascend();
          case DESCENDING -> descend();
        };
    Optional<MessageId> next = ended && messages.isEmpty() ? Optional.empty() : passed;
    return new Page(messages, gaps, log.count(), next);
  }

  /// Reads towards the newest message; whether it got there.
  private boolean ascend() throws StoreException {
    long from = passed.map(id -> Math.max(id.sequence() + 1, log.first())).orElse(log.first());
    int ask = question.limit();
    for (int reads = 0; from <= log.last() && !isFull() && reads < MAX_READS; reads++) {
      List<Message> read = log.from(from, Math.min(ask, READ_MESSAGES), roomLeft());
      if (read.isEmpty()) {
        return true;
      }
      pass(read);
      from = passedSequence() + 1;
      ask = Math.min(READ_MESSAGES, ask * 2);
    }
    return from > log.last();
  }

  /// Reads towards the oldest message; whether it got there. The store reads forwards only, so it
  /// reads the stretch that ends where it stands, a shorter one if its messages are large, and
  /// leaps over holes.
  private boolean descend() throws StoreException {
    long end = passed.map(MessageId::sequence).orElse(log.last() + 1);
    int ask = Math.min(question.limit(), READ_MESSAGES);
    for (int reads = 0; end > log.first() && !isFull() && reads < MAX_READS; reads++) {
      long from = Math.max(log.first(), end - ask);
      RetainedLog.Stretch stretch = log.between(from, end, roomLeft());
      if (!stretch.whole()) {
        ask = Math.max(1, Math.min(ask / 2, stretch.messages().size()));
        continue;
      }
      pass(stretch.messages().reversed());
      if (isFull()) {
        end = passedSequence();
      } else {
        end = stretch.messages().isEmpty() ? log.endBelow(from) : from;
        ask = Math.min(READ_MESSAGES, ask * 2);
      }
    }
    if (end > log.first()) {
      // It may have stopped within a hole.
      long timestamp = passed.map(MessageId::timestamp).orElse(0L);
      passed = Optional.of(new MessageId(timestamp, end, log.incarnation()));
      return false;
    }
    return true;
  }

  private boolean isFull() {
    return messages.size() == question.limit() || bytes >= MAX_BYTES;
  }

  private long roomLeft() {
    return Math.max(1, MAX_BYTES - bytes);
  }

  private long passedSequence() {
    return passed.orElseThrow().sequence();
  }

  /// Passes `read`, which is in the order of the page, until the page is full.
  private void pass(List<Message> read) {
    for (Message message : read) {
      if (isFull()) {
        return;
      }
      MessageId id = MessageId.of(message, log.incarnation());
      passed.ifPresent(before -> noteGap(before, id));
      passed = Optional.of(id);
      bytes += message.size();
      if (!message.expiredAt(now)) {
        messages.add(message);
      }
    }
  }

  private void noteGap(MessageId before, MessageId id) {
    boolean ascending = question.order() == Order.ASCENDING;
    MessageId from = ascending ? before : id;
    MessageId to = ascending ? id : before;
    if (to.sequence() > from.sequence() + 1) {
      gaps.add(new Gap(from, to));
    }
  }
}
