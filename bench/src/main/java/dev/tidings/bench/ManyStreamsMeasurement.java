// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.EachOnce;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Stamp;
import dev.tidings.bench.load.StreamRequests;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a stream with one message costs the server, and whether it is freed when the message is
/// received.
final class ManyStreamsMeasurement {
  private static final int WARMUP_STREAMS = 1000;
  private static final double GOAL_BYTES = 500;
  private static final int GOAL_PAYLOAD_BYTES = 100;

  /// A tenth of [#GOAL_BYTES]: tables that have grown may stay.
  private static final double GOAL_BYTES_FREED = 50;

  /// What a server may need for a stream, its message aside, before it refuses more.
  private static final long ALLOWED_BYTES = 1000;

  private static final long LEAST_STREAMS_SIZE = 256L << 20;
  private static final int DEFAULT_LIMIT = 2_000_000;
  private static final Duration POLL = Duration.ofMillis(250);

  /// How long ids are remembered, and a stream kept for them, by default.
  static final Duration DEDUPLICATION_WINDOW = Duration.ofSeconds(60);

  /// How much later than it may a stream may be freed.
  private static final Duration SLACK = Duration.ofSeconds(30);

  private final StreamsSession streams;
  private final int count;
  private final int senders;
  private final int receivers;
  private final Duration idleTime;
  private final Duration settle;

  ManyStreamsMeasurement(
      StreamsSession streams,
      int count,
      int senders,
      int receivers,
      Duration idleTime,
      Duration settle) {
    this.streams = streams;
    this.count = count;
    this.senders = senders;
    this.receivers = receivers;
    this.idleTime = idleTime;
    this.settle = settle;
  }

  /// What a server of its own needs so that it neither refuses the streams nor keeps them.
  static Map<String, String> config(int count, int payloadBytes, Duration idleTime) {
    long size = Math.max(LEAST_STREAMS_SIZE, count * (ALLOWED_BYTES + payloadBytes));
    var config = new HashMap<String, String>();
    config.put("memory.streams-size", Long.toString(size));
    config.put("streams.idle-time", idleTime.toMillis() + "ms");
    int all = count + WARMUP_STREAMS;
    if (all > DEFAULT_LIMIT) {
      config.put("streams.limit", Integer.toString(all));
      config.put("streams.limit-per-user", Integer.toString(all));
    }
    return config;
  }

  void measure(int run, int payloadBytes) throws InterruptedException {
    Session session = streams.session();
    ServerProcess server = streams.server();
    StreamRequests encoder = streams.encoder();
    // Before the work: whoever may not list streams is told at once.
    streams.api().hasStreams(encoder.prefix());
    warmUp();
    session.hold(settle);
    ServerProcess.Memory before = server.memoryAfterFullCollection();

    String scenario = "many, %,d streams".formatted(count);
    send(scenario, encoder);
    session.hold(settle);
    ServerProcess.Memory full = server.memoryAfterFullCollection();
    receive(scenario, encoder);
    Optional<Duration> freedAfter = awaitFreed(encoder.prefix());
    session.hold(settle);
    ServerProcess.Memory freed = server.memoryAfterFullCollection();

    double heap = (double) (full.heapBytes() - before.heapBytes()) / count;
    double resident = (double) (full.residentBytes() - before.residentBytes()) / count;
    double left = (double) (freed.heapBytes() - before.heapBytes()) / count;
    Report report = session.report();
    if (payloadBytes == GOAL_PAYLOAD_BYTES) {
      report.add(scenario, "heap each", "bytes", heap, Goal.atMost("<= 500", GOAL_BYTES));
    } else {
      report.add(scenario, "heap each", "bytes", heap);
    }
    report.add(
        scenario, "heap each when freed", "bytes", left, Goal.atMost("<= 50", GOAL_BYTES_FREED));
    freedAfter.ifPresent(it -> report.add(scenario, "freed after", "s", it.toMillis() / 1000.0));
    report.add(scenario, "resident memory each", "bytes", resident);
    report.add(scenario, "heap with none", "MiB", before.heapBytes() / 1048576.0);
    session.progress().step("%s: run %d, %,.0f bytes each".formatted(scenario, run + 1, heap));
  }

  private void send(String scenario, StreamRequests encoder) throws InterruptedException {
    EachOnce sends = sends(encoder, count);
    streams.report().add(scenario, "sent", "messages/s", sends.perSecond());
    streams.report().addLatencies(scenario, "send", sends.takeLatencies());
  }

  private void receive(String scenario, StreamRequests encoder) throws InterruptedException {
    EachOnce receives = receives(encoder, count);
    streams.report().add(scenario, "received", "messages/s", receives.perSecond());
    streams.report().addLatencies(scenario, "receive", receives.takeLatencies());
  }

  /// Connections are opened for each load: a server may close those that rest.
  private EachOnce sends(StreamRequests encoder, int calls) throws InterruptedException {
    List<HttpConnection> open = streams.connect(senders);
    var sends =
        EachOnce.sends(
            open,
            encoder,
            StreamRequests.Keeping.CIRCULAR,
            calls,
            number -> number,
            streams.session().failures());
    streams.finish(sends);
    HttpConnection.closeAll(open);
    return sends;
  }

  private EachOnce receives(StreamRequests encoder, int calls) throws InterruptedException {
    List<HttpConnection> open = streams.connect(receivers);
    var receives = EachOnce.receives(open, encoder, calls, streams.session().failures());
    streams.finish(receives);
    HttpConnection.closeAll(open);
    return receives;
  }

  /// Some streams are filled and emptied before it counts, so that code and pools are there.
  private void warmUp() throws InterruptedException {
    long endNs = Stamp.nowNs() + streams.options().warmup().toNanos();
    if (!streams.options().warmup().isZero()) {
      streams.session().progress().step("warm-up");
    }
    while (Stamp.nowNs() < endNs) {
      StreamRequests encoder = streams.encoder();
      sends(encoder, WARMUP_STREAMS);
      receives(encoder, WARMUP_STREAMS);
    }
    // What is freed later would be taken off what the others cost.
    var _ = awaitFreed(streams.session().namePrefix());
  }

  /// Waits until no stream is listed any more, and tells how long that took; empty, with a note, if
  /// it takes too long.
  private Optional<Duration> awaitFreed(String prefix) throws InterruptedException {
    long startNs = Stamp.nowNs();
    Duration limit = idleTime.plus(DEDUPLICATION_WINDOW).plus(SLACK);
    long endNs = startNs + limit.toNanos();
    while (streams.api().hasStreams(prefix)) {
      if (Stamp.nowNs() > endNs) {
        streams
            .report()
            .note(
                "Streams named %s* were still listed %d s after their last message was received (expected: none)."
                    .formatted(prefix, limit.toSeconds()));
        return Optional.empty();
      }
      streams.session().hold(POLL);
    }
    return Optional.of(Duration.ofNanos(Stamp.nowNs() - startNs));
  }
}
