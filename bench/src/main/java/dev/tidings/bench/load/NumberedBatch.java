// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// A batch whose messages get with their numbers what filters look at: `group`, the number modulo
/// the groups, and `half`, modulo 2.
final class NumberedBatch implements MessageBatch {
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

  @Override
  public int messages() {
    return stamps.length;
  }

  @Override
  public ByteBuf toSend(int publisher, long firstNumber, long timeNs) {
    for (int i = 0; i < stamps.length; i++) {
      long number = firstNumber + i;
      Stamp.write(bytes, stamps[i], publisher, number, timeNs);
      Stamp.digits(bytes, stamps[i] + groupAfterStamp, GROUP_DIGITS, number % groups);
      Stamp.digits(bytes, stamps[i] + halfAfterStamp, 1, number % 2);
    }
    return bytes.retainedDuplicate();
  }

  @Override
  public void release() {
    bytes.release();
  }
}
