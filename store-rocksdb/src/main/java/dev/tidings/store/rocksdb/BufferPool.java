// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;

/// A few direct buffers of the size of a run, for values on their way between RocksDB and the heap.
/// At most [#KEPT] wait here; more are made when more threads read at once, and let go afterwards.
final class BufferPool {
  private static final int KEPT = 8;

  private final int size;
  private final ArrayBlockingQueue<ByteBuffer> free = new ArrayBlockingQueue<>(KEPT);

  BufferPool(int size) {
    this.size = size;
  }

  ByteBuffer take() {
    ByteBuffer buffer = free.poll();
    return buffer == null ? ByteBuffer.allocateDirect(size) : buffer;
  }

  void giveBack(ByteBuffer buffer) {
    // Full: the collector frees it.
    boolean _ = free.offer(buffer.clear());
  }
}
