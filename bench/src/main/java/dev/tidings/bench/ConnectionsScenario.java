// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.SocketGroup;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// What an idle WebSocket costs the server.
@Command(
    name = "connections",
    footerHeading = "%nExamples:%n",
    footer = {"  tidings bench connections --sockets 9000"},
    description = {
      "Memory of the server for each idle WebSocket, subscribed to one topic: resident memory with all of them open,",
      "less that with none, both after a full collection (jcmd GC.run). The heap's part is told beside it.",
      "A few hundred sockets are opened and closed first, so that code and pools are there before it counts.",
      "Each run takes a server of its own. With --url it needs --pid, and makes one run: memory once touched stays.",
      "Target: 12 KB each."
    })
final class ConnectionsScenario extends Scenario {
  private static final int NO_SAMPLES = Integer.MAX_VALUE;

  @Option(
      names = "--sockets",
      paramLabel = "N",
      description = "WebSockets. Default: ${DEFAULT-VALUE}")
  private int sockets = 9000;

  @Option(
      names = "--first",
      paramLabel = "N",
      description = "WebSockets opened and closed before it counts. Default: ${DEFAULT-VALUE}")
  private int first = 300;

  @Option(
      names = "--settle",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      defaultValue = "2s",
      description = "Rest before memory is read. Default: ${DEFAULT-VALUE}")
  private Duration settle = Duration.ofSeconds(2);

  @Override
  Duration plannedTime() {
    return settle.multipliedBy(2L * runs());
  }

  private int runs() {
    return options().url().isPresent() ? 1 : options().runs();
  }

  @Override
  void measure(Report report, Progress progress) throws InterruptedException {
    if (options().url().isPresent() && options().pid().isEmpty()) {
      throw new BenchException(
          "the memory of the server at "
              + options().url().get()
              + " cannot be measured: give --pid with its process id, if it runs on this machine");
    }
    OpenFiles.require("self", sockets);
    for (int run = 0; run < runs(); run++) {
      try (Session session = Session.open(options(), report, progress)) {
        measure(session, run);
      }
    }
  }

  private void measure(Session session, int run) throws InterruptedException {
    ServerProcess server = session.serverProcess().orElseThrow();
    OpenFiles.require(Long.toString(server.pid()), sockets);
    String topic = session.newTopics(1).getFirst();
    open(session, topic, first).close();
    session.hold(settle);
    ServerProcess.Memory before = server.memoryAfterFullCollection();
    try (SocketGroup group = open(session, topic, sockets)) {
      session.hold(settle);
      ServerProcess.Memory after = server.memoryAfterFullCollection();
      session.requireNoFailures();
      double resident = (double) (after.residentBytes() - before.residentBytes()) / group.size();
      double heap = (double) (after.heapBytes() - before.heapBytes()) / group.size();
      String scenario = "connections, %d sockets".formatted(sockets);
      Report report = session.report();
      report.add(
          scenario, "resident memory each", "bytes", resident, Goal.atMost("<= 12,288", 12_288));
      report.add(scenario, "heap each", "bytes", heap);
      report.add(scenario, "resident memory with none", "MiB", before.residentBytes() / 1048576.0);
      session
          .progress()
          .step("%s: run %d, %,.0f bytes each".formatted(scenario, run + 1, resident));
    }
  }

  private static SocketGroup open(Session session, String topic, int count)
      throws InterruptedException {
    return session.sockets().onTopic(topic, count, NO_SAMPLES);
  }
}
