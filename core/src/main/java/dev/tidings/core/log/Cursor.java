// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A reader's place in a log. A session is a set of these and keeps no queue of messages: a reader
/// that cannot take more simply stays where it is.
///
/// Belongs to one event loop; made by [Readers#open].
public final class Cursor {
  private static final Logger LOG = LoggerFactory.getLogger(Cursor.class);
  private static final long NO_TIMESTAMP = -1;

  private final Readers readers;
  private final String topic;
  private final Start start;
  private final Reader reader;

  private @Nullable TopicLog log;
  private long next;
  private boolean afterGap;
  private long gapStart;
  private long lastTimestamp = NO_TIMESTAMP;
  private boolean closed;
  // Its place in the list of the log's cursors on this loop, kept by Readers.
  int index;

  Cursor(Readers readers, String topic, Start start, Reader reader) {
    this.readers = readers;
    this.topic = topic;
    this.start = start;
    this.reader = reader;
  }

  /// The name of the topic it reads.
  public String topic() {
    return topic;
  }

  /// The log it reads; empty while the topic does not exist or the log is being opened.
  public Optional<TopicLog> log() {
    return Optional.ofNullable(log);
  }

  /// The sequence it will read next; 0 if its place is unknown or it has no log yet.
  public long next() {
    return next;
  }

  /// The first sequence it has neither delivered nor told to be gone: [#next], or where the gap it
  /// has yet to tell begins.
  public long place() {
    return afterGap ? gapStart : next;
  }

  /// Whether something may lie at its place that it has not looked at.
  public boolean isBehind() {
    TopicLog of = log;
    return of != null && Math.max(next, of.firstRetained()) <= of.watermark();
  }

  /// The id of the last message it has passed, by delivery or because it began after it; sequence 0
  /// names the place before everything, where it began in an empty log. Empty if it has not passed
  /// any, though there are some.
  public Optional<MessageId> lastPassed() {
    TopicLog of = log;
    return of == null || lastTimestamp == NO_TIMESTAMP || place() < 1
        ? Optional.empty()
        : Optional.of(new MessageId(lastTimestamp, place() - 1, of.incarnation()));
  }

  Reader reader() {
    return reader;
  }

  boolean isClosed() {
    return closed;
  }

  /// Gives it its log and its place.
  void place(TopicLog opened) {
    log = opened;
    MessageId end = opened.end();
    switch (start) {
      case Start.Last() -> next = end.sequence() + 1;
      case Start.Earliest() -> next = opened.firstRetained();
      case Start.Unknown() -> next = 0;
      case Start.After(MessageId id) -> {
        if (id.incarnation() == opened.incarnation() && id.sequence() <= end.sequence()) {
          next = id.sequence() + 1;
          lastTimestamp = id.timestamp();
        } else {
          next = 0;
        }
      }
    }
    if (lastTimestamp == NO_TIMESTAMP && next == end.sequence() + 1) {
      lastTimestamp = end.timestamp();
    }
  }

  /// Gives it the log of a topic that was created while it waited: it missed nothing.
  void placeAtBeginning(TopicLog opened) {
    log = opened;
    next = opened.firstRetained();
  }

  /// What lies at its place: at most `maxMessages`, and no more once `maxBytes` of payload and
  /// metadata are reached. Does not move it.
  public Read read(int maxMessages, long maxBytes) {
    TopicLog from = log;
    if (from == null || closed) {
      return new Read.CaughtUp();
    }
    return readers.read(from, this, maxMessages, maxBytes);
  }

  /// Moves it behind the message with `sequence` and `timestamp`, which its reader has dealt with.
  public void advance(long sequence, long timestamp) {
    next = sequence + 1;
    lastTimestamp = timestamp;
    afterGap = false;
  }

  /// Moves it behind `message`, which its reader has dealt with.
  public void advance(Message message) {
    advance(message.sequence(), message.timestamp());
  }

  /// Whether messages between the last one delivered and its place are known to be gone.
  public boolean isAfterGap() {
    return afterGap;
  }

  /// Moves it to `sequence` since nothing before that is there any more.
  void skipTo(long sequence) {
    gapStart = place();
    next = sequence;
    afterGap = true;
  }

  /// Calls its reader, unless it is closed. What is wrong with one reader must not keep the others
  /// from their messages.
  void wake() {
    if (!closed) {
      try {
        reader.ready(this);
      } catch (Throwable e) {
        LOG.error("a reader of topic {} failed", topic, e);
      }
    }
  }

  /// Stops reading. Nothing is called for it afterwards.
  public void close() {
    if (!closed) {
      closed = true;
      readers.closed(this);
    }
  }
}
