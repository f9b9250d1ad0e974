// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// An encoded publish of several messages, each of which gets its number in place before it is
/// sent, and what filters look at: `group`, the number modulo the groups, and `half`, modulo 2.
///
/// The same rule as for a [StampedRequest]: a connection owns its batch and has one outstanding.
final class NumberedBatch {
  static final int GROUP_DIGITS = 4;

  private final ByteBuf bytes;
  private final int[] stamps;
  private final int groupAfterStamp;
  private final int halfAfterStamp;
  private final int groups;

  NumberedBatch(ByteBuf bytes, int[] stamps, int groupAfterStamp, int halfAfterStamp, int groups) {
    this.bytes = bytes;
    this.stamps = stamps;
    this.groupAfterStamp = groupAfterStamp;
    this.halfAfterStamp = halfAfterStamp;
    this.groups = groups;
  }

  int messages() {
    return stamps.length;
  }

  /// The batch with the numbers from `firstNumber` on, for one write.
  ByteBuf toSend(int publisher, long firstNumber, long timeNs) {
    for (int i = 0; i < stamps.length; i++) {
      long number = firstNumber + i;
      Stamp.write(bytes, stamps[i], publisher, number, timeNs);
      Stamp.digits(bytes, stamps[i] + groupAfterStamp, GROUP_DIGITS, number % groups);
      Stamp.digits(bytes, stamps[i] + halfAfterStamp, 1, number % 2);
    }
    return bytes.retainedDuplicate();
  }

  /// Gives the memory back; nothing may be on its way any more.
  void release() {
    bytes.release();
  }
}
