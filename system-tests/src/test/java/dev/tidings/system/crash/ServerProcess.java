// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.store.sql.TestPostgres.Database;
import dev.tidings.system.TestStore;
import dev.tidings.system.TidingsJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A server in a process of its own that is killed and started again on the same data directory, as
/// often as a test likes. Its error output goes to a file under `target/system-tests`.
final class ServerProcess implements AutoCloseable {
  static final String ADMIN = "admin";
  static final String PASSWORD = "bootstrap-password";

  private static final Path WORK_DIR = TidingsJvm.workDir();
  private static final Pattern READY = Pattern.compile("tidings ready on (http://\\S+)");
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final Launch launch;
  private final Path errors;
  private volatile Optional<Process> process = Optional.empty();
  private volatile URI url = URI.create("http://not.started.invalid");

  /// How a server is started.
  ///
  /// @param dataDir its data directory; made if missing
  /// @param mainClass with the arguments that follow
  /// @param jvmFlags besides those every Tidings process has
  /// @param environment settings; a secret and an admin are always set
  record Launch(
      Path dataDir,
      String mainClass,
      List<String> arguments,
      List<String> jvmFlags,
      Map<String, String> environment) {

    /// `tidings serve` on this data directory.
    static Launch serve(Path dataDir) {
      return new Launch(
          dataDir,
          "dev.tidings.app.Main",
          List.of("serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", dataDir.toString()),
          List.of("-Xmx256m"),
          TestStore.environment(dataDir));
    }

    /// On this database instead.
    Launch on(Database database) {
      var all = new HashMap<>(environment);
      all.putAll(TestStore.environment(database));
      return new Launch(dataDir, mainClass, arguments, jvmFlags, Map.copyOf(all));
    }

    Launch withMain(Class<?> main, String... mainArguments) {
      return new Launch(dataDir, main.getName(), List.of(mainArguments), jvmFlags, environment);
    }

    Launch withFlags(String... flags) {
      return new Launch(dataDir, mainClass, arguments, List.of(flags), environment);
    }

    /// Adds settings: names of variables without `TIDINGS_`, and their values.
    Launch with(String... namesAndValues) {
      var all = new HashMap<>(environment);
      for (int i = 0; i < namesAndValues.length; i += 2) {
        all.put("TIDINGS_" + namesAndValues[i], namesAndValues[i + 1]);
      }
      return new Launch(dataDir, mainClass, arguments, jvmFlags, Map.copyOf(all));
    }
  }

  ServerProcess(Launch launch) {
    this.launch =
        launch.with(
            "AUTH_SECRET_KEY", "a-secret-key-of-the-system-tests-0123456789",
            "AUTH_BOOTSTRAP_ADMIN_USERNAME", ADMIN,
            "AUTH_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD);
    try {
      Files.createDirectories(WORK_DIR);
      errors = WORK_DIR.resolve("crash-" + NUMBER.incrementAndGet() + ".err");
      Files.writeString(errors, "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path newDirectory() {
    try {
      Files.createDirectories(WORK_DIR);
      return Files.createTempDirectory(WORK_DIR, "crash-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Starts it, waits until it accepts requests, and logs the admin in.
  Relay start() {
    if (process.map(Process::isAlive).orElse(false)) {
      throw new IllegalStateException("the server still runs (expected: ended)");
    }
    try {
      Files.createDirectories(launch.dataDir());
      Process started = launchProcess();
      process = Optional.of(started);
      url = awaitReady(started);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return relay();
  }

  /// The admin, on the server as it runs now.
  Relay relay() {
    return Relay.login(url, ADMIN, PASSWORD);
  }

  private Process launchProcess() throws IOException {
    var builder =
        new ProcessBuilder(java(launch.jvmFlags(), launch.mainClass(), launch.arguments()))
            // A folder without a configuration file.
            .directory(launch.dataDir().toFile())
            .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
    builder.environment().keySet().removeIf(key -> key.startsWith("TIDINGS_"));
    builder.environment().putAll(launch.environment());
    return builder.start();
  }

  /// The command line of a process like this one.
  static List<String> java(List<String> flags, String mainClass, List<String> arguments) {
    var all = new ArrayList<>(List.of(TidingsJvm.QUICK, "-XX:+ExitOnOutOfMemoryError"));
    all.addAll(flags);
    return TidingsJvm.command(all, mainClass, arguments);
  }

  private URI awaitReady(Process started) {
    var ready = new CompletableFuture<URI>();
    Thread.ofVirtual()
        .start(() -> {
          try (BufferedReader output = started.inputReader(UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
              Matcher matcher = READY.matcher(line);
              if (matcher.matches()) {
                ready.complete(URI.create(matcher.group(1)));
              }
            }
          } catch (IOException _) {
            // Killed while it was printing; what counts is whether the line came.
          }
          ready.completeExceptionally(new IOException("the output ended"));
        });
    try {
      return ready.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError("the server did not become ready\n" + errors(), e);
    }
  }

  URI url() {
    return url;
  }

  Path dataDir() {
    return launch.dataDir();
  }

  boolean isAlive() {
    return process.orElseThrow().isAlive();
  }

  /// SIGKILL.
  void kill9() {
    process.ifPresent(running -> {
      // Through its handle: Process#destroyForcibly would close the output that is being read.
      boolean _ = running.toHandle().destroyForcibly();
      awaitEnd(running);
    });
  }

  /// SIGTERM; answers the exit code.
  int terminate() {
    Process running = process.orElseThrow();
    running.destroy();
    awaitEnd(running);
    return running.exitValue();
  }

  private void awaitEnd(Process running) {
    try {
      if (!running.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("the server still runs after " + LIMIT + "\n" + errors());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// Resident memory in bytes; empty where the system does not tell it under `/proc`.
  Optional<Long> residentMemory() {
    Path status = Path.of("/proc", Long.toString(process.orElseThrow().pid()), "status");
    try (var lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  /// The end of its error output.
  String errors() {
    try {
      String text = Files.readString(errors, UTF_8);
      return "--- " + errors + "\n" + text.substring(Math.max(0, text.length() - 8_000));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Ends the process if it still runs, and deletes its data.
  @Override
  public void close() {
    kill9();
    TestStore.drop(launch.dataDir());
    try (var files = Files.walk(launch.dataDir())) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
