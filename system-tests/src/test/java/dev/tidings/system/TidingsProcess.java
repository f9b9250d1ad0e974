// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// A server in a process of its own, as a user would start it. What it prints goes to files under
/// `target/system-tests`, which are shown when a test fails.
public final class TidingsProcess implements AutoCloseable {

  private static final Path WORK_DIR = TidingsJvm.workDir();
  private static final Pattern READY =
      Pattern.compile("^tidings ready on (https?)://(\\S+):(\\d+)$");
  private static final Duration START_LIMIT = Duration.ofSeconds(30);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(20);
  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static final List<TidingsProcess> ALL = new CopyOnWriteArrayList<>();
  private static final ScopedValue<Boolean> STAYS = ScopedValue.newInstance();

  public static final String SECRET_KEY = "a-secret-key-of-the-system-tests-0123456789";
  public static final String ADMIN = "admin";
  static final String DEV_PASSWORD = "tidings-dev";
  public static final String BOOTSTRAP_PASSWORD = "bootstrap-password";

  /// Needed to start a server that is not in development mode.
  static final Map<String, String> SECURED_ENVIRONMENT =
      Map.of(
          "TIDINGS_AUTH_SECRET_KEY", SECRET_KEY,
          "TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME", ADMIN,
          "TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD", BOOTSTRAP_PASSWORD);

  private final String name;
  private final Path dataDir;
  private final List<String> arguments;
  private final Map<String, String> environment;
  private final List<String> flags;
  private final Path errors;
  private Path output;
  private Process process;
  private Optional<RelayClient> admin = Optional.empty();
  private URI url = URI.create("http://not.started.invalid");

  private TidingsProcess(
      String name, Path dataDir, List<String> arguments, Map<String, String> environment) {
    this.name = name;
    this.dataDir = dataDir;
    this.arguments = List.copyOf(arguments);
    this.environment = Map.copyOf(environment);
    this.flags = STAYS.orElse(false) ? List.of("-Xmx512m") : List.of("-Xmx512m", TidingsJvm.QUICK);
    this.errors = file(name, "err");
    this.output = file(name, "out");
    this.process = launch();
    ALL.add(this);
  }

  /// `serve --dev`: admin / tidings-dev, and calls without a token act as admin.
  public static TidingsProcess startDev(Map<String, String> environment) {
    return startDev(newDataDir(), environment);
  }

  static TidingsProcess startDev(Path dataDir, Map<String, String> environment) {
    return start(launchDev(dataDir, environment));
  }

  /// `serve` with a secret and a bootstrap admin.
  public static TidingsProcess startSecured(Map<String, String> environment) {
    var all = new HashMap<>(SECURED_ENVIRONMENT);
    all.putAll(environment);
    return start(launchServe("secured", newDataDir(), all));
  }

  /// Starts a server that many tests will use, so that it pays to compile what is often run, such
  /// as the hashes of passwords, as well as can be. Others only start quickly.
  static TidingsProcess toStay(Supplier<TidingsProcess> start) {
    return ScopedValue.where(STAYS, true).call(start::get);
  }

  /// Runs a command of `tidings` that talks to a server, and answers what it printed.
  public static String command(String... arguments) {
    List<String> command =
        TidingsJvm.tidings(List.of("-Xmx512m", TidingsJvm.QUICK), List.of(arguments));
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().keySet().removeIf(key -> key.startsWith("TIDINGS_"));
      builder.environment().putAll(storeOf(List.of(arguments)));
      Process process = builder.start();
      String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("the command did not end\n" + printed);
      }
      return printed + "exit code " + process.exitValue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// Which store a command without a server has to open, besides what its arguments say.
  private static Map<String, String> storeOf(List<String> arguments) {
    if (arguments.stream().anyMatch(argument -> argument.startsWith("--data-dir="))) {
      throw new IllegalArgumentException(
          arguments + " (expected: --data-dir and its value as two arguments)");
    }
    int flag = arguments.indexOf("--data-dir");
    return flag < 0 ? Map.of() : TestStore.environment(Path.of(arguments.get(flag + 1)));
  }

