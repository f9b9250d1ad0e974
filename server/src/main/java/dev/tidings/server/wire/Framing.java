// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.buffer.ByteBuf;

/// How texts become frames of a connection: those of a WebSocket, unless it says otherwise.
public interface Framing {
  /// That of every WebSocket.
  Framing WEBSOCKET = new Framing() {};

  /// Adds `text` to `target` as one frame.
  default void frame(ByteBuf target, JsonOut text) {
    WebSocketFrames.writeText(target, text);
  }

  /// Adds what a quiet connection is kept alive with.
  default void heartbeat(ByteBuf target) {
    WebSocketFrames.writePing(target);
  }
}
