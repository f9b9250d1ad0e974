// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.EachOnce;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Stamp;
import dev.tidings.bench.load.StreamReplay;
import dev.tidings.bench.load.StreamRequests;
import java.util.List;

/// How fast messages are stored in streams, and read from them afterwards.
final class StoredMeasurement {
  private static final int WARMUP_MESSAGES = 2000;

  private final StreamsSession streams;
  private final int senders;
  private final int streamCount;
  private final int messages;
  private final int batch;

  StoredMeasurement(StreamsSession streams, int senders, int streamCount, int messages, int batch) {
    this.streams = streams;
    this.senders = senders;
    this.streamCount = streamCount;
    this.messages = messages;
    this.batch = batch;
  }

  void measure() throws InterruptedException {
    warmUp();
    for (int run = 0; run < streams.options().runs(); run++) {
      Session session = streams.session();
      session.measureDiskSync();
      StreamRequests encoder = streams.encoder();
      String scenario =
          "stored, %d senders, %d streams of %,d messages"
              .formatted(senders, streamCount, messages / streamCount);
      CpuUse sendingCpu = session.cpuUse();
      EachOnce sends = send(encoder, messages);
      sendingCpu.stop();
      Report report = session.report();
      report.add(scenario, "sent", "messages/s", sends.perSecond());
      streams.report().addLatencies(scenario, "send", sends.takeLatencies());
      sendingCpu.addTo(report, scenario);

      String replayed = "replay of " + batch + ", " + streamCount + " streams";
      CpuUse replayCpu = session.cpuUse();
      StreamReplay replay = replay(encoder, messages);
      replayCpu.stop();
      report.add(replayed, "read", "messages/s", replay.perSecond());
      streams.report().addLatencies(replayed, "receive", replay.takeLatencies());
      replayCpu.addTo(report, replayed);
      session
          .progress()
          .step(
              "%s: run %d, %,.0f/s; replay %,.0f/s"
                  .formatted(scenario, run + 1, sends.perSecond(), replay.perSecond()));
      delete(encoder);
    }
  }

  private EachOnce send(StreamRequests encoder, int count) throws InterruptedException {
    List<HttpConnection> open = streams.connect(senders);
    var sends =
        EachOnce.sends(
            open,
            encoder,
            StreamRequests.Keeping.STORED,
            count,
            number -> number % streamCount,
            streams.session().failures());
    streams.finish(sends);
    HttpConnection.closeAll(open);
    return sends;
  }

  private StreamReplay replay(StreamRequests encoder, int count) throws InterruptedException {
    List<HttpConnection> open = streams.connect(streamCount);
    var replay = new StreamReplay(open, encoder, batch, count, streams.session().failures());
    replay.start();
    streams.await(replay.done(), replay::read, replay::shortfall);
    HttpConnection.closeAll(open);
    return replay;
  }

  private void warmUp() throws InterruptedException {
    long endNs = Stamp.nowNs() + streams.options().warmup().toNanos();
    while (Stamp.nowNs() < endNs) {
      StreamRequests encoder = streams.encoder();
      send(encoder, WARMUP_MESSAGES);
      replay(encoder, WARMUP_MESSAGES);
      delete(encoder);
    }
  }

  /// From a server that stays; what an own server has goes with it.
  private void delete(StreamRequests encoder) throws InterruptedException {
    if (streams.options().url().isEmpty()) {
      return;
    }
    int left = 0;
    for (int i = 0; i < streamCount; i++) {
      left += streams.api().delete(encoder.stream(i)) ? 0 : 1;
    }
    if (left > 0) {
      streams
          .report()
          .note(
              "%d streams named %s* stay on the server for an hour: it did not answer 204 to their DELETE."
                  .formatted(left, streams.session().namePrefix()));
    }
  }
}
