// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import java.nio.file.Path;

/// Makes sure that sockets do not run out of file descriptors halfway.
final class OpenFiles {
  private static final int SPARE = 300;

  private OpenFiles() {}

  /// Checks the limit of a process, `self` or a number; says nothing where the limit cannot be
  /// read.
  static void require(String process, int sockets) {
    check(process, Machine.valueOf(Path.of("/proc", process, "limits"), "Max open files"), sockets);
  }

  static void check(String process, String limits, int sockets) {
    String[] words = limits.replace("Max open files", "").trim().split("\\s+", -1);
    if (words[0].equals("unlimited") || !words[0].chars().allMatch(Character::isDigit)) {
      return;
    }
    long limit = Long.parseLong(words[0]);
    if (limit < sockets + SPARE) {
      throw new BenchException(
          "open files of process %s: %d (expected: >= %d for %d sockets). Raise it with `ulimit -n %d` in the shell that starts it, or lower the number of sockets."
              .formatted(process, limit, sockets + SPARE, sockets, sockets + SPARE));
    }
  }
}
