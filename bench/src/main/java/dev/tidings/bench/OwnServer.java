// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Endpoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/// A server started for the measurement, as a process with a data folder of its own and, on a
/// database, a schema of its own; all are gone after [#close].
final class OwnServer implements AutoCloseable {
  /// How to start one.
  record Settings(
      String mainClass,
      String heap,
      List<String> jvmArgs,
      String store,
      Optional<String> durability,
      Map<String, String> config,
      Optional<OwnSchema> schema,
      Path parentDir) {
    Settings {
      jvmArgs = List.copyOf(jvmArgs);
      config = Map.copyOf(config);
    }

    /// The variables that set the keys of the configuration.
    private Map<String, String> environment() {
      Map<String, String> all = new HashMap<>(config);
      schema.ifPresent(own -> all.putAll(own.config()));
      return all.entrySet().stream()
          .collect(Collectors.toMap(it -> variable(it.getKey()), Map.Entry::getValue));
    }

    private static String variable(String key) {
      return "TIDINGS_" + key.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }
  }

  static final String MAIN_CLASS = "dev.tidings.app.Main";

  private static final List<String> JVM_ARGS =
      List.of(
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-XX:+UseCompactObjectHeaders");
  private static final String READY = "tidings ready on ";
  private static final int READY_TIMEOUT_S = 60;
  private static final int STOP_TIMEOUT_S = 20;
  private static final int SHOWN_LINES = 30;

  private final Process process;
  private final Path dir;
  private final Optional<OwnSchema> schema;
  private final AtomicBoolean ended = new AtomicBoolean();
  private final CompletableFuture<URI> ready = new CompletableFuture<>();
  private final long startedAtNs = System.nanoTime();
  private Duration readyAfter = Duration.ZERO;

  private OwnServer(Settings settings, Path dir) throws IOException {
    this.dir = dir;
    this.schema = settings.schema();
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(JVM_ARGS);
    command.add("-Xmx" + settings.heap());
    command.addAll(settings.jvmArgs());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), settings.mainClass()));
    command.addAll(List.of("serve", "--dev", "--port", "0", "--data-dir", dataDir().toString()));
    command.addAll(List.of("--store", settings.store()));
    settings.durability().ifPresent(mode -> command.addAll(List.of("--durability", mode)));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    // Those of a server of the user's, which this one is not.
    builder.environment().keySet().removeIf(it -> it.startsWith("TIDINGS_STORE_"));
    builder.environment().putAll(settings.environment());
    process = builder.start();
    Runtime.getRuntime().addShutdownHook(new Thread(this::endAtExit, "bench-server-end"));
    Thread.ofPlatform().daemon().name("bench-server-log").start(this::drainOutput);
  }

  static OwnServer start(Settings settings) throws InterruptedException {
    try {
      Path dir = Files.createTempDirectory(settings.parentDir(), "tidings-bench-");
      Files.createDirectory(dir.resolve("data"));
      var server = new OwnServer(settings, dir);
      server.awaitReady();
      return server;
    } catch (IOException e) {
      throw new BenchException(
          "cannot start a server with its data under "
              + settings.parentDir()
              + " (expected: a folder that can be written): "
              + e,
          e);
    }
  }

  Endpoint endpoint() {
    return Endpoint.of(ready.join());
  }

  ServerProcess process() {
    return new ServerProcess(process.pid());
  }

  Path dataDir() {
    return dir.resolve("data");
  }

  /// From the start of the process to its ready line.
  Duration readyAfter() {
    return readyAfter;
  }

  @Override
  public void close() {
    if (ended.getAndSet(true)) {
      return;
    }
    process.destroy();
    try {
      if (!process.waitFor(STOP_TIMEOUT_S, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    deleteAll();
  }

  /// After an interrupt from the keyboard, which skips [#close].
  private void endAtExit() {
    if (ended.getAndSet(true)) {
      return;
    }
    try {
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    deleteAll();
  }

  private void deleteAll() {
    try {
      schema.ifPresent(OwnSchema::drop);
    } finally {
      deleteDir();
    }
  }

  private void awaitReady() throws InterruptedException {
    try {
      ready.get(READY_TIMEOUT_S, TimeUnit.SECONDS);
      readyAfter = Duration.ofNanos(System.nanoTime() - startedAtNs);
    } catch (ExecutionException e) {
      throw notReady("ended before it was ready", e);
    } catch (TimeoutException e) {
      throw notReady("did not become ready within " + READY_TIMEOUT_S + " s", e);
    }
  }

  private BenchException notReady(String what, Exception cause) {
    String end = endOfLog();
    String left = "";
    try {
      close();
    } catch (BenchException e) {
      left = "\nBesides, " + e.getMessage();
    }
    return new BenchException(
        "the own server "
            + what
            + " (expected: a line '"
            + READY
            + "http://HOST:PORT'; or name a running server with --url). The end of its output:\n"
            + end
            + left,
        cause);
  }

  /// Must go on as long as the process: one whose output nobody reads stops when the pipe is full.
  private void drainOutput() {
    try (BufferedReader output = process.inputReader(UTF_8);
        var log = Files.newBufferedWriter(log())) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        log.write(line);
        log.newLine();
        log.flush();
        if (line.startsWith(READY)) {
          ready.complete(URI.create(line.substring(READY.length()).trim()));
        }
      }
      ready.completeExceptionally(new IOException("the server ended"));
    } catch (IOException e) {
      ready.completeExceptionally(e);
    }
  }

  private Path log() {
    return dir.resolve("server.log");
  }

  /// The last lines the server printed.
  String endOfLog() {
    try {
      List<String> lines = Files.readAllLines(log());
      return String.join(
          "\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size()));
    } catch (IOException e) {
      return "(its output cannot be read: " + e + ")";
    }
  }

  private void deleteDir() {
    try {
      Files.walkFileTree(
          dir,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, IOException failure)
                throws IOException {
              Files.delete(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + dir + " (delete it yourself)", e);
    }
  }
}
