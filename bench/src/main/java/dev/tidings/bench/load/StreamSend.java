// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// An encoded send to a stream, in which stream, id and stamp are written in place.
///
/// The same rule as for a [StampedRequest]: a connection owns its request and has one outstanding.
final class StreamSend {
  private final ByteBuf bytes;
  private final int streamAt;
  private final int uuidAt;
  private final int stampAt;

  StreamSend(ByteBuf bytes, int streamAt, int uuidAt, int stampAt) {
    this.bytes = bytes;
    this.streamAt = streamAt;
    this.uuidAt = uuidAt;
    this.stampAt = stampAt;
  }

  /// The send of `sender`'s message `number` to a stream, for one write.
  ByteBuf toSend(long stream, int sender, long number, long timeNs) {
    Stamp.digits(bytes, streamAt, StreamRequests.STREAM_DIGITS, stream);
    MessageUuid.write(bytes, uuidAt, sender, number);
    Stamp.write(bytes, stampAt, sender, number, timeNs);
    return bytes.retainedDuplicate();
  }

  /// Gives the memory back; nothing may be on its way any more.
  void release() {
    bytes.release();
  }
}
