// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.wire.Answers;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Summary;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/// Requests, their sizes and how long they took, under the names that the instrumentator of
/// pulsar-relay v0.1.0 gives them.
final class HttpMetrics implements Answers.Counts {
  private static final double NS_PER_SECOND = 1e9;
  private static final int STATUS_CLASSES = 6;

  private final TimeSource time;
  private final RelayMetrics relay;
  private final ConcurrentMap<String, Points> points = new ConcurrentHashMap<>();
  private final Counter requests;
  private final Summary requestSize;
  private final Summary responseSize;
  private final Histogram duration;
  private final Histogram fineDuration;

  HttpMetrics(PrometheusRegistry registry, TimeSource time, RelayMetrics relay) {
    this.time = time;
    this.relay = relay;
    requests =
        Counter.builder()
            .name("http_requests_total")
            .help("Requests answered, by path template, method and class of status")
            .labelNames("handler", "method", "status")
            .register(registry);
    requestSize =
        Summary.builder()
            .name("http_request_size_bytes")
            .help("Bytes of the bodies of requests")
            .labelNames("handler")
            .register(registry);
    responseSize =
        Summary.builder()
            .name("http_response_size_bytes")
            .help("Bytes of the bodies of answers")
            .labelNames("handler")
            .register(registry);
    duration =
        Histogram.builder()
            .name("http_request_duration_seconds")
            .help("Time from the head of a request to its answer, in few buckets")
            .labelNames("handler", "method")
            .classicOnly()
            .classicUpperBounds(0.1, 0.5, 1)
            .register(registry);
    fineDuration =
        Histogram.builder()
            .name("http_request_duration_highr_seconds")
            .help("Time from the head of a request to its answer, in many buckets, of all requests")
            .classicOnly()
            .classicUpperBounds(
                0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5,
                7.5, 10, 30, 60)
            .register(registry);
  }

  @Override
  public Answers answers(String handler, String method) {
    return points.computeIfAbsent(handler + " " + method, _ -> new Points(handler, method));
  }

  /// The answers to one kind of request.
  private final class Points implements Answers {
    private final CounterDataPoint[] byStatus = new CounterDataPoint[STATUS_CLASSES];
    private final DistributionDataPoint requestBytes;
    private final DistributionDataPoint responseBytes;
    private final DistributionDataPoint seconds;

    private Points(String handler, String method) {
      for (int i = 1; i < byStatus.length; i++) {
        byStatus[i] = requests.labelValues(handler, method, i + "xx");
      }
      requestBytes = requestSize.labelValues(handler);
      responseBytes = responseSize.labelValues(handler);
      seconds = duration.labelValues(handler, method);
    }

    @Override
    public long now() {
      return time.monotonicNs();
    }

    @Override
    public void sent(int status, long sinceNs, long received, long sent) {
      byStatus[Math.min(STATUS_CLASSES - 1, status / 100)].inc();
      requestBytes.observe((double) received);
      responseBytes.observe((double) sent);
      double took = (time.monotonicNs() - sinceNs) / NS_PER_SECOND;
      seconds.observe(took);
      fineDuration.observe(took);
      if (status >= 400) {
        relay.failedRequest(status);
      }
    }
  }
}
