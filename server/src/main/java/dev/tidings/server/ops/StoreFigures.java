// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreFigure;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;

/// The figures of a store, as gauges: which ones there are, the store says.
final class StoreFigures implements MultiCollector {
  private final Store store;

  StoreFigures(Store store) {
    this.store = store;
  }

  @Override
  public MetricSnapshots collect() {
    MetricSnapshots.Builder gauges = MetricSnapshots.builder();
    for (StoreFigure figure : store.figures()) {
      gauges.metricSnapshot(
          GaugeSnapshot.builder()
              .name("tidings_store_" + figure.name())
              .help(figure.meaning())
              .dataPoint(
                  GaugeSnapshot.GaugeDataPointSnapshot.builder().value(figure.value()).build())
              .build());
    }
    return gauges.build();
  }
}
