// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Requests;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Single publishes over HTTP, next to what `GET /health` and the disk allow.
@Command(
    name = "publish",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings bench publish --url http://127.0.0.1:8080 --user admin --password tidings-dev"
    },
    description = {
      "Single publishes with a token: POST /api/v1/messages, each connection with one outstanding.",
      "Every run also measures GET /health on the same connections, and the disk's fdatasync just before.",
      "Target: half of GET /health, or connections / (2 x fdatasync p50) if that is less."
    })
final class PublishScenario extends Scenario {
  @Option(
      names = "--connections",
      split = ",",
      paramLabel = "N",
      description = "Connections, each number is measured. Default: 64,256")
  private List<Integer> connections = List.of(64, 256);

  @Option(
      names = "--topics",
      split = ",",
      paramLabel = "N",
      description = "Topics the messages go to in turn, each number is measured. Default: 1,100")
  private List<Integer> topics = List.of(1, 100);

  @Option(
      names = "--payload-bytes",
      paramLabel = "BYTES",
      description = "Size of a payload, at least 64. Default: ${DEFAULT-VALUE}")
  private int payloadBytes = 256;

  @Override
  Duration plannedTime() {
    Duration loads = options().duration().plus(RUN_UP).multipliedBy(1 + topics.size());
    Duration warmups = options().warmup().multipliedBy(1 + topics.size());
    return timesRuns(loads).plus(warmups).multipliedBy(connections.size());
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    try (Session session = Session.open(options(), report, progress)) {
      for (int count : connections) {
        measure(session, count);
      }
    }
  }

  private void measure(Session session, int count) throws InterruptedException {
    var encoder = new Requests(session.endpoint(), session.token(), payloadBytes);
    Map<Integer, PublishLoad> loads = new LinkedHashMap<>();
    for (int topicCount : topics) {
      loads.put(topicCount, PublishLoad.single(encoder, session.newTopics(topicCount), count));
    }
    var open =
        new ArrayList<>(
            HttpConnection.open(session.loops(), session.endpoint(), count, session.failures()));
    for (int run = 0; run < options().runs(); run++) {
      Optional<DiskSync> sync = session.measureDiskSync();
      double healthRate = HealthLoad.measure(session, open, run);
      for (var load : loads.entrySet()) {
        measurePublish(session, open, load.getKey(), load.getValue(), run, healthRate, sync);
      }
    }
    HttpConnection.closeAll(open);
  }

  private void measurePublish(
      Session session,
      List<HttpConnection> open,
      int topicCount,
      PublishLoad load,
      int run,
      double healthRate,
      Optional<DiskSync> sync)
      throws InterruptedException {
    String scenario = "publish, %d connections, %d topics".formatted(open.size(), topicCount);
    var result = ClosedLoopRun.measure(session, open, load, run);
    double rate = result.answersPerSecond();
    double diskAllows =
        sync.map(it -> open.size() / (2 * it.p50Ms() / 1000)).orElse(Double.MAX_VALUE);
    Report report = session.report();
    String health = "share of GET /health";
    if (options().onDatabase()) {
      report.add(scenario, "published", "messages/s", rate, Goal.atLeast(">= 15,000", 15_000));
      report.add(scenario, health, "ratio", rate / healthRate);
    } else {
      if (options().durable()) {
        report.add(scenario, "published", "messages/s", rate, Goal.atLeast(">= 38,000", 38_000));
      } else {
        report.add(scenario, "published", "messages/s", rate);
      }
      report.add(
          scenario,
          health,
          "ratio",
          rate / healthRate,
          Goal.atLeast(">= 0.5, or what the disk allows", Math.min(0.5, diskAllows / healthRate)));
    }
    result.addLatenciesAndCpu(session.report(), scenario);
    session.progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
  }
}
