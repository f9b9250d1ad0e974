// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// The `messageUuid` of a message sent to a stream: `SSSSSSSS-PPPP-4000-8000-NNNNNNNNNNNN`, which
/// measurement sent it, which of its senders, and as which of that one's messages, in hexadecimal.
///
/// An answer must bring it together with the stamp that has the same sender and number.
final class MessageUuid {
  static final String KEY = "messageUuid";
  static final String TEMPLATE = "%08x-0000-4000-8000-000000000000";

  private static final int MEASUREMENT_DIGITS = 8;
  private static final int SENDER_AT = 9;
  private static final int SENDER_DIGITS = 4;
  private static final int NUMBER_AT = 24;
  private static final int NUMBER_DIGITS = 12;

  private MessageUuid() {}

  /// Writes what differs between the messages of a measurement.
  static void write(ByteBuf buffer, int at, int sender, long number) {
    hex(buffer, at + SENDER_AT, SENDER_DIGITS, sender);
    hex(buffer, at + NUMBER_AT, NUMBER_DIGITS, number);
  }

  /// Whether a received message has the id it was sent with.
  static boolean isThatOf(StampedMessages messages, int index, int measurement) {
    return messages.idHex(index, 0, MEASUREMENT_DIGITS) == measurement
        && messages.idHex(index, SENDER_AT, SENDER_DIGITS) == messages.publisher(index)
        && messages.idHex(index, NUMBER_AT, NUMBER_DIGITS) == messages.number(index);
  }

  private static void hex(ByteBuf buffer, int at, int digits, long value) {
    long rest = value;
    for (int i = at + digits - 1; i >= at; i--) {
      buffer.setByte(i, Character.forDigit((int) (rest & 15), 16));
      rest >>= 4;
    }
  }
}
