// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import java.util.UUID;

/// The uuids of the last messages a stream has taken, so that one that is sent again is known: at
/// most [#MAX], each for a time.
final class RecentUuids {
  static final int MAX = 128;

  private static final int LONGS = 3;

  // A ring of triples: both halves of the uuid, and when it was taken by the monotonic clock.
  private long[] ring = new long[LONGS];
  private int first;
  private int count;

  /// Whether `uuid` was taken at `sinceNs` or later.
  boolean contains(UUID uuid, long sinceNs) {
    forgetBefore(sinceNs);
    for (int i = 0; i < count; i++) {
      int at = at(i);
      // Those recalled from the store may lie behind younger ones.
      if (ring[at + 1] == uuid.getLeastSignificantBits()
          && ring[at] == uuid.getMostSignificantBits()
          && ring[at + 2] - sinceNs >= 0) {
        return true;
      }
    }
    return false;
  }

  /// Notes that `uuid` was taken at `atNs`.
  void add(UUID uuid, long atNs) {
    if (count == MAX) {
      forgetFirst();
    } else if (count == capacity()) {
      grow();
    }
    int at = at(count++);
    ring[at] = uuid.getMostSignificantBits();
    ring[at + 1] = uuid.getLeastSignificantBits();
    ring[at + 2] = atNs;
  }

  /// Notes one that was taken earlier than those known, if there is room.
  void recall(UUID uuid, long atNs) {
    if (count < MAX) {
      add(uuid, atNs);
    }
  }

  /// Forgets those taken before `sinceNs`, up to the first that was not.
  void forgetBefore(long sinceNs) {
    while (count > 0 && ring[at(0) + 2] - sinceNs < 0) {
      forgetFirst();
    }
  }

  private void forgetFirst() {
    first = (first + 1) % capacity();
    count--;
  }

  private void grow() {
    long[] more = new long[Math.min(MAX, 2 * capacity()) * LONGS];
    for (int i = 0; i < count; i++) {
      System.arraycopy(ring, at(i), more, i * LONGS, LONGS);
    }
    ring = more;
    first = 0;
  }

  private int capacity() {
    return ring.length / LONGS;
  }

  private int at(int index) {
    return (first + index) % capacity() * LONGS;
  }

  /// The heap it takes.
  int heapSize() {
    return 48 + 8 * ring.length;
  }
}
