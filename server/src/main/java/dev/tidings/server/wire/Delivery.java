// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Live delivery in one format on one event loop: writes what a cursor is behind to its client's
/// connection, as far as that takes it. What is left stays in the log.
public final class Delivery {
  private static final Logger LOG = LoggerFactory.getLogger(Delivery.class);

  /// What is read and encoded in one go for connections that are behind.
  private static final int RUN_MESSAGES = 256;

  private static final long RUN_BYTES = 64 * 1024;

  private final EventLoop loop;
  private final FrameFormat format;
  private final Counts counts;

  /// Counts what is delivered.
  public interface Counts {
    /// So many messages of a topic were handed to a connection.
    void delivered(String topic, int messages);
  }

  /// What one reader is told of gaps.
  public interface Gaps {
    /// What it is told of a gap before the message `to`, which `cursor` gets next; empty if it is
    /// told nothing.
    Optional<JsonOut> before(Cursor cursor, MessageId to);
  }

  /// Delivery in `format` on `loop`.
  public Delivery(EventLoop loop, FrameFormat format, Counts counts) {
    this.loop = loop;
    this.format = format;
    this.counts = counts;
  }

  /// Writes what `cursor` is behind, unflushed; returns whether the log could be read.
  public boolean deliver(Cursor cursor, SocketWriter writer, Gaps gaps) {
    Optional<TopicLog> log = cursor.log();
    if (log.isEmpty()) {
      return true;
    }
    FrameCache frames = loop.frames();
    while (writer.isWritable()) {
      Optional<FrameCache.Run> found =
          cursor.isAfterGap() ? Optional.empty() : frames.find(log.get(), format, cursor.next());
      FrameCache.Run run;
      if (found.isPresent()) {
        run = found.get();
      } else {
        switch (cursor.read(RUN_MESSAGES, RUN_BYTES)) {
          case Read.Messages(List<Message> messages, boolean afterGap) -> {
            if (afterGap) {
              gaps.before(cursor, log.get().idOf(messages.getFirst())).ifPresent(writer::write);
            }
            run = frames.encode(log.get(), format, messages);
          }
          case Read.CaughtUp(), Read.Loading() -> {
            return true;
          }
          case Read.Unavailable(String detail) -> {
            LOG.warn("topic {} cannot be read for a live reader: {}", cursor.topic(), detail);
            return false;
          }
        }
      }
      long from = Math.max(cursor.next(), 0);
      writer.write(run.framesFrom(from));
      counts.delivered(cursor.topic(), run.messagesFrom(from));
      cursor.advance(run.lastSequence(), run.lastTimestamp());
    }
    return true;
  }
}
