// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.server.ops.Metrics;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.FrameCache;
import dev.tidings.server.wire.SocketWriter;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Live delivery in one format on one event loop: writes what a cursor is behind to its client's
/// connection, as far as that takes it. What is left stays in the log.
final class Delivery {
  private static final Logger LOG = LoggerFactory.getLogger(Delivery.class);

  /// What is read and encoded in one go for connections that are behind.
  private static final int RUN_MESSAGES = 256;

  private static final long RUN_BYTES = 64 * 1024;

  private final EventLoop loop;
  private final RelayFormat format;
  private final Metrics metrics;

  Delivery(EventLoop loop, RelayFormat format, Metrics metrics) {
    this.loop = loop;
    this.format = format;
    this.metrics = metrics;
  }

  /// Writes what `cursor` is behind, unflushed; returns whether the log could be read.
  boolean deliver(Cursor cursor, SocketWriter writer) {
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
              writer.write(format.gap(cursor, log.get().idOf(messages.getFirst())));
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
      metrics.delivered(run.messagesFrom(from));
      cursor.advance(run.lastSequence(), run.lastTimestamp());
    }
    return true;
  }
}
