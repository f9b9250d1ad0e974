// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/// Finds where an HTTP/1.1 answer ends, in place, knowing no more than its status and
/// Content-Length.
///
/// Answers may be split anywhere across reads. A body is kept only if asked for, or if the status
/// is not the expected one, so that it can be shown.
final class ResponseScanner {
  static final int MAX_KEPT_BYTES = 1 << 20;

  private static final byte[] VERSION = "HTTP/1.".getBytes(US_ASCII);
  private static final byte[] CONTENT_LENGTH = "content-length:".getBytes(US_ASCII);
  private static final int STATUS_AT = "HTTP/1.1 ".length();
  private static final int STATUS_END = STATUS_AT + 3;

  private enum State {
    STATUS,
    SKIP_LINE,
    LINE_START,
    NAME,
    VALUE,
    BLANK_LINE,
    BODY,
    DONE
  }

  private State state = State.DONE;
  private int position;
  private int status;
  private long contentLength;
  private long rest;
  private int expected;
  private int alternative;
  private boolean keepAlways;
  private boolean keep;
  private byte[] kept = new byte[0];
  private int keptLength;

  /// Says which status the next answers are to have, and whether their bodies are wanted.
  void expect(int expectedStatus, boolean keepBodies) {
    expect(expectedStatus, expectedStatus, keepBodies);
  }

  /// Says which statuses the next answers may have, and whether their bodies are wanted.
  void expect(int expectedStatus, int alternativeStatus, boolean keepBodies) {
    expected = expectedStatus;
    alternative = alternativeStatus;
    keepAlways = keepBodies;
  }

  int status() {
    return status;
  }

  boolean isExpected() {
    return status == expected || status == alternative;
  }

  byte[] kept() {
    return kept;
  }

  int keptLength() {
    return keptLength;
  }

  String keptText() {
    return new String(kept, 0, Math.min(keptLength, 2000), UTF_8);
  }

  /// Reads on; true when an answer is complete, with the reader index behind it.
  boolean scan(ByteBuf in) {
    if (state == State.DONE) {
      begin();
    }
    while (in.isReadable()) {
      switch (state) {
        case STATUS -> scanStatus(in.readByte());
        case SKIP_LINE -> skipLine(in);
        case LINE_START -> scanLineStart(in.readByte());
        case NAME -> scanName(in.readByte());
        case VALUE -> scanValue(in.readByte());
        case BLANK_LINE -> {
          in.skipBytes(1);
          if (endOfHeaders()) {
            return true;
          }
        }
        case BODY -> {
          if (scanBody(in)) {
            return true;
          }
        }
        case DONE -> throw new IllegalStateException("scan went on after an answer was complete");
      }
    }
    return false;
  }

  private void begin() {
    state = State.STATUS;
    position = 0;
    status = 0;
    contentLength = -1;
    keptLength = 0;
  }

  private void scanStatus(byte next) {
    if (position < VERSION.length && next != VERSION[position]) {
      throw new BenchException(
          "an answer does not begin with HTTP/1. (expected: an HTTP/1.1 server)");
    }
    if (position >= STATUS_AT) {
      status = status * 10 + (next - '0');
    }
    if (++position == STATUS_END) {
      keep = keepAlways || !isExpected();
      state = State.SKIP_LINE;
    }
  }

  private void skipLine(ByteBuf in) {
    int lineFeed = in.indexOf(in.readerIndex(), in.writerIndex(), (byte) '\n');
    if (lineFeed < 0) {
      in.readerIndex(in.writerIndex());
    } else {
      in.readerIndex(lineFeed + 1);
      state = State.LINE_START;
    }
  }

  private void scanLineStart(byte next) {
    if (next == '\r') {
      state = State.BLANK_LINE;
    } else if (lower(next) == CONTENT_LENGTH[0]) {
      position = 1;
      state = State.NAME;
    } else {
      state = State.SKIP_LINE;
    }
  }

  private void scanName(byte next) {
    if (lower(next) != CONTENT_LENGTH[position]) {
      state = next == '\n' ? State.LINE_START : State.SKIP_LINE;
    } else if (++position == CONTENT_LENGTH.length) {
      contentLength = 0;
      state = State.VALUE;
    }
  }

  private void scanValue(byte next) {
    if (next >= '0' && next <= '9') {
      contentLength = contentLength * 10 + (next - '0');
    } else if (next == '\n') {
      state = State.LINE_START;
    }
  }

  private boolean endOfHeaders() {
    boolean bodiless = status < 200 || status == 204 || status == 304;
    if (!bodiless && contentLength < 0) {
      throw new BenchException(
          "an answer with status "
              + status
              + " has no Content-Length (expected: one; the generator reads no chunked answers)");
    }
    rest = bodiless ? 0 : contentLength;
    state = rest == 0 ? State.DONE : State.BODY;
    return rest == 0;
  }

  private boolean scanBody(ByteBuf in) {
    int part = (int) Math.min(rest, in.readableBytes());
    if (keep) {
      keep(in, part);
    }
    in.skipBytes(part);
    rest -= part;
    if (rest > 0) {
      return false;
    }
    state = State.DONE;
    return true;
  }

  private void keep(ByteBuf in, int part) {
    int length = Math.min(part, MAX_KEPT_BYTES - keptLength);
    if (kept.length < keptLength + length) {
      kept =
          Arrays.copyOf(
              kept, Math.max(keptLength + length, Math.min(MAX_KEPT_BYTES, 2 * kept.length)));
    }
    in.getBytes(in.readerIndex(), kept, keptLength, length);
    keptLength += length;
  }

  private static byte lower(byte letter) {
    return (byte) (letter | 0x20);
  }
}
