// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import java.util.Arrays;

/// An immutable run of bytes: a decoded key or value, or the canonical form of a number.
///
/// It is comparable so that a [java.util.HashMap] stays quick when somebody chooses texts whose
/// hashes are equal.
final class Text implements Comparable<Text> {
  private final byte[] bytes;

  /// Takes over `bytes`, which nobody may change afterwards.
  Text(byte[] bytes) {
    this.bytes = bytes;
  }

  /// The number of bytes.
  int length() {
    return bytes.length;
  }

  /// The first byte, or -1 if there is none.
  int first() {
    return bytes.length == 0 ? -1 : bytes[0];
  }

  /// The bytes themselves, which nobody may change.
  byte[] bytes() {
    return bytes;
  }

  @Override
  public int compareTo(Text other) {
    return Arrays.compare(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "Text[" + bytes.length + " bytes]";
  }
}
