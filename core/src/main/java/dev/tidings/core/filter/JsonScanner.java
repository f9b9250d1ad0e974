// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import dev.tidings.core.message.Payload;

/// Finds values in the bytes of valid JSON and writes out their texts.
///
/// Places are offsets of bytes. It keeps no stack, so nesting costs nothing, and copies nothing but
/// what fits into the buffer it is handed. Bytes that are no JSON give answers without a meaning,
/// but an end in any case.
final class JsonScanner {
  /// What is read where the text ends; valid JSON does not hold it.
  static final int END = 0;

  /// Numbers whose exponent has more digits have no canonical form.
  private static final int EXPONENT_DIGITS = 17;

  private Payload json = Payload.EMPTY;
  private int size;
  private boolean plain;

  /// Turns to another text.
  void over(Payload other) {
    json = other;
    size = other.size();
  }

  /// The byte at `place`, or [#END].
  int at(int place) {
    return place < size ? json.byteAt(place) : END;
  }

  /// The first place from `place` on that is no whitespace.
  int skipSpace(int place) {
    int i = place;
    while (isSpace(at(i))) {
      i++;
    }
    return i;
  }

  /// The place after the value that begins at `place`.
  int valueEnd(int place) {
    return switch (at(place)) {
      case '"' -> closingQuote(place) + 1;
      case '[', '{' -> containerEnd(place);
      default -> scalarEnd(place);
    };
  }

  /// The place of the quote that ends the string opened at `open`; [#lastWasPlain] then tells about
  /// it.
  int closingQuote(int open) {
    boolean escapes = false;
    int i = open + 1;
    int c = at(i);
    while (c != '"' && c != END) {
      if (c == '\\') {
        escapes = true;
        i++;
      }
      i++;
      c = at(i);
    }
    plain = !escapes;
    return i;
  }

  /// Whether the string whose closing quote was looked for last has no escapes, so that its bytes
  /// are its text.
  boolean lastWasPlain() {
    return plain;
  }

  private int containerEnd(int place) {
    int depth = 0;
    int i = place;
    while (true) {
      switch (at(i)) {
        case '"' -> i = closingQuote(i);
        case '[', '{' -> depth++;
        case ']', '}' -> {
          depth--;
          if (depth == 0) {
            return i + 1;
          }
        }
        case END -> {
          return i;
        }
        default -> {
          // A byte of a number, a literal, a separator or whitespace.
        }
      }
      i++;
    }
  }

  private int scalarEnd(int place) {
    int i = place;
    while (!endsScalar(at(i))) {
      i++;
    }
    return i;
  }

  /// Adds the text of the string opened at `open`: what it stands for, without escapes.
  void string(int open, TextBuffer text) {
    string(open, false, text);
  }

  /// Adds the number or literal at `place` as it is written.
  void scalar(int place, TextBuffer text) {
    int i = place;
    int c = at(i);
    while (!endsScalar(c) && text.fits()) {
      text.put(c);
      i++;
      c = at(i);
    }
  }

  /// Adds the array or object at `place` as text: a space after each comma and colon and none
  /// elsewhere, strings with no escapes but those they need, keys in the order they have, numbers
  /// as they are written.
  void container(int place, TextBuffer text) {
    int depth = 0;
    int i = place;
    do {
      int c = at(i);
      if (c == END) {
        return;
      }
      if (c == '"') {
        text.put('"');
        i = string(i, true, text);
        text.put('"');
        continue;
      }
      i++;
      if (isSpace(c)) {
        continue;
      }
      text.put(c);
      switch (c) {
        case '[', '{' -> depth++;
        case ']', '}' -> depth--;
        case ',', ':' -> text.put(' ');
        default -> {
          // A byte of a number or a literal.
        }
      }
    } while (depth > 0 && text.fits());
  }

