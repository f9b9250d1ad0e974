// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Publishes stamped messages to a socket group, never further ahead of the sockets than a window.
///
/// How many sockets a message must reach is known, so what is still out is known exactly: the
/// deliveries that the messages sent become, less those made. A publisher far faster than fan-out
/// would otherwise only grow a backlog. Runs on the first loop.
public final class GatedPublisher implements HttpConnection.Asker {
  private final List<HttpConnection> connections;
  private final List<StampedRequest> requests;
  private final long[] numbers;
  private final int firstPublisher;
  private final long deliveriesBefore;
  private final LoadLoops loops;
  private final SocketGroup sockets;
  private final long window;
  private final PublishCall call;
  private final Failures failures;
  private final ArrayDeque<HttpConnection> idle = new ArrayDeque<>();
  private volatile long sent;
  private volatile long accepted;
  private volatile boolean running;

  /// @param connections of [HttpConnection#openOnFirstLoop], at least one
  /// @param encode makes a connection's request
  /// @param window messages that may be on their way to the sockets
  public GatedPublisher(
      LoadLoops loops,
      List<HttpConnection> connections,
      Supplier<StampedRequest> encode,
      long window,
      SocketGroup sockets,
      Failures failures) {
    this.loops = loops;
    this.connections = connections;
    this.sockets = sockets;
    this.window = window;
    this.failures = failures;
    this.numbers = new long[connections.size()];
    this.firstPublisher = sockets.publishers().take(connections.size());
    this.requests = Stream.generate(encode).limit(connections.size()).toList();
    this.call = requests.getFirst().call();
    this.deliveriesBefore = sockets.counts().deliveries();
  }

  public void start() {
    loops
        .first()
        .execute(() -> {
          running = true;
          for (HttpConnection connection : connections) {
            connection.attach(this, call.what(), call.expectedStatus(), call.tellsRejected());
            idle.add(connection);
          }
          pump();
        });
  }

  /// Publishes no more, waits until the sockets have everything, and returns how many messages that
  /// were.
  public long stopAndDrain(Duration timeout) throws InterruptedException {
    running = false;
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (accepted < sent
        || !sockets.hasDeliveries(deliveriesBefore + sockets.deliveriesOf(accepted))) {
      if (failures.awaitBroken(Duration.ofMillis(5))) {
        return accepted;
      }
      if (Stamp.nowNs() > deadlineNs) {
        failures.broken(
            "after %d s %d of %d published messages were answered, and %d of %d deliveries made"
                .formatted(
                    timeout.toSeconds(),
                    accepted,
                    sent,
                    sockets.counts().deliveries() - deliveriesBefore,
                    sockets.deliveriesOf(accepted)));
        return accepted;
      }
    }
    return accepted;
  }

  private void pump() {
    while (running && !idle.isEmpty()) {
      StampedRequest request = requests.get(idle.getFirst().index());
      long opensAt = deliveriesBefore + sockets.deliveriesOf(sent + request.messages() - window);
      if (sockets.counts().deliveries() < opensAt) {
        sockets.wakeAt(opensAt, this::pumpOnLoop);
        return;
      }
      send(idle.removeFirst(), request);
    }
  }

  private void pumpOnLoop() {
    if (loops.first().inEventLoop()) {
      pump();
    } else {
      loops.first().execute(this::pump);
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by the first loop alone.
  private void send(HttpConnection connection, StampedRequest request) {
    int index = connection.index();
    sent += request.messages();
    connection.send(request.toSend(firstPublisher + index, numbers[index] + 1, Stamp.nowNs()));
    numbers[index] += request.messages();
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // Written by the first loop alone.
  public void answered(HttpConnection connection, ResponseScanner answer) {
    if (call.tellsRejected()
        && answer.isExpected()
        && !BulkAnswer.isAllAccepted(answer.kept(), answer.keptLength())) {
      failures.broken(call.what() + " rejected messages: " + answer.keptText());
    } else if (!answer.isExpected()) {
      // The window would never open again, since these messages reach nobody.
      failures.broken(failures.first().orElse(call.what()));
    } else {
      accepted += requests.get(connection.index()).messages();
    }
    idle.add(connection);
    pump();
  }
}
