// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/// Opens groups of WebSockets on one server, and waits until each of them is subscribed.
///
/// @param token given in the handshakes; empty for a server that asks for none
public record SocketOpener(
    LoadLoops loops, Endpoint endpoint, Optional<String> token, Failures failures) {
  private static final Duration SUBSCRIBE_TIMEOUT = Duration.ofMinutes(2);

  /// Sockets of the relay, on one topic. Of every `sampleEvery` sockets one decodes its messages.
  public SocketGroup onTopic(String topic, int count, int sampleEvery) throws InterruptedException {
    return open(SocketDialect.ofTopic(token, topic), sampled(count, sampleEvery));
  }

  /// One socket of the relay, on a topic for which messages are scheduled.
  public SocketGroup onSchedule(String topic, DueReader reader) throws InterruptedException {
    return open(SocketDialect.ofTopic(token, topic), List.of(Optional.of(reader)));
  }

  /// Sockets that each get every message of a queue. Of every `sampleEvery` sockets one decodes its
  /// messages.
  public SocketGroup onBroadcast(String queue, int count, int sampleEvery)
      throws InterruptedException {
    return open(SocketDialect.ofBroadcast(token, queue), sampled(count, sampleEvery));
  }

  /// Sockets that compete for the messages of a queue; all of them decode what they get.
  ///
  /// @param prefetch how many messages a socket may have that it has not acknowledged, if that is
  ///   its part
  public SocketGroup onWork(String queue, int count, Ack ack, int prefetch)
      throws InterruptedException {
    var ledger = new WorkLedger();
    var readers = new ArrayList<Optional<SocketReader>>();
    for (int i = 0; i < count; i++) {
      readers.add(Optional.of(new WorkReader(ledger, ack)));
    }
    SocketDialect dialect = SocketDialect.ofWork(token, queue, ack, prefetch);
    // All on one loop, so that the ledger needs no locks.
    return open(dialect, readers, _ -> loops.first(), 1);
  }

  private static List<Optional<SocketReader>> sampled(int count, int sampleEvery) {
    var readers = new ArrayList<Optional<SocketReader>>();
    for (int i = 0; i < count; i++) {
      readers.add(i % sampleEvery == 0 ? Optional.of(new SampledOrder()) : Optional.empty());
    }
    return readers;
  }

  private SocketGroup open(SocketDialect dialect, List<Optional<SocketReader>> readers)
      throws InterruptedException {
    return open(dialect, readers, loops::of, readers.size());
  }

  private SocketGroup open(
      SocketDialect dialect,
      List<Optional<SocketReader>> readers,
      IntFunction<EventLoop> loopOf,
      int copies)
      throws InterruptedException {
    var group = new SocketGroup(this, dialect, readers, loopOf, copies);
    group.open(SUBSCRIBE_TIMEOUT);
    return group;
  }
}
