// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.Supplier;

/// Adds gauges without labels to a registry.
///
/// @param registry that shows them
record Gauges(PrometheusRegistry registry) {
  /// A gauge that is read when it is asked for; any thread.
  void add(String name, String help, Supplier<? extends Number> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.get().doubleValue()))
        .register(registry);
  }
}
