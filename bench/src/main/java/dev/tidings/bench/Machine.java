// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/// The machine the figures come from.
record Machine(String cpu, int cores, long memoryMib, String kernel, String java, String date) {
  static Machine describe() {
    return new Machine(
        valueOf(Path.of("/proc/cpuinfo"), "model name"),
        Runtime.getRuntime().availableProcessors(),
        kib(valueOf(Path.of("/proc/meminfo"), "MemTotal")) / 1024,
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
  }

  String line() {
    return "%s, %d cores, %,d MiB, %s, %s, %s".formatted(cpu, cores, memoryMib, kernel, java, date);
  }

  /// The value of a `key: value` line of a file in /proc; `unknown` where there is none.
  static String valueOf(Path file, String key) {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).trim())
          .findFirst()
          .orElse("unknown");
    } catch (IOException notLinux) {
      return "unknown";
    }
  }

  /// Reads `1234 kB`; 0 if it is something else.
  static long kib(String value) {
    return value.endsWith(" kB")
        ? Long.parseLong(value.substring(0, value.length() - 3).trim())
        : 0;
  }
}
