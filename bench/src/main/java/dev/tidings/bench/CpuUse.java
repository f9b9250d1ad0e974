// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.time.Duration;
import java.util.Optional;

/// Processor time that server and generator use from some moment on; it tells which of the two a
/// figure is a limit of.
final class CpuUse {
  private final Optional<ServerProcess> server;
  private final Duration serverBefore;
  private final Duration generatorBefore;
  private final long startNs = System.nanoTime();
  private Used used = new Used(0, 0, 0);

  private record Used(long elapsedNs, long serverNs, long generatorNs) {
    private Used and(Used other) {
      return new Used(
          elapsedNs + other.elapsedNs, serverNs + other.serverNs, generatorNs + other.generatorNs);
    }
  }

  private CpuUse(Optional<ServerProcess> server) {
    this.server = server;
    this.serverBefore = serverTime();
    this.generatorBefore = generatorTime();
  }

  static CpuUse since(Optional<ServerProcess> server) {
    return new CpuUse(server);
  }

  /// Ends the measurement.
  CpuUse stop() {
    used =
        new Used(
            System.nanoTime() - startNs,
            serverTime().minus(serverBefore).toNanos(),
            generatorTime().minus(generatorBefore).toNanos());
    return this;
  }

  /// Both taken together, when both are stopped.
  CpuUse and(CpuUse other) {
    var both = new CpuUse(server);
    both.used = used.and(other.used);
    return both;
  }

  /// Adds the mean number of cores in use until [#stop].
  void addTo(Report report, String scenario) {
    double elapsedNs = Math.max(1, used.elapsedNs);
    if (server.isPresent()) {
      report.add(scenario, "CPU of the server", "cores", used.serverNs / elapsedNs);
    }
    report.add(scenario, "CPU of the generator", "cores", used.generatorNs / elapsedNs);
  }

  private Duration serverTime() {
    return server.map(ServerProcess::cpuTime).orElse(Duration.ZERO);
  }

  private static Duration generatorTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }
}
