// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.buffer.ByteBuf;

/// Frames of a WebSocket server, which are not masked (RFC 6455, section 5.2).
final class WebSocketFrames {
  private static final int FIN_TEXT = 0x81;
  private static final int MAX_HEADER = 10;

  private WebSocketFrames() {}

  /// Adds a text frame.
  static void writeText(ByteBuf target, JsonOut text) {
    int length = text.length();
    target.ensureWritable(MAX_HEADER + length);
    target.writeByte(FIN_TEXT);
    if (length < 126) {
      target.writeByte(length);
    } else if (length < 1 << 16) {
      target.writeByte(126).writeShort(length);
    } else {
      target.writeByte(127).writeLong(length);
    }
    text.writeTo(target);
  }

  /// Adds a ping without a payload.
  static void writePing(ByteBuf target) {
    target.writeByte(0x89).writeByte(0);
  }
}
