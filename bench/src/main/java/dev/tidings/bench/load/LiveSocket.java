// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/// One WebSocket, subscribed to one topic or queue, that counts what it receives. Touched by its
/// event loop alone.
final class LiveSocket extends ChannelInboundHandlerAdapter implements FrameScanner.Listener {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PONG = 10;
  private static final int MASK = 0x37fa213d;
  private static final int SWITCHING_PROTOCOLS = 101;

  private enum State {
    CONNECTING,
    SUBSCRIBING,
    LIVE,
    CLOSED
  }

  private final SocketGroup group;
  private final int index;
  private final EventLoop loop;
  private final Optional<SocketReader> reader;
  private final ResponseScanner handshake = new ResponseScanner();
  private final FrameScanner frames;
  private @Nullable Channel channel;
  private State state = State.CONNECTING;
  private long received;
  private long readAtNs;

  LiveSocket(SocketGroup group, int index, EventLoop loop, Optional<SocketReader> reader) {
    this.group = group;
    this.index = index;
    this.loop = loop;
    this.reader = reader;
    this.frames = new FrameScanner(this, group.dialect().messages(), reader.isPresent());
  }

  EventLoop loop() {
    return loop;
  }

  /// Messages so far; to be asked on the socket's loop.
  long received() {
    return received;
  }

  void close() {
    if (state == State.CLOSED) {
      return;
    }
    state = State.CLOSED;
    if (channel != null) {
      var _ = channel.writeAndFlush(frame(channel, CLOSE, new byte[] {0x03, (byte) 0xe8}));
      var _ = channel.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    channel = context.channel();
    handshake.expect(SWITCHING_PROTOCOLS, false);
    var _ = channel.writeAndFlush(group.handshakeRequest());
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    try {
      if (state == State.CONNECTING && handshake.scan(in)) {
        if (!handshake.isExpected()) {
          fail(
              "the WebSocket handshake was answered "
                  + handshake.status()
                  + " "
                  + handshake.keptText());
          return;
        }
        state = State.SUBSCRIBING;
        write(group.dialect().subscribe().apply(index));
      }
      if (in.isReadable()) {
        if (reader.isPresent()) {
          readAtNs = Stamp.nowNs();
        }
        int messages = frames.scan(in);
        if (messages > 0) {
          received += messages;
          reader.flatMap(SocketReader::answer).ifPresent(this::write);
          group.delivered(messages);
        }
      }
    } finally {
      in.release();
    }
  }

  @Override
  public void message(ByteBuf buffer, int offset, int length) {
    int at = Stamp.find(buffer, offset, length);
    if (at < 0) {
      fail(
          "a message carries no stamp (expected: only messages of this run on its topic or queue): "
              + text(buffer, offset, length));
      return;
    }
    group.sample(readAtNs, Stamp.timeNs(buffer, at));
    String wrong = reader.orElseThrow().message(buffer, offset, length, at);
    if (!wrong.isEmpty()) {
      fail("socket " + index + " " + wrong + ": " + text(buffer, offset, length));
    }
  }

  @Override
  public void text(String json) {
    if (state == State.SUBSCRIBING && type(json).equals(group.dialect().confirmation())) {
      state = State.LIVE;
      group.live();
    } else {
      fail(
          "socket %d received (expected: %s, then messages): %s"
              .formatted(index, group.dialect().confirmation(), json));
    }
  }

  @Override
  public void ping(byte[] payload) {
    if (channel != null) {
      var _ = channel.writeAndFlush(frame(channel, PONG, payload));
    }
  }

  @Override
  public void close(int code, String reason) {
    fail("the server closed socket " + index + " with " + code + " " + reason);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    fail("the server dropped socket " + index + " (expected: open until the run is over)");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    fail("socket " + index + " failed: " + cause);
  }

  private void write(String text) {
    if (channel != null) {
      var _ = channel.writeAndFlush(frame(channel, TEXT, text.getBytes(UTF_8)));
    }
  }

  private void fail(String what) {
    if (state != State.CLOSED) {
      group.failures().broken(what);
      close();
    }
  }

  private static String type(String json) {
    try {
      return JSON.readTree(json).path("type").asString("");
    } catch (JacksonException notJson) {
      // The caller shows the text as it came.
      return "";
    }
  }

  private static String text(ByteBuf buffer, int offset, int length) {
    return buffer.toString(offset, Math.min(length, 1000), UTF_8);
  }

  /// A client's frame: masked, as RFC 6455 wants it.
  private static ByteBuf frame(Channel channel, int opcode, byte[] payload) {
    ByteBuf frame = channel.alloc().directBuffer(payload.length + 8);
    frame.writeByte(0x80 | opcode);
    if (payload.length < 126) {
      frame.writeByte(0x80 | payload.length);
    } else {
      frame.writeByte(0x80 | 126).writeShort(payload.length);
    }
    frame.writeInt(MASK);
    for (int i = 0; i < payload.length; i++) {
      frame.writeByte(payload[i] ^ (MASK >>> (24 - 8 * (i & 3))));
    }
    return frame;
  }
}
