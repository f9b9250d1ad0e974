// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import io.netty.buffer.ByteBuf;

/// How one API writes a message, and how its texts become frames of a connection: those of a
/// WebSocket, unless it says otherwise.
public interface FrameFormat {

  /// Writes `message` of `log` as one text.
  void write(JsonOut out, TopicLog log, Message message, Timestamps timestamps);

  /// Adds `text` to `target` as one frame.
  default void frame(ByteBuf target, JsonOut text) {
    WebSocketFrames.writeText(target, text);
  }

  /// Adds what a quiet connection is kept alive with.
  default void heartbeat(ByteBuf target) {
    WebSocketFrames.writePing(target);
  }
}
