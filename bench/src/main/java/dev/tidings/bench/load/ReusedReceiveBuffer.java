// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocal;

/// Gives every read of an event loop the same large buffer.
///
/// That is safe because all handlers here consume what they read before they return, and it makes a
/// large buffer cost nothing per socket or per read.
final class ReusedReceiveBuffer extends DefaultMaxMessagesRecvByteBufAllocator {
  private static final int BYTES = 256 * 1024;

  private static final FastThreadLocal<ByteBuf> BUFFER =
      new FastThreadLocal<>() {
        @Override
        protected void onRemoval(ByteBuf buffer) {
          buffer.release();
        }
      };

  @Override
  @SuppressWarnings(
      "deprecation") // The only hook there is; Netty deprecates the type, not the way.
  public RecvByteBufAllocator.Handle newHandle() {
    return new MaxMessageHandle() {
      @Override
      public int guess() {
        return BYTES;
      }

      @Override
      public ByteBuf allocate(ByteBufAllocator allocator) {
        ByteBuf buffer = BUFFER.getIfExists();
        if (buffer == null || buffer.refCnt() != 1) {
          buffer = allocator.directBuffer(BYTES, BYTES);
          BUFFER.set(buffer);
        }
        return buffer.clear().retain();
      }
    };
  }
}
