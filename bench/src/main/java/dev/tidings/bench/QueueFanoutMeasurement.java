// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Requests;
import dev.tidings.bench.load.SocketGroup;
import dev.tidings.bench.load.StampedRequest;
import java.time.Duration;
import java.util.function.Supplier;

/// How fast a broadcast queue's messages reach its sockets, next to the relay's of a topic with as
/// many sockets, each published one at a time.
///
/// The two take turns in each run.
final class QueueFanoutMeasurement {
  private static final int TURNS = 5;
  private static final double GOAL_SHARE = 1 / 1.1;

  private final ExchangeSession exchanges;
  private final int sockets;
  private final int sampleEvery;
  private final int publishers;

  QueueFanoutMeasurement(ExchangeSession exchanges, int sockets, int sampleEvery, int publishers) {
    this.exchanges = exchanges;
    this.sockets = sockets;
    this.sampleEvery = sampleEvery;
    this.publishers = publishers;
  }

  void measure() throws InterruptedException {
    Session session = exchanges.session();
    String topic = session.newTopics(1).getFirst();
    var relay = new Requests(session.endpoint(), session.token(), exchanges.payloadBytes());
    try (BoundQueue queue = BoundQueue.create(exchanges, "fanout", true, "broadcast")) {
      queue.bind("");
      try (SocketGroup onQueue = queue.broadcast(sockets, sampleEvery);
          SocketGroup onTopic = session.sockets().onTopic(topic, sockets, sampleEvery)) {
        for (int run = 0; run < exchanges.options().runs(); run++) {
          session.measureDiskSync();
          measure(onTopic, () -> relay.publish(topic), onQueue, () -> queue.request(""), run);
        }
      }
    }
  }

  private void measure(
      SocketGroup onTopic,
      Supplier<StampedRequest> toTopic,
      SocketGroup onQueue,
      Supplier<StampedRequest> toQueue,
      int run)
      throws InterruptedException {
    Duration warmup = exchanges.options().warmupOf(run).dividedBy(2);
    Duration time = exchanges.options().duration().dividedBy(TURNS);
    DeliveryRun ofTopic = turn(onTopic, toTopic, warmup, time);
    DeliveryRun ofQueue = turn(onQueue, toQueue, warmup, time);
    for (int turn = 1; turn < TURNS; turn++) {
      ofTopic = ofTopic.and(turn(onTopic, toTopic, Duration.ZERO, time));
      ofQueue = ofQueue.and(turn(onQueue, toQueue, Duration.ZERO, time));
    }
    Report report = exchanges.session().report();
    String relay = "fanout, relay's topic, %,d sockets".formatted(sockets);
    report.add(relay, "delivered", "messages/s", ofTopic.deliveriesPerSecond());
    ofTopic.addFigures(report, relay);
    String queue = "fanout, broadcast queue, %,d sockets".formatted(sockets);
    report.add(queue, "delivered", "messages/s", ofQueue.deliveriesPerSecond());
    double share = ofQueue.deliveriesPerSecond() / ofTopic.deliveriesPerSecond();
    report.add(queue, "share of the relay's", "ratio", share, Goal.atLeast(">= 1/1.1", GOAL_SHARE));
    ofQueue.addFigures(report, queue);
    exchanges
        .session()
        .progress()
        .step(
            "%s: run %d, %,.0f deliveries/s, %.2f of the relay's"
                .formatted(queue, run + 1, ofQueue.deliveriesPerSecond(), share));
  }

  private DeliveryRun turn(
      SocketGroup group, Supplier<StampedRequest> encode, Duration warmup, Duration time)
      throws InterruptedException {
    return DeliveryRun.measure(
        exchanges.session(), group, encode, publishers, publishers, warmup, time);
  }
}
