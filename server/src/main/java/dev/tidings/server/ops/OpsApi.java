// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;

/// Health, readiness and metrics; none needs a token.
public final class OpsApi {
  private static final String METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final Node node;
  private final Metrics metrics;
  private final TimeSource time;

  /// The operator's view of `node`.
  public OpsApi(Node node, Metrics metrics, TimeSource time) {
    this.node = node;
    this.metrics = metrics;
    this.time = time;
  }

  /// Adds its routes.
  public void route(Routes routes) {
    routes.add(HttpMethod.GET, "/health", this::health);
    routes.add(HttpMethod.GET, "/ready", this::ready);
    routes.add(HttpMethod.GET, "/metrics", this::metrics);
  }

  /// The process answers (API of pulsar-relay v0.1.0).
  private void health(Call call) {
    call.json(
        200,
        new JsonOut(96)
            .raw("{\"status\":\"healthy\",\"timestamp\":\"")
            .raw(call.loop().timestamps().format(time.wallMs()))
            .raw("Z\",\"version\":\"")
            .raw(Build.release())
            .raw("\"}"));
  }

  /// It takes durable commands: 503 while its store does not take writes. Why is in the log: this
  /// answers anybody, and the reason may name files.
  private void ready(Call call) {
    CommitLane.Status status = node.lane().status();
    call.json(
        status.accepting() ? 200 : 503,
        new JsonOut(96)
            .raw("{\"ready\":")
            .bool(status.accepting())
            .raw(",\"checks\":{\"storage\":")
            .string(status.accepting() ? "ok" : "the store takes no writes now")
            .raw("}}"));
  }

  /// The figures, gathered on another thread: some look at the disk.
  private void metrics(Call call) {
    call.loop()
        .context()
        .executeBlocking(metrics::scrape)
        .onSuccess(text -> call.guarded(() -> call.send(200, METRICS_TYPE, Buffer.buffer(text))))
        .onFailure(fault -> call.failed(new IllegalStateException("no metrics", fault)));
  }
}
