// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.WriteBufferWaterMark;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.internal.http.WebSocketInternal;

/// Writes finished frames to one WebSocket, past the encoder of the framework: bytes that many
/// sockets share go out as they are.
///
/// A socket that does not take more is not given messages until it has drained, and its owner stops
/// listening to it when an answer meets a full socket; so what waits for it is bounded by the
/// high-water mark, one run of frames and one answer.
public final class SocketWriter extends ChannelInboundHandlerAdapter {
  /// A ping without a payload.
  private static final byte[] PING = {(byte) 0x89, 0};

  private final ChannelHandlerContext framework;
  private final Runnable drained;
  private boolean unflushed;

  /// Writes to `socket`, whose channel holds about `highWater` bytes before it counts as full;
  /// `drained` is called when it takes more again.
  public SocketWriter(ServerWebSocket socket, int highWater, Runnable drained) {
    this.framework = ((WebSocketInternal) socket).channelHandlerContext();
    this.drained = drained;
    framework
        .channel()
        .config()
        .setWriteBufferWaterMark(new WriteBufferWaterMark(highWater / 2, highWater));
    framework.pipeline().addBefore(framework.name(), "tidings", this);
  }

  /// Whether the socket takes more.
  public boolean isWritable() {
    return framework.channel().isWritable();
  }

  /// Adds frames, to be sent by the next [#flush]; takes over one reference of `frames`.
  public void write(ByteBuf frames) {
    unflushed = true;
    var _ = framework.write(frames, framework.voidPromise());
  }

  /// Adds one text frame, to be sent by the next [#flush].
  public void write(JsonOut json) {
    ByteBuf frame = framework.alloc().directBuffer(json.length() + 10);
    FrameCache.writeFrame(frame, json);
    write(frame);
  }

  /// Sends a ping.
  public void ping() {
    write(framework.alloc().directBuffer(PING.length).writeBytes(PING));
    flush();
  }

  /// Sends what was written, in one piece.
  public void flush() {
    if (unflushed) {
      unflushed = false;
      framework.flush();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (context.channel().isWritable()) {
      drained.run();
    }
    context.fireChannelWritabilityChanged();
  }
}
