// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.WriteBufferWaterMark;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.internal.http.WebSocketInternal;
import java.util.function.Consumer;

/// Writes finished frames to one WebSocket, or to the connection of a response that goes on, past
/// the framework: bytes that many connections share go out as they are.
///
/// A connection that does not take more is not given messages until it has drained, and its owner
/// stops listening to it when an answer meets a full one; so what waits for it is bounded by the
/// high-water mark, one run of frames and one answer.
public final class SocketWriter extends ChannelInboundHandlerAdapter {
  private static final int SMALL = 16;

  private final ChannelHandlerContext framework;
  private final Framing framing;
  private final Runnable drained;
  private boolean unflushed;

  private SocketWriter(
      ChannelHandlerContext framework, Framing framing, int highWater, Runnable drained) {
    this.framework = framework;
    this.framing = framing;
    this.drained = drained;
    framework
        .channel()
        .config()
        .setWriteBufferWaterMark(new WriteBufferWaterMark(highWater / 2, highWater));
    framework.pipeline().addBefore(framework.name(), "tidings", this);
  }

  /// Writes frames to `socket`, whose channel holds about `highWater` bytes before it counts as
  /// full; `drained` is called when it takes more again.
  public static SocketWriter of(ServerWebSocket socket, int highWater, Runnable drained) {
    return new SocketWriter(
        ((WebSocketInternal) socket).channelHandlerContext(),
        Framing.WEBSOCKET,
        highWater,
        drained);
  }

  /// As above, in `framing` to the connection of an HTTP/1 response whose head has been written.
  /// The framework's encoder still makes chunks of what is written, if the response is chunked.
  public static SocketWriter of(
      HttpConnection connection, Framing framing, int highWater, Runnable drained) {
    return new SocketWriter(
        ((HttpServerConnection) connection).channelHandlerContext(), framing, highWater, drained);
  }

  /// Whether the connection takes more.
  public boolean isWritable() {
    return framework.channel().isWritable();
  }

  /// Bytes that have to leave before it takes more; 0 if it does.
  public long fullBy() {
    return framework.channel().bytesBeforeWritable();
  }

  /// Adds frames, to be sent by the next [#flush]; takes over one reference of `frames`.
  public void write(ByteBuf frames) {
    if (frames.isReadable()) {
      unflushed = true;
      var _ = framework.write(frames, framework.voidPromise());
    } else {
      // Nothing but expired messages; an empty chunk would end a response.
      frames.release();
    }
  }

  /// Adds one frame, to be sent by the next [#flush].
  public void write(JsonOut text) {
    ByteBuf frame = framework.alloc().directBuffer(text.length() + SMALL);
    framing.frame(frame, text);
    write(frame);
  }

  /// Sends a heartbeat.
  public void beat() {
    ByteBuf frame = framework.alloc().directBuffer(SMALL);
    framing.heartbeat(frame);
    write(frame);
    flush();
  }

  /// Calls `then` on the event loop with true once all that was written so far is with the
  /// operating system, or with false once it never will be.
  public void whenWritten(Consumer<Boolean> then) {
    unflushed = true;
    ChannelPromise promise = framework.newPromise();
    var _ = promise.addListener(written -> then.accept(written.isSuccess()));
    var _ = framework.write(Unpooled.EMPTY_BUFFER, promise);
  }

  /// Sends what was written, in one piece.
  public void flush() {
    if (unflushed) {
      unflushed = false;
      framework.flush();
    }
  }

  /// Ends the connection at once; what was not sent is lost.
  public void abort() {
    var _ = framework.channel().close();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (context.channel().isWritable()) {
      drained.run();
    }
    context.fireChannelWritabilityChanged();
  }
}
