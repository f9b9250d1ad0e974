// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/// Counts the message frames a server sends over one WebSocket, reading frame headers in place.
///
/// A text frame that begins as messages of its API do is one and is skipped over, unless the socket
/// is sampled. Anything else (control frames, other texts, sampled or undecided frames cut by the
/// end of a read) is put together first. Frames may be cut anywhere; fragmented and compressed
/// messages are refused, since nobody asked for them.
final class FrameScanner {
  /// Who is told what the frames say.
  interface Listener {
    /// A whole message frame of a sampled socket; the buffer is lent for the call.
    void message(ByteBuf buffer, int offset, int length);

    /// A text frame that is no message.
    void text(String json);

    void ping(byte[] payload);

    void close(int code, String reason);
  }

  static final int MAX_FRAME_BYTES = 16 << 20;

  private static final JsonMapper JSON = new JsonMapper();
  private static final int MAX_HEADER_BYTES = 10;
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;
  private static final byte[] NOTHING = {};

  private final Listener listener;
  private final MessageShape messages;
  private final boolean sampled;

  // A header cut by the end of a read; most never are, so the array is made when needed.
  private byte[] header = NOTHING;
  private int headerLength;
  // A message already recognised, of which this many bytes are still to come.
  private int toSkip;
  // A frame being put together.
  private boolean assembling;
  private int opcode;
  private byte[] frame = NOTHING;
  private int frameLength;
  private int frameHave;

  FrameScanner(Listener listener, MessageShape messages, boolean sampled) {
    this.listener = listener;
    this.messages = messages;
    this.sampled = sampled;
  }

  /// Reads everything there is and returns how many message frames ended in it.
  int scan(ByteBuf in) {
    int ended = 0;
    while (in.isReadable()) {
      if (toSkip > 0) {
        ended += skip(in);
      } else if (assembling) {
        ended += assemble(in);
      } else if (readHeader(in)) {
        ended += beginFrame(in);
      }
    }
    return ended;
  }

  private int skip(ByteBuf in) {
    int part = Math.min(toSkip, in.readableBytes());
    in.skipBytes(part);
    toSkip -= part;
    return toSkip == 0 ? 1 : 0;
  }

  private boolean readHeader(ByteBuf in) {
    if (headerLength == 0 && in.readableBytes() >= MAX_HEADER_BYTES) {
      int at = in.readerIndex();
      int second = in.getByte(at + 1);
      int length = second & 0x7f;
      switch (length) {
        case 126 -> {
          decode(in.getByte(at), second, in.getUnsignedShort(at + 2));
          in.skipBytes(4);
        }
        case 127 -> {
          decode(in.getByte(at), second, in.getLong(at + 2));
          in.skipBytes(10);
        }
        default -> {
          decode(in.getByte(at), second, length);
          in.skipBytes(2);
        }
      }
      return true;
    }
    if (header.length == 0) {
      header = new byte[MAX_HEADER_BYTES];
    }
    header[headerLength++] = in.readByte();
    if (headerLength < 2 || headerLength < headerBytes(header[1])) {
      return false;
    }
    long length = header[1] & 0x7f;
    if (length >= 126) {
      length = 0;
      for (int i = 2; i < headerLength; i++) {
        length = (length << 8) | (header[i] & 0xff);
      }
    }
    headerLength = 0;
    decode(header[0], header[1], length);
    return true;
  }

  private static int headerBytes(byte second) {
    return switch (second & 0x7f) {
      case 126 -> 4;
      case 127 -> 10;
      default -> 2;
    };
  }

  private void decode(int first, int second, long length) {
    if ((first & 0x80) == 0 || (first & 0x70) != 0 || (first & 0x0f) == 0) {
      throw new BenchException(
          "a frame begins with 0x%02x (expected: a final, uncompressed frame)"
              .formatted(first & 0xff));
    }
    if ((second & 0x80) != 0) {
      throw new BenchException(
          "a frame of the server is masked (expected: unmasked, RFC 6455 5.1)");
    }
    if (length < 0 || length > MAX_FRAME_BYTES) {
      throw new BenchException(
          "a frame announces " + length + " bytes (expected: <= " + MAX_FRAME_BYTES + ")");
    }
    opcode = first & 0x0f;
    frameLength = (int) length;
  }

  private int beginFrame(ByteBuf in) {
    int readable = in.readableBytes();
    int at = in.readerIndex();
    if (opcode == TEXT
        && readable >= MessageShape.DECIDING_BYTES
        && frameLength >= MessageShape.DECIDING_BYTES
        && messages.begins(in, at)) {
      if (readable >= frameLength) {
        if (sampled) {
          listener.message(in, at, frameLength);
        }
        in.skipBytes(frameLength);
        return 1;
      }
      if (!sampled) {
        toSkip = frameLength;
        return 0;
      }
    }
    assembling = true;
    frameHave = 0;
    if (frame.length < frameLength) {
      frame = new byte[frameLength];
    }
    return frameLength == 0 ? finish() : 0;
  }

  private int assemble(ByteBuf in) {
    int part = Math.min(frameLength - frameHave, in.readableBytes());
    in.readBytes(frame, frameHave, part);
    frameHave += part;
    return frameHave == frameLength ? finish() : 0;
  }

  /// Handles a frame that was put together; 1 if it is a message.
  private int finish() {
    assembling = false;
    switch (opcode) {
      case TEXT -> {
        return finishText();
      }
      case PING -> listener.ping(Arrays.copyOf(frame, frameLength));
      case PONG -> {}
      case CLOSE -> {
        int code = frameLength >= 2 ? ((frame[0] & 0xff) << 8) | (frame[1] & 0xff) : 1005;
        listener.close(code, frameLength > 2 ? new String(frame, 2, frameLength - 2, UTF_8) : "");
      }
      default ->
          throw new BenchException("a frame has opcode " + opcode + " (expected: text or control)");
    }
    return 0;
  }

  private int finishText() {
    ByteBuf whole = Unpooled.wrappedBuffer(frame, 0, frameLength);
    boolean message =
        (frameLength >= MessageShape.DECIDING_BYTES && messages.begins(whole, 0))
            || isMessageInAnotherSpelling(whole);
    if (!message) {
      listener.text(whole.toString(UTF_8));
      return 0;
    }
    if (sampled) {
      listener.message(whole, 0, frameLength);
    }
    return 1;
  }

  /// Servers are free in key order and spaces; such frames cost a parse.
  private boolean isMessageInAnotherSpelling(ByteBuf frame) {
    try {
      return messages.isIn(JSON.readTree(frame.toString(UTF_8)));
    } catch (JacksonException notJson) {
      // Told to the listener as it is: an unexpected text.
      return false;
    }
  }
}
