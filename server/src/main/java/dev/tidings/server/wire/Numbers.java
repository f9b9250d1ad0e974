// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.OptionalLong;

/// Reads whole numbers.
public final class Numbers {
  // Whatever has no more fits into a long.
  private static final int MAX_DIGITS = 18;

  private Numbers() {}

  /// The number that `text` spells, ASCII digits after a sign or none; empty if it spells none or
  /// one of more than 18 digits.
  public static OptionalLong parse(String text) {
    int digits = text.length();
    int start = 0;
    if (digits > 0 && (text.charAt(0) == '-' || text.charAt(0) == '+')) {
      start = 1;
      digits--;
    }
    if (digits == 0 || digits > MAX_DIGITS) {
      return OptionalLong.empty();
    }
    long value = 0;
    for (int i = start; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return OptionalLong.empty();
      }
      value = value * 10 + digit;
    }
    return OptionalLong.of(text.charAt(0) == '-' ? -value : value);
  }
}
