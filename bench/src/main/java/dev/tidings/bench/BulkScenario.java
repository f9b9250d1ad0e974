// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Requests;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Bulk publishes over HTTP.
@Command(
    name = "bulk",
    footerHeading = "%nExamples:%n",
    footer = {"  tidings bench bulk --connections 16 --topics 1,10"},
    description = {
      "Bulk publishes with a token: POST /api/v1/messages/bulk, each connection with one outstanding.",
      "Every message must be accepted. Target: 150,000 messages/s, 100 a request, durable."
    })
final class BulkScenario extends Scenario {
  private static final int MAX_BATCH = 100;

  @Option(
      names = "--connections",
      split = ",",
      paramLabel = "N",
      description = "Connections, each number is measured. Default: 16")
  private List<Integer> connections = List.of(16);

  @Option(
      names = "--topics",
      split = ",",
      paramLabel = "N",
      description =
          "Topics the messages of a request go to in turn, each number is measured. Default: 1,10")
  private List<Integer> topics = List.of(1, 10);

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Messages in a request, at most 100. Default: ${DEFAULT-VALUE}")
  private int batch = MAX_BATCH;

  @Option(
      names = "--payload-bytes",
      paramLabel = "BYTES",
      description = "Size of a payload, at least 64. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 256;

  @Override
  Duration plannedTime() {
    Duration each = timesRuns(options().duration().plus(RUN_UP)).plus(options().warmup());
    return each.multipliedBy((long) connections.size() * topics.size());
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    if (batch < 1 || batch > MAX_BATCH) {
      throw new BenchException("batch: " + batch + " (expected: 1 to " + MAX_BATCH + ")");
    }
    try (Session session = Session.open(options(), report, progress)) {
      for (int count : connections) {
        for (int topicCount : topics) {
          measure(session, count, topicCount);
        }
      }
    }
  }

  private void measure(Session session, int count, int topicCount) throws InterruptedException {
    String scenario = "bulk of %d, %d connections, %d topics".formatted(batch, count, topicCount);
    var encoder = new Requests(session.endpoint(), session.token(), payloadBytes);
    var load = PublishLoad.bulk(encoder, session.newTopics(topicCount), batch, count);
    var open = HttpConnection.open(session.loops(), session.endpoint(), count, session.failures());
    Report report = session.report();
    for (int run = 0; run < options().runs(); run++) {
      session.measureDiskSync();
      var result = ClosedLoopRun.measure(session, open, load, run);
      double rate = result.answersPerSecond() * batch;
      if (options().durable() && !options().onDatabase()) {
        report.add(scenario, "published", "messages/s", rate, Goal.atLeast(">= 150,000", 150_000));
      } else {
        report.add(scenario, "published", "messages/s", rate);
      }
      report.add(scenario, "requests", "1/s", result.answersPerSecond());
      result.addLatenciesAndCpu(session.report(), scenario);
      session.progress().step("%s: run %d, %,.0f messages/s".formatted(scenario, run + 1, rate));
    }
    HttpConnection.closeAll(open);
  }
}
