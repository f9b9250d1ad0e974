// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// An encoded receive, in which the stream is written in place.
///
/// The same rule as for a [StampedRequest]: a connection owns its request and has one outstanding.
final class StreamReceive {
  private final ByteBuf bytes;
  private final int streamAt;

  StreamReceive(ByteBuf bytes, int streamAt) {
    this.bytes = bytes;
    this.streamAt = streamAt;
  }

  /// The receive from a stream, for one write.
  ByteBuf toSend(long stream) {
    Stamp.digits(bytes, streamAt, StreamRequests.STREAM_DIGITS, stream);
    return bytes.retainedDuplicate();
  }

  /// Gives the memory back; nothing may be on its way any more.
  void release() {
    bytes.release();
  }
}
