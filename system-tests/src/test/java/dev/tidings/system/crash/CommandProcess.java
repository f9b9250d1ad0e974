// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A `tidings` command in a process of its own, without settings from the environment.
///
/// @param process the process
/// @param output the file its output goes to
/// @param errors the file its error output goes to
record CommandProcess(Process process, Path output, Path errors) {

  /// How a command ended.
  record Ended(int code, String output, String errors) {
    Ended expect(int expected) {
      assertThat(code).as("exit code; it printed: %s%s", output, errors).isEqualTo(expected);
      return this;
    }
  }

  /// Starts one in `folder`, where there is no configuration file.
  static CommandProcess start(Path folder, Object... command) {
    var words = new ArrayList<String>();
    for (Object word : command) {
      words.add(word.toString());
    }
    try {
      Path output = Files.createTempFile(folder, "command-", ".out");
      Path errors = Files.createTempFile(folder, "command-", ".err");
      var builder =
          new ProcessBuilder(ServerProcess.java(List.of("-Xmx128m"), "dev.tidings.app.Main", words))
              .directory(folder.toFile())
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile());
      builder.environment().keySet().removeIf(key -> key.startsWith("TIDINGS_"));
      return new CommandProcess(builder.start(), output, errors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Runs one to its end.
  static Ended run(Path folder, Object... command) {
    return start(folder, command).await();
  }

  Ended await() {
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the command did not end within 60 s");
      }
      return new Ended(
          process.exitValue(), Files.readString(output, UTF_8), Files.readString(errors, UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// SIGKILL.
  void kill9() {
    process.destroyForcibly();
    await();
  }
}
