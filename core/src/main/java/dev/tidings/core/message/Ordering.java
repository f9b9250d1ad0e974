// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import java.nio.charset.StandardCharsets;

/// What a publisher asked of the order in which consumers of subscriptions and queues are given a
/// message. Readers of the log, which get everything in log order, know nothing of it.
///
/// @param key messages of one key are given to consumers one after the other, each when the one
///   before it is settled; empty for none; at most [#MAX_KEY_BYTES] of UTF-8
/// @param priority 0 to [#MAX_PRIORITY]; work queues give out higher ones first
public record Ordering(String key, int priority) {
  /// How long a key may be, in bytes of UTF-8.
  public static final int MAX_KEY_BYTES = 256;

  /// The highest priority; the lowest, and that of a message for which nothing was said, is 0.
  public static final int MAX_PRIORITY = 9;

  /// Of a message for which nothing was said.
  public static final Ordering NONE = new Ordering("", 0);

  // The record, the string and its array, with compact object headers.
  private static final int OVERHEAD = 64;

  public Ordering {
    if (priority < 0 || priority > MAX_PRIORITY) {
      throw new IllegalArgumentException(
          "priority: " + priority + " (expected: 0 to " + MAX_PRIORITY + ")");
    }
    if (!isShortEnough(key)) {
      throw new IllegalArgumentException(
          "key of more than " + MAX_KEY_BYTES + " bytes (expected: at most so many)");
    }
  }

  /// Whether `key` has at most [#MAX_KEY_BYTES] bytes of UTF-8.
  public static boolean isShortEnough(String key) {
    // A character takes 1 to 3 bytes for each of its UTF-16 units.
    return key.length() <= MAX_KEY_BYTES / 3
        || (key.length() <= MAX_KEY_BYTES
            && key.getBytes(StandardCharsets.UTF_8).length <= MAX_KEY_BYTES);
  }

  /// That of `key`.
  public static Ordering ofKey(String key) {
    return key.isEmpty() ? NONE : new Ordering(key, 0);
  }

  /// That of a priority.
  public static Ordering ofPriority(int priority) {
    return priority == 0 ? NONE : new Ordering("", priority);
  }

  /// Whether there is a key.
  public boolean hasKey() {
    return !key.isEmpty();
  }

  /// How long the key is, in bytes of UTF-8.
  public int keyBytes() {
    return key.getBytes(StandardCharsets.UTF_8).length;
  }

  /// Whether nothing was said.
  public boolean isNone() {
    return priority == 0 && key.isEmpty();
  }

  /// An estimate of its heap, for the bounds of buffers in memory.
  int heapSize() {
    return isNone() ? 0 : OVERHEAD + 2 * key.length();
  }
}
