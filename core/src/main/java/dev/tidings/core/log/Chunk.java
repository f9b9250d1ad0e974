// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import java.util.Arrays;

/// Neighbouring messages of one log in memory. The shard fills it; readers look only at places up
/// to the watermark, whose release write publishes what lies below it.
final class Chunk {
  /// Messages in a full chunk: few enough that evicting one is fine-grained, enough that the list
  /// of chunks is rarely copied.
  static final int CAPACITY = 256;

  /// Heap from which a chunk is full, however few its messages.
  private static final long FULL_BYTES = 256 * 1024;

  /// Heap of a chunk's own objects besides its messages, per place.
  private static final int BYTES_PER_PLACE = 4;

  private static final int OVERHEAD = 64;

  final TopicLog log;
  final long firstSequence;
  // Volatile for the sake of growth: a reader that meets the grown array meets its content too.
  private volatile Message[] messages = new Message[4];
  private int count;
  private long heapSize = OVERHEAD;

  Chunk(TopicLog log, long firstSequence) {
    this.log = log;
    this.firstSequence = firstSequence;
  }

  boolean isFull() {
    return count == CAPACITY || heapSize >= FULL_BYTES;
  }

  long nextSequence() {
    return firstSequence + count;
  }

  long heapSize() {
    return heapSize;
  }

  /// Adds the next message and returns the heap it takes.
  long add(Message message) {
    Message[] places = messages;
    if (count == places.length) {
      places = Arrays.copyOf(places, Math.min(CAPACITY, count * 2));
      places[count] = message;
      messages = places;
    } else {
      places[count] = message;
    }
    count++;
    long added = (long) message.heapSize() + BYTES_PER_PLACE;
    heapSize += added;
    return added;
  }

  /// Drops the messages from `sequence` on and returns the heap they took.
  long truncate(long sequence) {
    Message[] places = messages;
    int keep = (int) Math.max(0, sequence - firstSequence);
    long freed = 0;
    while (count > keep) {
      freed += places[--count].heapSize() + BYTES_PER_PLACE;
    }
    // A fresh array: readers may hold the old one, whose dropped places they never look at.
    messages = Arrays.copyOf(places, Math.max(4, count));
    heapSize -= freed;
    return freed;
  }

  Message get(long sequence) {
    return messages[(int) (sequence - firstSequence)];
  }
}
