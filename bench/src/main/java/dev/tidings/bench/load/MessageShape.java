// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import tools.jackson.databind.JsonNode;

/// How a text frame that brings a message is told from others, by API.
enum MessageShape {
  /// `{"type":"message",…}`
  RELAY(0x7B2274797065223AL, 'm') {
    @Override
    boolean isIn(JsonNode frame) {
      return frame.path("type").asString("").equals("message");
    }
  },

  /// `{"unique_id":…,"body":…,"TTL":0}`
  QUEUE(0x7B22756E69717565L, 'i') {
    @Override
    boolean isIn(JsonNode frame) {
      return frame.has("unique_id") && frame.has("body");
    }
  };

  /// So many bytes are looked at.
  static final int DECIDING_BYTES = 10;

  private final long firstEight;
  private final char tenth;

  MessageShape(long firstEight, char tenth) {
    this.firstEight = firstEight;
    this.tenth = tenth;
  }

  /// Whether a frame begins as messages do that are written in the usual order and without spaces.
  boolean begins(ByteBuf in, int at) {
    return in.getLong(at) == firstEight && in.getByte(at + DECIDING_BYTES - 1) == tenth;
  }

  /// Whether a parsed frame is a message.
  abstract boolean isIn(JsonNode frame);
}
