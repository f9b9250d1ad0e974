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
  private double serverCores;
  private double generatorCores;

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
    double elapsedNs = System.nanoTime() - startNs;
    serverCores = serverTime().minus(serverBefore).toNanos() / elapsedNs;
    generatorCores = generatorTime().minus(generatorBefore).toNanos() / elapsedNs;
    return this;
  }

  /// Adds the mean number of cores in use until [#stop].
  void addTo(Report report, String scenario) {
    if (server.isPresent()) {
      report.add(scenario, "CPU of the server", "cores", serverCores);
    }
    report.add(scenario, "CPU of the generator", "cores", generatorCores);
  }

  private Duration serverTime() {
    return server.map(ServerProcess::cpuTime).orElse(Duration.ZERO);
  }

  private static Duration generatorTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }
}
