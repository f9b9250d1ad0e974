// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import java.util.Arrays;

/// Scratch for one text at a time, which grows no further than the limit that text was begun with.
///
/// What goes beyond the limit is not kept; the text then does not fit.
final class TextBuffer {
  private byte[] bytes = new byte[64];
  private int length;
  private int limit;
  private boolean fits;

  /// Forgets what was there and begins a text of at most `limit` bytes.
  void begin(int limit) {
    length = 0;
    this.limit = limit;
    fits = true;
  }

  /// Adds the lowest eight bits of `value`.
  void put(int value) {
    if (length >= limit) {
      fits = false;
      return;
    }
    if (length == bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.min(limit, 2 * length));
    }
    bytes[length++] = (byte) value;
  }

  /// Adds a character in UTF-8. Half a pair of surrogates becomes three bytes, as UTF-8 would have
  /// it if it were allowed, so that it equals nothing but itself.
  void putCodePoint(int codePoint) {
    if (codePoint < 0x80) {
      put(codePoint);
    } else if (codePoint < 0x800) {
      put(0xC0 | codePoint >> 6);
      putFollowing(codePoint);
    } else if (codePoint < 0x10000) {
      put(0xE0 | codePoint >> 12);
      putFollowing(codePoint >> 6);
      putFollowing(codePoint);
    } else {
      put(0xF0 | codePoint >> 18);
      putFollowing(codePoint >> 12);
      putFollowing(codePoint >> 6);
      putFollowing(codePoint);
    }
  }

  private void putFollowing(int bits) {
    put(0x80 | (bits & 0x3F));
  }

  /// Adds the eight bytes of `value`.
  void putLong(long value) {
    for (int shift = Long.SIZE - Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
      put((int) (value >>> shift));
    }
  }

  /// Whether nothing went beyond the limit.
  boolean fits() {
    return fits;
  }

  /// The number of bytes that are kept.
  int length() {
    return length;
  }

  /// Where the text lies, from 0 to [#length].
  byte[] bytes() {
    return bytes;
  }

  /// A copy of the text.
  Text toText() {
    return new Text(Arrays.copyOf(bytes, length));
  }
}
