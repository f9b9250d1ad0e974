// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.BitSet;

/// What one subscription is to get of the messages numbered from 0 on, and what it got. Written by
/// one event loop.
public final class Ledger {
  /// The messages a subscription's filter lets through.
  public interface Share {
    boolean has(long number);

    /// How many of the first `published` numbers it has.
    long of(long published);
  }

  private final String subscription;
  private final Share share;
  private final int publisher;
  private final BitSet delivered = new BitSet();
  private final BitSet acked = new BitSet();
  private volatile long ackedCount;

  /// @param publisher the mark of the messages that were published for it
  public Ledger(String subscription, Share share, int publisher) {
    this.subscription = subscription;
    this.share = share;
    this.publisher = publisher;
  }

  public String subscription() {
    return subscription;
  }

  /// Messages acknowledged, each counted once.
  public long ackedCount() {
    return ackedCount;
  }

  public long expected(long published) {
    return share.of(published);
  }

  boolean isComplete(long published) {
    return ackedCount == share.of(published);
  }

  /// Notes a delivery; says what is wrong with it, or nothing.
  String deliver(int by, long number) {
    if (by != publisher || number > Integer.MAX_VALUE) {
      return subscription + " delivered a message that was not published for it";
    }
    int bit = (int) number;
    if (!share.has(number)) {
      return subscription + " delivered message " + number + ", which its filter excludes";
    }
    if (acked.get(bit)) {
      return subscription + " delivered message " + number + " again after its ack was answered";
    }
    if (delivered.get(bit)) {
      return subscription + " delivered message " + number + " again while it was leased";
    }
    delivered.set(bit);
    return "";
  }

  /// Notes that acks were answered.
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by one event loop alone.
  void acked(StampedMessages messages) {
    for (int i = 0; i < messages.count(); i++) {
      acked.set((int) messages.number(i));
    }
    ackedCount += messages.count();
  }
}
