// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import com.sun.management.UnixOperatingSystemMXBean;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.core.metrics.SummaryWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Quantiles;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ClassLoadingMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/// The Java machine and the process, under the names that Prometheus' own library for Java uses.
final class JvmFigures {
  private static final double MS_PER_SECOND = 1e3;
  private static final double NS_PER_SECOND = 1e9;
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final double BYTES_PER_KB = 1024;

  private final PrometheusRegistry registry;
  private final Gauges gauges;

  private JvmFigures(PrometheusRegistry registry) {
    this.registry = registry;
    this.gauges = new Gauges(registry);
  }

  static void register(PrometheusRegistry registry) {
    JvmFigures figures = new JvmFigures(registry);
    figures.memory();
    figures.collectors();
    figures.threadsAndClasses();
    figures.process();
    Info.builder()
        .name("jvm_runtime_info")
        .help("The Java machine")
        .labelNames("version", "vendor", "runtime")
        .register(registry)
        .addLabelValues(
            property("java.runtime.version"),
            property("java.vm.vendor"),
            property("java.runtime.name"));
  }

  private static String property(String name) {
    return System.getProperty(name, "unknown");
  }

  // ---- memory ----

  private void memory() {
    area("jvm_memory_used_bytes", "Memory in use", MemoryUsage::getUsed);
    area(
        "jvm_memory_committed_bytes", "Memory the process holds for it", MemoryUsage::getCommitted);
    area("jvm_memory_max_bytes", "Its bound; -1 if there is none", MemoryUsage::getMax);
    pool("jvm_memory_pool_used_bytes", "Memory in use, by pool", MemoryUsage::getUsed);
    pool(
        "jvm_memory_pool_max_bytes", "Bound of the pool; -1 if there is none", MemoryUsage::getMax);
    buffers(
        "jvm_buffer_pool_used_bytes",
        "Memory outside of the heap",
        BufferPoolMXBean::getMemoryUsed);
    buffers(
        "jvm_buffer_pool_capacity_bytes",
        "Capacity of buffers outside of the heap",
        BufferPoolMXBean::getTotalCapacity);
    buffers(
        "jvm_buffer_pool_used_buffers", "Buffers outside of the heap", BufferPoolMXBean::getCount);
  }

  private void area(String name, String help, ToDoubleFunction<MemoryUsage> value) {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames("area")
        .callback(callback -> {
          callback.call(value.applyAsDouble(memory.getHeapMemoryUsage()), "heap");
          callback.call(value.applyAsDouble(memory.getNonHeapMemoryUsage()), "nonheap");
        })
        .register(registry);
  }

  private void pool(String name, String help, ToDoubleFunction<MemoryUsage> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames("pool")
        .callback(callback -> {
          for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            callback.call(value.applyAsDouble(pool.getUsage()), pool.getName());
          }
        })
        .register(registry);
  }

  private void buffers(String name, String help, ToDoubleFunction<BufferPoolMXBean> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames("pool")
        .callback(callback -> {
          for (BufferPoolMXBean pool :
              ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            callback.call(value.applyAsDouble(pool), pool.getName());
          }
        })
        .register(registry);
  }

  private void collectors() {
    SummaryWithCallback.builder()
        .name("jvm_gc_collection_seconds")
        .help("Time spent in garbage collections, and their number")
        .labelNames("gc")
        .callback(callback -> {
          for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            callback.call(
                collector.getCollectionCount(),
                collector.getCollectionTime() / MS_PER_SECOND,
                Quantiles.EMPTY,
                collector.getName());
          }
        })
        .register(registry);
  }

  // ---- threads and classes ----

  private void threadsAndClasses() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    gauges.add("jvm_threads_current", "Threads", threads::getThreadCount);
    gauges.add("jvm_threads_daemon", "Daemon threads", threads::getDaemonThreadCount);
    gauges.add("jvm_threads_peak", "Most threads there ever were", threads::getPeakThreadCount);
    ClassLoadingMXBean classes = ManagementFactory.getClassLoadingMXBean();
    gauges.add("jvm_classes_currently_loaded", "Classes loaded", classes::getLoadedClassCount);
  }

  // ---- the process ----

  private void process() {
    gauges.add(
        "process_start_time_seconds",
        "When the process started, since 1970",
        () -> ManagementFactory.getRuntimeMXBean().getStartTime() / MS_PER_SECOND);
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix) {
      CounterWithCallback.builder()
          .name("process_cpu_seconds_total")
          .help("Processor time used")
          .callback(callback -> callback.call(unix.getProcessCpuTime() / NS_PER_SECOND))
          .register(registry);
      gauges.add("process_open_fds", "Open files and sockets", unix::getOpenFileDescriptorCount);
      gauges.add("process_max_fds", "Their bound", unix::getMaxFileDescriptorCount);
    }
    if (Files.isReadable(STATUS)) {
      GaugeWithCallback.builder()
          .name("process_resident_memory_bytes")
          .help("Resident memory")
          .callback(callback -> residentBytes().ifPresent(callback::call))
          .register(registry);
    }
  }

  private static Optional<Double> residentBytes() {
    try (Stream<String> lines = Files.lines(STATUS)) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * BYTES_PER_KB)
          .findFirst();
    } catch (IOException _) {
      // Not told by this system after all: then there is no such figure.
      return Optional.empty();
    }
  }
}
