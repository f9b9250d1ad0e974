// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/// How long the disk takes to make a small append durable: 8 KiB, then fdatasync, one after the
/// other.
record DiskSync(double p50Ms, double p99Ms) {
  private static final int BYTES = 8 * 1024;
  private static final int SAMPLES = 1000;
  private static final long LIMIT_NS = TimeUnit.SECONDS.toNanos(1);

  static DiskSync measure(Path dir) {
    try {
      Path file = Files.createTempFile(dir, "bench-fdatasync", ".tmp");
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        return measure(channel);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new BenchException(
          "cannot measure fdatasync in " + dir + " (expected: a folder that can be written): " + e,
          e);
    }
  }

  private static DiskSync measure(FileChannel channel) throws IOException {
    var latencies = new Histogram(3);
    var block = ByteBuffer.allocateDirect(BYTES);
    long startNs = System.nanoTime();
    for (int i = 0; i < SAMPLES && System.nanoTime() - startNs < LIMIT_NS; i++) {
      block.clear();
      long beforeNs = System.nanoTime();
      while (block.hasRemaining()) {
        channel.write(block);
      }
      channel.force(false);
      latencies.recordValue(System.nanoTime() - beforeNs);
    }
    return new DiskSync(
        latencies.getValueAtPercentile(50) / 1e6, latencies.getValueAtPercentile(99) / 1e6);
  }
}
