// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

/// How text stands in a column of a database that takes neither NUL nor halves of surrogate pairs.
///
/// A backslash is doubled, NUL is a backslash and 0, an unpaired surrogate is a backslash, u and
/// its four hex digits in capitals; anything else stands for itself.
final class Texts {
  private static final int HEX_DIGITS = 4;

  private Texts() {}

  /// `text` as it is stored.
  static String stored(String text) {
    int index = 0;
    while (index < text.length() && isPlain(text, index)) {
      index++;
    }
    if (index == text.length()) {
      return text;
    }
    StringBuilder stored = new StringBuilder(text.length() + 10).append(text, 0, index);
    for (; index < text.length(); index++) {
      char c = text.charAt(index);
      if (c == '\\') {
        stored.append("\\\\");
      } else if (c == 0) {
        stored.append("\\0");
      } else if (isUnpaired(text, index)) {
        appendEscape(stored, c);
      } else {
        stored.append(c);
      }
    }
    return stored.toString();
  }

  private static boolean isPlain(String text, int index) {
    char c = text.charAt(index);
    return c != '\\' && c != 0 && !isUnpaired(text, index);
  }

  /// The text that is stored as `stored`.
  ///
  /// @throws IllegalArgumentException if none is
  static String read(String stored) {
    int backslash = stored.indexOf('\\');
    if (backslash < 0) {
      return stored;
    }
    StringBuilder text = new StringBuilder(stored.length()).append(stored, 0, backslash);
    int index = backslash;
    while (index < stored.length()) {
      char c = stored.charAt(index++);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char escaped = index < stored.length() ? stored.charAt(index++) : ' ';
      if (escaped == '\\') {
        text.append('\\');
      } else if (escaped == '0') {
        text.append('\0');
      } else if (escaped == 'u' && index + HEX_DIGITS <= stored.length()) {
        text.append(hex(stored, index));
        index += HEX_DIGITS;
      } else {
        throw wrong(stored);
      }
    }
    String read = text.toString();
    // Of two spellings only one would be found again.
    if (!stored(read).equals(stored)) {
      throw wrong(stored);
    }
    return read;
  }

  private static char hex(String stored, int index) {
    int value = 0;
    for (int i = index; i < index + HEX_DIGITS; i++) {
      int digit = Character.digit(stored.charAt(i), 16);
      if (digit < 0) {
        throw wrong(stored);
      }
      value = value << 4 | digit;
    }
    return (char) value;
  }

  private static IllegalArgumentException wrong(String stored) {
    return new IllegalArgumentException(
        "text: "
            + stored
            + " (expected: after a backslash another one, 0, or u and the four capital hex digits"
            + " of an unpaired surrogate)");
  }

  /// Appends the escape that stands for `c` in JSON, and here for surrogates.
  static void appendEscape(StringBuilder target, char c) {
    target.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      target.append("0123456789ABCDEF".charAt(c >> shift & 0xF));
    }
  }

  /// Whether the character at `index` is a surrogate without its other half.
  static boolean isUnpaired(String text, int index) {
    char c = text.charAt(index);
    if (Character.isHighSurrogate(c)) {
      return index + 1 == text.length() || !Character.isLowSurrogate(text.charAt(index + 1));
    }
    return Character.isLowSurrogate(c)
        && (index == 0 || !Character.isHighSurrogate(text.charAt(index - 1)));
  }
}
