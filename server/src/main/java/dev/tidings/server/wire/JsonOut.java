// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.message.Payload;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Optional;
import tools.jackson.core.io.JsonStringEncoder;

/// Builds JSON text as UTF-8 bytes. It checks nothing: its callers write whole, valid documents,
/// and payloads go in as the raw bytes they are.
public final class JsonOut {
  private static final byte[] NULL = ascii("null");
  private static final byte[] TRUE = ascii("true");
  private static final byte[] FALSE = ascii("false");

  private static final int MAX_LENGTH = Integer.MAX_VALUE - 16;

  private byte[] bytes;
  private int length;

  /// An empty text with room for `capacity` bytes before it grows.
  public JsonOut(int capacity) {
    bytes = new byte[capacity];
  }

  /// The bytes of a text that is known to be ASCII: keys and punctuation.
  public static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private void need(int more) {
    if (bytes.length - length < more) {
      long needed = (long) length + more;
      if (needed > MAX_LENGTH) {
        throw new IllegalStateException("a JSON text of " + needed + " bytes cannot be built");
      }
      bytes = Arrays.copyOf(bytes, (int) Math.min(MAX_LENGTH, Math.max(bytes.length * 2L, needed)));
    }
  }

  /// Adds bytes as they are.
  public JsonOut raw(byte[] piece) {
    need(piece.length);
    System.arraycopy(piece, 0, bytes, length, piece.length);
    length += piece.length;
    return this;
  }

  /// Adds text as it is; it has to be ASCII.
  @SuppressWarnings("deprecation") // the one copy that neither encodes nor allocates
  public JsonOut raw(String ascii) {
    int size = ascii.length();
    need(size);
    ascii.getBytes(0, size, bytes, length);
    length += size;
    return this;
  }

  /// Adds a payload as it is.
  public JsonOut raw(Payload payload) {
    need(payload.size());
    length = payload.copyTo(bytes, length);
    return this;
  }

  /// Adds the text of `other`.
  public JsonOut raw(JsonOut other) {
    need(other.length);
    System.arraycopy(other.bytes, 0, bytes, length, other.length);
    length += other.length;
    return this;
  }

  /// Adds a JSON string.
  public JsonOut string(String value) {
    byte[] quoted = JsonStringEncoder.getInstance().quoteAsUTF8(value);
    need(quoted.length + 2);
    bytes[length++] = '"';
    System.arraycopy(quoted, 0, bytes, length, quoted.length);
    length += quoted.length;
    bytes[length++] = '"';
    return this;
  }

  /// Adds a JSON string, or null where there is none.
  public JsonOut string(Optional<String> value) {
    return value.isPresent() ? string(value.get()) : raw(NULL);
  }

  /// Adds an array of strings.
  public JsonOut strings(Collection<String> values) {
    raw("[");
    String separator = "";
    for (String value : values) {
      raw(separator).string(value);
      separator = ",";
    }
    return raw("]");
  }

  /// Adds a number.
  public JsonOut number(long value) {
    return raw(Long.toString(value));
  }

  /// Adds each line of `text`, which may end in LF, CR or both, with `prefix` before it and LF
  /// after it.
  public JsonOut lines(String prefix, JsonOut text) {
    int start = 0;
    for (int i = 0; i < text.length; i++) {
      byte b = text.bytes[i];
      if (b == '\n' && i > 0 && text.bytes[i - 1] == '\r') {
        start = i + 1;
      } else if (b == '\n' || b == '\r') {
        line(prefix, text, start, i);
        start = i + 1;
      }
    }
    return line(prefix, text, start, text.length);
  }

  private JsonOut line(String prefix, JsonOut text, int from, int to) {
    raw(prefix).need(to - from + 1);
    System.arraycopy(text.bytes, from, bytes, length, to - from);
    length += to - from;
    bytes[length++] = '\n';
    return this;
  }

  /// Adds true or false.
  public JsonOut bool(boolean value) {
    return raw(value ? TRUE : FALSE);
  }

  /// Adds null.
  public JsonOut nothing() {
    return raw(NULL);
  }

  /// Forgets what was added, to build another text.
  public void clear() {
    length = 0;
  }

  /// Adds the bytes to `target`.
  public void writeTo(ByteBuf target) {
    target.writeBytes(bytes, 0, length);
  }

  /// How many bytes there are.
  public int length() {
    return length;
  }

  /// A copy of the bytes.
  public byte[] toBytes() {
    return Arrays.copyOf(bytes, length);
  }

  /// The bytes as a buffer, without a copy: nothing may be added afterwards.
  public Buffer toBuffer() {
    return BufferInternal.buffer(Unpooled.wrappedBuffer(bytes, 0, length));
  }

  /// The bytes as text.
  public String text() {
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
