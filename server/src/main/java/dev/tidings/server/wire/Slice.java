// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.message.Payload;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A range of a request's bytes, not copied until somebody keeps it.
public final class Slice {
  private final byte[] text;
  private final int from;
  private final int to;

  /// The bytes `text[from, to)`.
  Slice(byte[] text, int from, int to) {
    this.text = text;
    this.from = from;
    this.to = to;
  }

  /// A copy of the bytes that outlives the request.
  public Payload copy() {
    return Payload.copyOf(text, from, to);
  }

  /// How many bytes there are.
  int size() {
    return to - from;
  }

  /// A copy of the bytes.
  byte[] bytes() {
    return Arrays.copyOfRange(text, from, to);
  }

  /// The bytes as text.
  public String text() {
    return new String(text, from, to - from, StandardCharsets.UTF_8);
  }
}
