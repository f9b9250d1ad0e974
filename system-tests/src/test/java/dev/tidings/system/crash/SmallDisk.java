// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;

/// A file system of 64 MiB in memory, which only the superuser of a Linux machine may make.
record SmallDisk(Path path) implements AutoCloseable {
  private static final long MIB = 1 << 20;

  static SmallDisk mount() throws IOException {
    Path path = ServerProcess.newDirectory();
    boolean mounted =
        ran("mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tidings-test", path.toString());
    if (!mounted) {
      Files.delete(path);
    }
    assumeTrue(mounted, "skipped: mounting a tmpfs needs root on Linux");
    return new SmallDisk(path);
  }

  private static boolean ran(String... command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException _) {
      return false; // No such program here.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  long free() {
    try {
      return Files.getFileStore(path).getUsableSpace();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path ballast() {
    return path.resolve("ballast");
  }

  /// Takes space until at most `left` bytes are free.
  void fill(long left) throws IOException {
    try (FileChannel file =
        FileChannel.open(ballast(), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (long over = free() - left; over > 0; over = free() - left) {
        ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(over, MIB));
        try {
          while (zeros.hasRemaining()) {
            file.write(zeros);
          }
        } catch (IOException e) {
          // Somebody else may have taken the rest since it was looked at.
          if (free() > left) {
            throw e;
          }
          return;
        }
      }
    }
  }

  void empty() throws IOException {
    Files.delete(ballast());
  }

  @Override
  public void close() throws IOException {
    if (!ran("umount", path.toString())) {
      fail("%s could not be unmounted; unmount it by hand", path);
    }
    Files.delete(path);
  }
}
