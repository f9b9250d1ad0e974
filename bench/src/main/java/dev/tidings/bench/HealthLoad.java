// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.Endpoint;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Requests;
import io.netty.buffer.ByteBuf;
import java.util.List;

/// Asks for `GET /health`: the most requests this machine, this server's HTTP and this generator
/// can do together.
final class HealthLoad implements ClosedLoop.Load {
  private final ByteBuf request;

  HealthLoad(Endpoint endpoint) {
    request = Requests.get(endpoint, "/health");
  }

  /// Measures it on these connections, adds that to the report, and returns the answers a second.
  static double measure(Session session, List<HttpConnection> connections, int run)
      throws InterruptedException {
    String scenario = "GET /health, %d connections".formatted(connections.size());
    var load = new HealthLoad(session.endpoint());
    var result = ClosedLoopRun.measure(session, connections, load, run);
    double rate = result.answersPerSecond();
    session.report().add(scenario, "answers", "1/s", rate);
    result.addLatenciesAndCpu(session.report(), scenario);
    session.progress().step("%s: run %d, %,.0f/s".formatted(scenario, run + 1, rate));
    return rate;
  }

  @Override
  public String what() {
    return "GET /health";
  }

  @Override
  public int expectedStatus() {
    return 200;
  }

  @Override
  public ByteBuf next(int connection) {
    return request.retainedDuplicate();
  }
}
