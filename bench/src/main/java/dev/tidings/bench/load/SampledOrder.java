// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.Arrays;

/// What a sampled socket remembers to tell whether it saw every publisher's messages in order, and
/// the same order as the other sampled sockets.
final class SampledOrder {
  private long[] lastOf = {};
  private long orderHash;

  /// False if the message does not follow its publisher's previous one.
  boolean next(int publisher, long number) {
    if (publisher >= lastOf.length) {
      lastOf = Arrays.copyOf(lastOf, publisher + 1);
    }
    orderHash = (orderHash * 31 + publisher) * 31 + number;
    boolean follows = number == lastOf[publisher] + 1;
    lastOf[publisher] = number;
    return follows;
  }

  long orderHash() {
    return orderHash;
  }
}
