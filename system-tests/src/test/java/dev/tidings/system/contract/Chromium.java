// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A headless Chromium that shows one page until it is closed.
final class Chromium implements AutoCloseable {
  private static final List<String> PROGRAMS =
      List.of("chromium", "chromium-browser", "google-chrome");

  private final Process process;

  private Chromium(Process process) {
    this.process = process;
  }

  private static Optional<Path> find() {
    String named = System.getenv("CHROMIUM");
    if (named != null && !named.isBlank()) {
      return Optional.of(Path.of(named));
    }
    List<String> folders = List.of(System.getenv("PATH").split(File.pathSeparator, -1));
    return PROGRAMS.stream()
        .flatMap(program -> folders.stream().map(folder -> Path.of(folder, program)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /// Skips the test if there is no Chromium; fails it if `TIDINGS_REQUIRE_CHROMIUM` is 1.
  private static Path required() {
    Optional<Path> found = find();
    if (found.isEmpty()) {
      String message =
          "no Chromium (expected: the variable CHROMIUM, or one of " + PROGRAMS + " on PATH)";
      if ("1".equals(System.getenv("TIDINGS_REQUIRE_CHROMIUM"))) {
        fail(message);
      }
      abort(message);
    }
    return found.orElseThrow();
  }

  /// Opens a page.
  ///
  /// @param folder where it may leave its profile and what it prints
  static Chromium open(Path folder, String url) {
    Path program = required();
    try {
      return new Chromium(
          new ProcessBuilder(
                  program.toString(),
                  "--headless",
                  "--no-sandbox",
                  "--disable-gpu",
                  "--disable-dev-shm-usage",
                  "--no-first-run",
                  "--no-proxy-server",
                  "--disable-background-networking",
                  "--disable-component-update",
                  "--user-data-dir=" + folder.resolve("profile"),
                  url)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("chromium.log").toFile())
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Ends it and everything it started, so that its profile can be deleted.
  @Override
  public void close() {
    List<ProcessHandle> all =
        Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle one : all) {
      one.onExit().completeOnTimeout(one, 10, TimeUnit.SECONDS).join();
    }
  }
}
