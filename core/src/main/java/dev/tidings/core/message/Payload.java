// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// An immutable run of raw JSON bytes, kept exactly as they came and never parsed again; only
/// filters look into them.
///
/// It wraps its array once, so that records which hold payloads keep value equality and stay
/// immutable.
public final class Payload {
  /// No bytes at all: an absent value.
  public static final Payload EMPTY = new Payload(new byte[0]);

  private final byte[] bytes;

  private Payload(byte[] bytes) {
    this.bytes = bytes;
  }

  /// A copy of `source[from, to)`.
  public static Payload copyOf(byte[] source, int from, int to) {
    return from == to ? EMPTY : new Payload(Arrays.copyOfRange(source, from, to));
  }

  /// The UTF-8 bytes of `json`, which the caller knows to be valid JSON.
  public static Payload of(String json) {
    return new Payload(json.getBytes(StandardCharsets.UTF_8));
  }

  /// Takes over `bytes`, which nobody may change afterwards.
  public static Payload wrap(byte[] bytes) {
    return bytes.length == 0 ? EMPTY : new Payload(bytes);
  }

  /// The number of bytes.
  public int size() {
    return bytes.length;
  }

  /// Whether there are no bytes.
  public boolean isEmpty() {
    return bytes.length == 0;
  }

  /// The byte at `index`, from 0 to [#size] exclusive.
  public byte byteAt(int index) {
    return bytes[index];
  }

  /// Copies all bytes into `target` from `offset` on and returns the offset after the last one.
  public int copyTo(byte[] target, int offset) {
    System.arraycopy(bytes, 0, target, offset, bytes.length);
    return offset + bytes.length;
  }

  /// Adds all bytes to `target`.
  public void putInto(ByteBuffer target) {
    target.put(bytes);
  }

  /// The bytes as UTF-8 text.
  public String text() {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Payload that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "Payload[" + bytes.length + " bytes]";
  }
}
