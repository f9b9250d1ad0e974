// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;

/// The messages in one answer, found in its body in place: their ids, and the stamps of their
/// payloads.
///
/// No parser: a payload of ours has one stamp and no key that ids have, so the nth id and the nth
/// stamp belong to the nth message whatever a server does with the order of keys or with spaces.
final class StampedMessages {
  static final int ID_LENGTH = 36;

  private final byte[] idKey;
  private byte[] body = new byte[0];
  private final int[] ids;
  private final int[] publishers;
  private final long[] numbers;
  private final long[] timesNs;
  private int count;

  /// For answers of at most `most` messages, which have their ids, of the length of a UUID, under
  /// `idKey`.
  StampedMessages(String idKey, int most) {
    this.idKey = ('"' + idKey + '"').getBytes(US_ASCII);
    ids = new int[most];
    publishers = new int[most];
    numbers = new long[most];
    timesNs = new long[most];
  }

  /// Reads the body of an answer, which stays in use until the next one; false if it holds anything
  /// but complete messages, or too many.
  boolean read(byte[] answer, int length) {
    body = answer;
    ByteBuf bytes = Unpooled.wrappedBuffer(answer, 0, length);
    int idsFound = 0;
    int stampsFound = 0;
    count = 0;
    for (int at = 0; at < length; at++) {
      if (answer[at] == '@' && length - at >= Stamp.LENGTH) {
        if (stampsFound == numbers.length) {
          return false;
        }
        publishers[stampsFound] = Stamp.publisher(bytes, at);
        numbers[stampsFound] = Stamp.number(bytes, at);
        timesNs[stampsFound] = Stamp.timeNs(bytes, at);
        stampsFound++;
        at += Stamp.LENGTH - 1;
      } else if (answer[at] == '"' && isIdKey(at, length)) {
        int start = valueStart(at + idKey.length, length);
        if (start < 0 || idsFound == ids.length) {
          return false;
        }
        ids[idsFound++] = start;
        at = start + ID_LENGTH;
      }
    }
    count = stampsFound;
    return idsFound == stampsFound;
  }

  int count() {
    return count;
  }

  int publisher(int index) {
    return publishers[index];
  }

  long number(int index) {
    return numbers[index];
  }

  long timeNs(int index) {
    return timesNs[index];
  }

  void writeId(int index, ByteBuf out) {
    out.writeBytes(body, ids[index], ID_LENGTH);
  }

  /// Part of an id read as a number in hexadecimal digits, or -1 if it is none. At most 15 digits.
  long idHex(int index, int from, int digits) {
    long value = 0;
    for (int at = ids[index] + from; at < ids[index] + from + digits; at++) {
      int digit = Character.digit(body[at], 16);
      if (digit < 0) {
        return -1;
      }
      value = value * 16 + digit;
    }
    return value;
  }

  /// Whether there is the key of ids, and not a value of that text.
  private boolean isIdKey(int at, int length) {
    int end = at + idKey.length;
    if (end >= length || !Arrays.equals(body, at, end, idKey, 0, idKey.length)) {
      return false;
    }
    int next = skipSpaces(end, length);
    return next < length && body[next] == ':';
  }

  /// Where a string of an id's length begins behind spaces and a colon, or -1.
  private int valueStart(int from, int length) {
    int at = skipSpaces(skipSpaces(from, length) + 1, length);
    boolean isText = at + ID_LENGTH + 1 < length && body[at] == '"';
    return isText && body[at + 1 + ID_LENGTH] == '"' ? at + 1 : -1;
  }

  private int skipSpaces(int from, int length) {
    int at = from;
    while (at < length && body[at] == ' ') {
      at++;
    }
    return at;
  }
}
