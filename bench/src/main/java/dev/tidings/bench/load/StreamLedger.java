// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.BitSet;

/// What was sent to one stream and what came out of it, by sender and number. Written by one event
/// loop.
final class StreamLedger {
  private final String stream;
  private final int firstSender;
  private final int senderStep;
  private final BitSet[] received;
  private final long[] last;
  private final boolean oneReceiver;
  private int sending;
  private volatile long acceptedCount;
  private volatile long receivedCount;

  /// For the senders `firstSender`, `firstSender + senderStep` and so on, `senders` of them.
  StreamLedger(String stream, int firstSender, int senderStep, int senders, boolean oneReceiver) {
    this.stream = stream;
    this.firstSender = firstSender;
    this.senderStep = senderStep;
    this.oneReceiver = oneReceiver;
    this.sending = senders;
    this.received = new BitSet[senders];
    this.last = new long[senders];
    for (int i = 0; i < senders; i++) {
      received[i] = new BitSet();
      last[i] = -1;
    }
  }

  /// Notes that a send was answered 200.
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by one event loop alone.
  void accepted() {
    acceptedCount++;
  }

  /// Notes that one of the senders sends no more.
  void senderEnded() {
    sending--;
  }

  /// Notes a received message; says what is wrong with it, or nothing.
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by one event loop alone.
  String receive(int sender, long number) {
    int index = (sender - firstSender) / senderStep;
    boolean ours =
        sender >= firstSender
            && (sender - firstSender) % senderStep == 0
            && index < received.length
            && number < Integer.MAX_VALUE;
    if (!ours) {
      return "stream " + stream + " gave a message that was not sent to it";
    }
    String name = "message " + number + " of sender " + sender;
    if (received[index].get((int) number)) {
      return "stream " + stream + " gave " + name + " twice";
    }
    // With more receivers than one, which answer is read first says nothing about the order.
    if (oneReceiver && number != last[index] + 1) {
      return "stream %s gave %s after message %d".formatted(stream, name, last[index]);
    }
    received[index].set((int) number);
    last[index] = number;
    receivedCount++;
    return "";
  }

  /// Whether nothing more is sent, and everything that was has been received.
  boolean isComplete() {
    return sending == 0 && receivedCount == acceptedCount;
  }

  String shortfall() {
    return "stream %s: %,d messages were sent, %,d received"
        .formatted(stream, acceptedCount, receivedCount);
  }

  boolean isShort() {
    return receivedCount < acceptedCount;
  }
}
