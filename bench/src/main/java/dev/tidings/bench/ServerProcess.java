// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.bench.load.BenchException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The measured server seen as a process of this machine: its memory, CPU time and limits.
record ServerProcess(long pid) {
  /// Resident memory of the process, and the used part of its heap.
  record Memory(long residentBytes, long heapBytes) {}

  private static final Pattern USED = Pattern.compile("used (\\d+)K");
  private static final int JCMD_TIMEOUT_S = 60;

  /// Memory after full collections. Two: the first only finds what reference handlers then let go.
  Memory memoryAfterFullCollection() throws InterruptedException {
    jcmd("GC.run");
    jcmd("GC.run");
    Matcher used = USED.matcher(jcmd("GC.heap_info"));
    if (!used.find()) {
      throw new BenchException(
          "jcmd " + pid + " GC.heap_info does not tell the used heap (expected: a HotSpot JVM)");
    }
    return new Memory(residentBytes(), Long.parseLong(used.group(1)) * 1024);
  }

  Duration cpuTime() {
    return ProcessHandle.of(pid)
        .flatMap(process -> process.info().totalCpuDuration())
        .orElse(Duration.ZERO);
  }

  /// Resident memory now, garbage included.
  long residentBytes() {
    long kib =
        Machine.kib(Machine.valueOf(Path.of("/proc", Long.toString(pid), "status"), "VmRSS"));
    if (kib == 0) {
      throw new BenchException(
          "cannot read the resident memory of process "
              + pid
              + " (expected: Linux, and a running process of this user)");
    }
    return kib * 1024;
  }

  private String jcmd(String command) throws InterruptedException {
    String binary = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    try {
      Process jcmd =
          new ProcessBuilder(binary, Long.toString(pid), command).redirectErrorStream(true).start();
      String output = new String(jcmd.getInputStream().readAllBytes(), UTF_8);
      if (!jcmd.waitFor(JCMD_TIMEOUT_S, TimeUnit.SECONDS) || jcmd.exitValue() != 0) {
        throw new BenchException(
            "jcmd "
                + pid
                + " "
                + command
                + " failed (expected: a running JVM of this user): "
                + output);
      }
      return output;
    } catch (IOException e) {
      throw new BenchException(
          "cannot run " + binary + " (expected: a JDK, not only a runtime): " + e, e);
    }
  }
}
