// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import java.util.ArrayDeque;

/// The bound on the messages of one shard's logs that are kept in memory.
///
/// At the bound the oldest chunks of any log are dropped; those who still need it page it from the
/// store. Messages that are not durable yet are never dropped, so the bound can be passed by what
/// is pending, which has a bound of its own.
public final class HotTier {
  private final long maxBytes;
  private final ArrayDeque<Chunk> oldestFirst = new ArrayDeque<>();
  // Written by the shard alone, read by whoever reports it.
  private volatile long bytes;

  /// A tier of at most `maxBytes` of heap.
  public HotTier(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /// Heap in use.
  public long bytes() {
    return bytes;
  }

  void opened(Chunk chunk) {
    oldestFirst.addLast(chunk);
    grown(chunk.heapSize());
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  void grown(long added) {
    bytes += added;
  }

  /// Drops the oldest chunks until the bound is met or what is left is not durable.
  void evict() {
    while (bytes > maxBytes) {
      Chunk oldest = oldestFirst.peekFirst();
      if (oldest == null || !oldest.log.dropChunk(oldest)) {
        return;
      }
      oldestFirst.pollFirst();
      grown(-oldest.heapSize());
    }
  }

  /// Forgets a chunk that its log has let go of.
  void closed(Chunk chunk) {
    if (oldestFirst.remove(chunk)) {
      grown(-chunk.heapSize());
    }
  }
}