  /// Starts without waiting, for servers that are expected to refuse.
  static TidingsProcess launchDev(Path dataDir, Map<String, String> environment) {
    return new TidingsProcess(
        "dev-" + NUMBER.incrementAndGet(), dataDir, serve(dataDir, "--dev"), environment);
  }

  /// Starts `serve` without `--dev` and without waiting.
  static TidingsProcess launchServe(String name, Path dataDir, Map<String, String> environment) {
    return new TidingsProcess(
        name + "-" + NUMBER.incrementAndGet(),
        dataDir,
        serve(dataDir, "--host", "127.0.0.1"),
        environment);
  }

  static Path newDataDir() {
    try {
      Files.createDirectories(WORK_DIR);
      return Files.createTempDirectory(WORK_DIR.toAbsolutePath(), "data-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> serve(Path dataDir, String... more) {
    var arguments =
        new ArrayList<>(List.of("serve", "--port", "0", "--data-dir", dataDir.toString()));
    arguments.addAll(List.of(more));
    return arguments;
  }

  /// Waits until a launched server is ready.
  static TidingsProcess started(TidingsProcess server) {
    return start(server);
  }

  private static TidingsProcess start(TidingsProcess server) {
    try {
      server.awaitReady();
      return server;
    } catch (RuntimeException | Error e) {
      server.close();
      throw e;
    }
  }

  private Process launch() {
    // The process gets a folder of its own, so that it finds no configuration file by chance.
    var builder =
        new ProcessBuilder(TidingsJvm.tidings(flags, arguments))
            .directory(dataDir.toFile())
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
    builder.environment().keySet().removeIf(key -> key.startsWith("TIDINGS_"));
    if (!environment.containsKey("TIDINGS_STORE_TYPE")) {
      builder.environment().putAll(TestStore.environment(dataDir));
    }
    builder.environment().putAll(environment);
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path file(String name, String kind) {
    try {
      Files.createDirectories(WORK_DIR);
      Path file = WORK_DIR.resolve(name + "." + kind).toAbsolutePath();
      Files.writeString(file, "");
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitReady() {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      Optional<URI> ready = readyLine();
      if (ready.isPresent()) {
        url = ready.get();
        return;
      }
      boolean late = System.nanoTime() - deadline > 0;
      if (late || waitFor(Duration.ofMillis(20))) {
        throw new AssertionError(
            (late
                    ? "no line 'tidings ready on …' within " + START_LIMIT
                    : "the server ended with exit code " + process.exitValue())
                + "\n"
                + printed());
      }
    }
  }

  /// The address that is told last, when all ports are open: without TLS if there is such a port.
  private Optional<URI> readyLine() {
    boolean plain = !"false".equals(environment.get("TIDINGS_SERVER_PLAIN"));
    return readyLine(plain ? "http" : "https");
  }

  private Optional<URI> readyLine(String scheme) {
    String text = read(output);
    // Only whole lines: the last one may be half written.
    int end = text.lastIndexOf('\n');
    return end < 0
        ? Optional.empty()
        : text.substring(0, end)
            .lines()
            .map(READY::matcher)
            .filter(line -> line.matches() && line.group(1).equals(scheme))
            .map(line -> URI.create(scheme + "://" + line.group(2) + ":" + line.group(3)))
            .findFirst();
  }

  private boolean waitFor(Duration limit) {
    try {
      return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  public URI url() {
    return url;
  }

  /// The address that speaks TLS, of a server that has it.
  URI tlsUrl() {
    return readyLine("https").orElseThrow();
  }

  public URI webSocketUrl() {
    return URI.create("ws://" + url.getAuthority() + "/ws");
  }

  int port() {
    return url.getPort();
  }

  String host() {
    return url.getHost();
  }

  public Path dataDir() {
    return dataDir;
  }

  long pid() {
    return process.pid();
  }

  /// A client that sends no token.
  RelayClient anonymous() {
    return new RelayClient(this);
  }

  /// A client logged in as the first admin; once, as checking a password is made to be slow, and
  /// again after a restart or when the token is about to end. Who logs out or changes its password
  /// logs in as well.
  synchronized RelayClient admin() {
    RelayClient present =
        admin
            .filter(it -> endOf(it.token()).isAfter(Instant.now().plus(START_LIMIT)))
            .orElseGet(this::newAdmin);
    admin = Optional.of(present);
    return present;
  }

  private RelayClient newAdmin() {
    String password = arguments.contains("--dev") ? DEV_PASSWORD : BOOTSTRAP_PASSWORD;
    return anonymous().loggedIn(ADMIN, password);
  }

  private static Instant endOf(String token) {
    return Instant.ofEpochSecond(Jwt.claims(token).get("exp").asLong());
  }

  /// SIGKILL: the process gets no chance to do anything.
  void kill9() {
    process.destroyForcibly();
    if (!waitFor(STOP_LIMIT)) {
      throw new AssertionError("process " + pid() + " survived SIGKILL for " + STOP_LIMIT);
    }
  }

  /// SIGTERM; answers the exit code.
  int terminate() {
    requestStop();
    return awaitExit(STOP_LIMIT);
  }

  /// SIGTERM, without waiting.
  void requestStop() {
    process.destroy();
  }

  int awaitExit(Duration limit) {
    if (!waitFor(limit)) {
      throw new AssertionError("the server did not end within " + limit + "\n" + printed());
    }
    return process.exitValue();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  CompletableFuture<Process> onExit() {
    return process.onExit();
  }

  /// Starts the ended server again on the same data directory; the port may be another one.
  void restart() {
    if (process.isAlive()) {
      throw new IllegalStateException("server " + name + " still runs (expected: ended)");
    }
    output = file(name + "-restart-" + NUMBER.incrementAndGet(), "out");
    synchronized (this) {
      admin = Optional.empty();
    }
    process = launch();
    awaitReady();
  }

  /// Everything printed so far, standard output first.
  String printed() {
    return "--- "
        + name
        + " stdout\n"
        + read(output)
        + "--- "
        + name
        + " stderr\n"
        + tail(read(errors));
  }

  String errors() {
    return read(errors);
  }

  String output() {
    return read(output);
  }

  /// Where the error output ends now, to show later what came after.
  static Map<TidingsProcess, Long> marks() {
    var marks = new HashMap<TidingsProcess, Long>();
    for (TidingsProcess server : ALL) {
      marks.put(server, server.errors.toFile().length());
    }
    return marks;
  }

  /// What all servers wrote to their error output since the marks were taken.
  static String printedSince(Map<TidingsProcess, Long> marks) {
    var text = new StringBuilder();
    for (TidingsProcess server : ALL) {
      String errors = read(server.errors);
      int from = (int) Math.min(errors.length(), marks.getOrDefault(server, 0L));
      if (from < errors.length()) {
        text.append("--- ").append(server.errors).append('\n').append(tail(errors.substring(from)));
      }
    }
    return text.toString();
  }

  private static String read(Path file) {
    try {
      // Latin-1 reads any bytes, one character each, so that offsets in the file are offsets here.
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String tail(String text) {
    int limit = 8_000;
    return text.length() <= limit ? text : "…" + text.substring(text.length() - limit);
  }

  /// Resident memory in bytes; empty where the system does not tell it under `/proc`.
  Optional<Long> residentMemory() {
    try (var lines = Files.lines(Path.of("/proc", Long.toString(pid()), "status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  /// Ends the process if it still runs, and deletes its data.
  @Override
  public void close() {
    kill9();
    TestStore.drop(dataDir);
    if (!Files.exists(dataDir)) {
      return; // Shared with another server, which was closed before.
    }
    try (var files = Files.walk(dataDir)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
