// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Stamp;
import dev.tidings.bench.load.StreamPairs;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/// How fast messages are sent to and received from streams at the same time, next to `GET /health`.
final class PairsMeasurement {
  private static final double GOAL_RATE = 30_000;

  private final StreamsSession streams;
  private final int senders;
  private final int receivers;
  private final int streamCount;

  PairsMeasurement(StreamsSession streams, int senders, int receivers, int streamCount) {
    this.streams = streams;
    this.senders = senders;
    this.receivers = receivers;
    this.streamCount = streamCount;
  }

  void measure() throws InterruptedException {
    List<HttpConnection> sending = connect(senders);
    List<HttpConnection> receiving = connect(receivers);
    var all = new ArrayList<>(sending);
    all.addAll(receiving);
    for (int run = 0; run < streams.options().runs(); run++) {
      double health = HealthLoad.measure(streams.session(), all, run);
      measurePairs(sending, receiving, run, health);
    }
    HttpConnection.closeAll(all);
  }

  private List<HttpConnection> connect(int count) throws InterruptedException {
    Session session = streams.session();
    return HttpConnection.openInGroups(
        session.loops(), session.endpoint(), count, streamCount, session.failures());
  }

  private void measurePairs(
      List<HttpConnection> sending, List<HttpConnection> receiving, int run, double health)
      throws InterruptedException {
    Session session = streams.session();
    var pairs =
        new StreamPairs(sending, receiving, streams.encoder(), streamCount, session.failures());
    pairs.start();
    session.hold(streams.options().warmupOf(run));
    pairs.takeSendLatencies();
    pairs.takeDeliveryLatencies();
    long sentBefore = pairs.sent();
    long receivedBefore = pairs.received();
    long inVainBefore = pairs.waitedInVain();
    long startNs = Stamp.nowNs();
    CpuUse cpu = session.cpuUse();
    session.hold(streams.options().duration());
    double seconds = (Stamp.nowNs() - startNs) / 1e9;
    double sent = (pairs.sent() - sentBefore) / seconds;
    double received = (pairs.received() - receivedBefore) / seconds;
    long inVain = pairs.waitedInVain() - inVainBefore;
    Histogram sends = pairs.takeSendLatencies();
    Histogram deliveries = pairs.takeDeliveryLatencies();
    cpu.stop();
    pairs.stop();
    streams.await(pairs.done(), pairs::received, pairs::shortfall);

    String scenario =
        "pairs, %d senders, %d receivers, %d streams".formatted(senders, receivers, streamCount);
    double rate = sent + received;
    Report report = session.report();
    report.add(
        scenario, "sent and received", "calls/s", rate, Goal.atLeast(">= 30,000", GOAL_RATE));
    report.add(scenario, "sent", "messages/s", sent);
    report.add(scenario, "received", "messages/s", received);
    report.add(scenario, "share of GET /health", "ratio", rate / health);
    report.add(scenario, "receives that waited in vain", "1", (double) inVain);
    streams.report().addLatencies(scenario, "send", sends);
    streams.report().addLatencies(scenario, "send to receive", deliveries);
    cpu.addTo(report, scenario);
    session.progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
  }
}
