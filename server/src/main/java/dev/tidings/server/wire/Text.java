// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

/// Text that comes from outside, on its way into answers.
public final class Text {
  private Text() {}

  /// Whether every surrogate in `text` has its pair: text that has not cannot be written as UTF-8.
  static boolean isWellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /// The first `max` characters of `text`, with `…` where there are more. An answer must not grow
  /// with what its caller sent.
  public static String cut(String text, int max) {
    if (text.length() <= max) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(max - 1)) ? max - 1 : max;
    return text.substring(0, end) + "…";
  }
}