  /// Adds the canonical form of the number at `place`, which is the same for all ways to write a
  /// value, and tells whether it has one: a number whose exponent has more than 17 digits has none.
  ///
  /// The form is `0` or the sign if negative, the digits without zeros at the ends, `e`, and the
  /// eight bytes of the exponent, where the point stands before the first digit. The digits are
  /// never expanded.
  boolean number(int place, TextBuffer text) {
    int i = place;
    boolean negative = at(i) == '-';
    if (negative) {
      i++;
    }
    boolean inFraction = false;
    boolean begun = false;
    long point = 0;
    int zeros = 0;
    int c = at(i);
    while ((c == '.' || isDigit(c)) && text.fits()) {
      if (c == '.') {
        inFraction = true;
      } else if (begun || c != '0') {
        if (!begun && negative) {
          text.put('-');
        }
        begun = true;
        if (!inFraction) {
          point++;
        }
        if (c == '0') {
          zeros++;
        } else {
          // Zeros count only if another digit follows them.
          for (; zeros > 0 && text.fits(); zeros--) {
            text.put('0');
          }
          text.put(c);
        }
      } else if (inFraction) {
        point--;
      }
      i++;
      c = at(i);
    }
    if (!begun) {
      text.put('0');
      return true;
    }
    long exponent = 0;
    if (c == 'e' || c == 'E') {
      i++;
      boolean down = at(i) == '-';
      if (down || at(i) == '+') {
        i++;
      }
      while (at(i) == '0') {
        i++;
      }
      int first = i;
      for (c = at(i); isDigit(c); c = at(i)) {
        if (i - first == EXPONENT_DIGITS) {
          return false;
        }
        exponent = 10 * exponent + (c - '0');
        i++;
      }
      exponent = down ? -exponent : exponent;
    }
    text.put('e');
    text.putLong(point + exponent);
    return true;
  }

  private int string(int open, boolean quoted, TextBuffer text) {
    int i = open + 1;
    while (text.fits()) {
      int c = at(i);
      if (c == END) {
        return i;
      }
      i++;
      if (c == '"') {
        return i;
      }
      if (c == '\\') {
        i = escape(i, quoted, text);
      } else {
        text.put(c);
      }
    }
    return i;
  }

  /// Adds what the escape stands for whose backslash is before `place`, and returns the place after
  /// it.
  private int escape(int place, boolean quoted, TextBuffer text) {
    int next = place + 1;
    int codePoint = at(place);
    switch (codePoint) {
      case 'b' -> codePoint = '\b';
      case 'f' -> codePoint = '\f';
      case 'n' -> codePoint = '\n';
      case 'r' -> codePoint = '\r';
      case 't' -> codePoint = '\t';
      case 'u' -> {
        codePoint = codeUnit(next);
        next += 4;
        if (Character.isHighSurrogate((char) codePoint)
            && at(next) == '\\'
            && at(next + 1) == 'u') {
          char low = (char) codeUnit(next + 2);
          if (Character.isLowSurrogate(low)) {
            codePoint = Character.toCodePoint((char) codePoint, low);
            next += 6;
          }
        }
      }
      default -> {
        // A quote, a backslash or a slash: itself.
      }
    }
    if (quoted) {
      putEscaped(codePoint, text);
    } else {
      text.putCodePoint(codePoint);
    }
    return next;
  }

  /// Adds a character of a string in quotes, escaped only if JSON demands it.
  private static void putEscaped(int codePoint, TextBuffer text) {
    switch (codePoint) {
      case '"', '\\' -> putShortEscape(codePoint, text);
      case '\b' -> putShortEscape('b', text);
      case '\f' -> putShortEscape('f', text);
      case '\n' -> putShortEscape('n', text);
      case '\r' -> putShortEscape('r', text);
      case '\t' -> putShortEscape('t', text);
      default -> {
        if (codePoint >= ' ') {
          text.putCodePoint(codePoint);
        } else {
          putShortEscape('u', text);
          text.put('0');
          text.put('0');
          text.put(Character.forDigit(codePoint >> 4, 16));
          text.put(Character.forDigit(codePoint & 0xF, 16));
        }
      }
    }
  }

  private static void putShortEscape(int letter, TextBuffer text) {
    text.put('\\');
    text.put(letter);
  }

  private int codeUnit(int place) {
    int unit = 0;
    for (int i = place; i < place + 4; i++) {
      unit = unit << 4 | (Character.digit(at(i), 16) & 0xF);
    }
    return unit;
  }

  private static boolean isSpace(int c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  private static boolean endsScalar(int c) {
    return c == ',' || c == '}' || c == ']' || c == END || isSpace(c);
  }
}
