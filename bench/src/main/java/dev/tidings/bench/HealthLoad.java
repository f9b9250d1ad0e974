// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ClosedLoop;
import dev.tidings.bench.load.Endpoint;
import dev.tidings.bench.load.Requests;
import io.netty.buffer.ByteBuf;

/// Asks for `GET /health`: the most requests this machine, this server's HTTP and this generator
/// can do together.
final class HealthLoad implements ClosedLoop.Load {
  private final ByteBuf request;

  HealthLoad(Endpoint endpoint) {
    request = Requests.get(endpoint, "/health");
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
