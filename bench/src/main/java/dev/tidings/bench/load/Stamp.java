// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// The mark a published payload carries: `@PPPP.NNNNNNNNNN.TTTTTTTTTTTTTTTTTTT`, who published it,
/// as which of its messages, and when, in fixed widths.
///
/// Fixed widths let a request be marked in place, and the leading `@` (which neither topics nor ids
/// may hold) lets the mark be found in a frame without parsing it, whatever a server does with key
/// order or spaces.
public final class Stamp {
  public static final int LENGTH = 1 + 4 + 1 + 10 + 1 + 19;
  private static final int NUMBER_AT = 6;
  private static final int TIME_AT = 17;
  private static final long ORIGIN = System.nanoTime();

  private Stamp() {}

  /// Nanoseconds since the process began measuring; never negative, so that it prints in a fixed
  /// width.
  public static long nowNs() {
    return System.nanoTime() - ORIGIN;
  }

  static void write(ByteBuf buffer, int at, int publisher, long number, long timeNs) {
    buffer.setByte(at, '@');
    digits(buffer, at + 1, 4, publisher);
    buffer.setByte(at + NUMBER_AT - 1, '.');
    digits(buffer, at + NUMBER_AT, 10, number);
    buffer.setByte(at + TIME_AT - 1, '.');
    digits(buffer, at + TIME_AT, 19, timeNs);
  }

  /// Where the stamp begins within a frame, or -1.
  static int find(ByteBuf buffer, int from, int length) {
    int at = buffer.indexOf(from, from + length, (byte) '@');
    return at >= 0 && from + length - at >= LENGTH ? at : -1;
  }

  static int publisher(ByteBuf buffer, int at) {
    return (int) number(buffer, at + 1, 4);
  }

  static long number(ByteBuf buffer, int at) {
    return number(buffer, at + NUMBER_AT, 10);
  }

  static long timeNs(ByteBuf buffer, int at) {
    return number(buffer, at + TIME_AT, 19);
  }

  static void digits(ByteBuf buffer, int at, int width, long value) {
    long rest = value;
    for (int i = at + width - 1; i >= at; i--) {
      buffer.setByte(i, (int) ('0' + rest % 10));
      rest /= 10;
    }
  }

  private static long number(ByteBuf buffer, int at, int width) {
    long value = 0;
    for (int i = at; i < at + width; i++) {
      value = value * 10 + (buffer.getByte(i) - '0');
    }
    return value;
  }
}
