// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// Which messages of which publisher the sockets of a work queue got, all together. Written by one
/// event loop.
final class WorkLedger {
  private final List<BitSet> delivered = new ArrayList<>();

  /// Notes a message; says what is wrong with it, or nothing.
  String deliver(int publisher, long number) {
    if (number < 1 || number > Integer.MAX_VALUE) {
      return "received message " + number + ", which nobody publishes";
    }
    while (delivered.size() <= publisher) {
      delivered.add(new BitSet());
    }
    BitSet ofPublisher = delivered.get(publisher);
    if (ofPublisher.get((int) number)) {
      return "received message %d of publisher %d, which some socket had before"
          .formatted(number, publisher);
    }
    ofPublisher.set((int) number);
    return "";
  }
}
