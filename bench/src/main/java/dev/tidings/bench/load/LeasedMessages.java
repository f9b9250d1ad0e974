// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/// What one answer to a lease brought, found in its body in place: the ids, and the stamps of the
/// payloads.
///
/// No parser: a payload of ours has one stamp and no key `id`, so the nth id and the nth stamp
/// belong to the nth message whatever a server does with the order of keys or with spaces.
final class LeasedMessages {
  static final int ID_LENGTH = 36;

  private static final int KEY_LENGTH = "\"id\"".length();

  private byte[] body = new byte[0];
  private final int[] ids;
  private final int[] publishers;
  private final long[] numbers;
  private final long[] timesNs;
  private int count;

  /// For answers of at most so many messages.
  LeasedMessages(int most) {
    ids = new int[most];
    publishers = new int[most];
    numbers = new long[most];
    timesNs = new long[most];
  }

  /// Reads the body of an answer, which stays in use until the next one; false if it is none.
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
        int start = valueStart(at + KEY_LENGTH, length);
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

  /// Whether there is a key `id`, and not a value of that text.
  private boolean isIdKey(int at, int length) {
    if (at + KEY_LENGTH >= length
        || body[at + 1] != 'i'
        || body[at + 2] != 'd'
        || body[at + 3] != '"') {
      return false;
    }
    int next = skipSpaces(at + KEY_LENGTH, length);
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
