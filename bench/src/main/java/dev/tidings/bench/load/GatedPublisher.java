// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/// Publishes stamped messages to the topic of a socket group, never further ahead of the sockets
/// than a window.
///
/// Every message must reach every socket, so what is still out is known exactly: messages sent
/// times sockets, less deliveries. A publisher far faster than fan-out would otherwise only grow a
/// backlog. Runs on the first loop.
public final class GatedPublisher implements HttpConnection.Asker {
  private final List<HttpConnection> connections;
  private final List<StampedRequest> requests;
  private final long[] numbers;
  private final int firstPublisher;
  private final long deliveriesBefore;
  private final LoadLoops loops;
  private final SocketGroup sockets;
  private final long window;
  private final boolean bulk;
  private final Failures failures;
  private final ArrayDeque<HttpConnection> idle = new ArrayDeque<>();
  private volatile long sent;
  private volatile long accepted;
  private volatile boolean running;

  /// With `batch` 1 messages go as single publishes; `window` counts messages on their way to all
  /// sockets.
  public GatedPublisher(
      LoadLoops loops,
      List<HttpConnection> connections,
      Requests encoder,
      String topic,
      int batch,
      long window,
      SocketGroup sockets,
      PublisherNumbers publishers,
      Failures failures) {
    this.loops = loops;
    this.connections = connections;
    this.sockets = sockets;
    this.window = window;
    this.bulk = batch > 1;
    this.failures = failures;
    this.numbers = new long[connections.size()];
    this.firstPublisher = publishers.take(connections.size());
    var encoded = new ArrayList<StampedRequest>();
    for (int i = 0; i < connections.size(); i++) {
      encoded.add(bulk ? encoder.bulk(List.of(topic), batch) : encoder.publish(topic));
    }
    this.requests = List.copyOf(encoded);
    this.deliveriesBefore = sockets.counts().deliveries();
  }

  public void start() {
    loops
        .first()
        .execute(() -> {
          running = true;
          for (HttpConnection connection : connections) {
            connection.attach(this, what(), bulk ? 207 : 201, bulk);
            idle.add(connection);
          }
          pump();
        });
  }

  /// Publishes no more, waits until every socket has everything, and returns how many messages that
  /// were.
  public long stopAndDrain(Duration timeout) throws InterruptedException {
    running = false;
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (accepted < sent
        || !sockets.awaitDeliveries(deliveriesBefore + accepted * sockets.size(), Duration.ZERO)) {
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
                    accepted * sockets.size()));
        return accepted;
      }
    }
    return accepted;
  }

  private String what() {
    return "POST " + (bulk ? Requests.BULK : Requests.PUBLISH);
  }

  private void pump() {
    while (running && !idle.isEmpty()) {
      StampedRequest request = requests.get(idle.getFirst().index());
      long opensAt = deliveriesBefore + (sent + request.messages() - window) * sockets.size();
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
    if (bulk
        && answer.isExpected()
        && !BulkAnswer.isAllAccepted(answer.kept(), answer.keptLength())) {
      failures.broken(what() + " rejected messages: " + answer.keptText());
    } else if (!answer.isExpected()) {
      // The window would never open again, since these messages reach nobody.
      failures.broken(failures.first().orElse(what()));
    } else {
      accepted += requests.get(connection.index()).messages();
    }
    idle.add(connection);
    pump();
  }
}
