// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.runtime.Outcome;
import java.util.LinkedHashSet;
import java.util.SequencedSet;

/// A message that its stream has not taken yet: it waits for room, for a receiver or to be durable.
/// Whoever sends the same meanwhile joins those who ask for it.
public final class WaitingSend extends Wait {
  private final Sending sending;
  private final StreamMessage message;
  private final Stream stream;
  // Those that get the answer when it is given; whoever waits only for the store is not among them.
  private final SequencedSet<Sending> asking = new LinkedHashSet<>(2);
  // Whether room is kept for it in its stream.
  boolean holdsRoom;
  // The number of the log it is being appended to.
  int log;

  WaitingSend(Sending sending, StreamMessage message, Stream stream) {
    this.sending = sending;
    this.message = message;
    this.stream = stream;
  }

  /// The call that it began with.
  public Sending sending() {
    return sending;
  }

  StreamMessage message() {
    return message;
  }

  Stream stream() {
    return stream;
  }

  /// Until when it waits: as long as the first of those who ask.
  long endsNs() {
    Sending first = asking.getFirst();
    return first.waitsSinceNs + first.timeoutMs() * 1_000_000;
  }

  /// `call` waits for its answer, from now on.
  void ask(Sending call, long nowNs) {
    asking.add(call);
    call.waitsFor = this;
    call.waitsSinceNs = nowNs;
  }

  /// `call` waits no longer.
  void stopAsking(Sending call) {
    asking.remove(call);
    call.waitsFor = null;
  }

  boolean isAskedFor() {
    return !asking.isEmpty();
  }

  /// Answers those who wait.
  void answer(Outcome<Boolean> outcome) {
    for (Sending call : asking) {
      call.waitsFor = null;
      call.answer().give(outcome);
    }
    asking.clear();
  }
}
