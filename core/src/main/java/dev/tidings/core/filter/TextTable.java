// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/// An immutable set of texts, each with a number from 0 on, found without allocating.
///
/// The texts of one bucket are in order and searched by halves: texts chosen to fall into one
/// bucket cost a logarithm, not a walk through all.
final class TextTable {
  private final List<Text> texts;
  private final byte[][] bytes;

  /// The number of each bucket's first text, and last the number of all texts.
  private final int[] starts;

  /// Which lengths modulo 64 there are: most keys of a payload are passed over by this alone.
  private final long lengths;

  private final int longest;

  TextTable(Collection<Text> distinct) {
    int buckets = 2 * Integer.highestOneBit(Math.max(1, distinct.size()));
    starts = new int[buckets + 1];
    texts =
        distinct.stream()
            .sorted(
                Comparator.<Text>comparingInt(text -> bucket(text.bytes(), text.length()))
                    .thenComparing(Comparator.naturalOrder()))
            .toList();
    bytes = new byte[texts.size()][];
    long foundLengths = 0;
    int foundLongest = 0;
    for (int i = 0; i < bytes.length; i++) {
      Text text = texts.get(i);
      bytes[i] = text.bytes();
      starts[bucket(text.bytes(), text.length()) + 1]++;
      foundLengths |= 1L << text.length();
      foundLongest = Math.max(foundLongest, text.length());
    }
    for (int i = 1; i < starts.length; i++) {
      starts[i] += starts[i - 1];
    }
    lengths = foundLengths;
    longest = foundLongest;
  }

  /// The texts in the order of their numbers.
  List<Text> texts() {
    return texts;
  }

  /// How many texts there are.
  int size() {
    return bytes.length;
  }

  /// The length of the longest text in bytes.
  int longest() {
    return longest;
  }

  /// Whether there may be a text of this length.
  boolean mayHoldLength(int length) {
    return length <= longest && (lengths >>> length & 1) != 0;
  }

  /// The number of the text in `buffer`, or -1 if it is not here or did not fit.
  int find(TextBuffer buffer) {
    int length = buffer.length();
    if (!buffer.fits() || !mayHoldLength(length)) {
      return -1;
    }
    byte[] text = buffer.bytes();
    int bucket = bucket(text, length);
    int low = starts[bucket];
    int high = starts[bucket + 1] - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      byte[] candidate = bytes[middle];
      int order = Arrays.compare(candidate, 0, candidate.length, text, 0, length);
      if (order == 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }

  private int bucket(byte[] text, int length) {
    int hash = length;
    for (int i = 0; i < length; i++) {
      hash = 31 * hash + text[i];
    }
    return (hash ^ hash >>> 16) & (starts.length - 2);
  }
}
