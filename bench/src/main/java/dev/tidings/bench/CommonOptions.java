// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/// Options every scenario has.
final class CommonOptions {
  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "Server to measure, as http://HOST:PORT. Default: a server of its own.")
  private Optional<URI> url = Optional.empty();

  @Option(names = "--user", description = "User to log in as. Default: ${DEFAULT-VALUE}")
  private String user = "admin";

  @Option(names = "--password", description = "The user's password. Default: ${DEFAULT-VALUE}")
  private String password = "tidings-dev";

  @Option(
      names = "--pid",
      paramLabel = "PID",
      description =
          "Process of the server that --url names, if it runs here: its memory and CPU are measured too.")
  private Optional<Long> pid = Optional.empty();

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description = "Length of a measurement (500ms, 5s, 2m). Default: ${DEFAULT-VALUE}",
      defaultValue = "5s")
  private Duration duration = Duration.ofSeconds(5);

  @Option(
      names = "--warmup",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "Load before the first measurement of a kind, not counted. Default: ${DEFAULT-VALUE}",
      defaultValue = "5s")
  private Duration warmup = Duration.ofSeconds(5);

  @Option(
      names = "--runs",
      paramLabel = "N",
      description = "Measurements of each kind. Default: ${DEFAULT-VALUE}")
  private int runs = 3;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Also writes machine, options and all figures as JSON.")
  private Optional<Path> json = Optional.empty();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads of the generator. It shares the cores with the server. Default: ${DEFAULT-VALUE}")
  private int threads = 1;

  @Option(
      names = "--durability",
      paramLabel = "MODE",
      description = "Durability of the own server, fsync or memory. Default: ${DEFAULT-VALUE}")
  private String durability = "fsync";

  @Option(
      names = "--store",
      paramLabel = "STORE",
      description = "Store of the own server, rocksdb or memory. Default: ${DEFAULT-VALUE}")
  private String store = "rocksdb";

  @Option(
      names = "--server-heap",
      paramLabel = "SIZE",
      description = "Largest heap of the own server, as for java -Xmx. Default: ${DEFAULT-VALUE}")
  private String serverHeap = "2g";

  @Option(
      names = "--server-jvm-arg",
      paramLabel = "ARG",
      description = "One more argument for the own server's JVM; may be repeated.")
  private List<String> serverJvmArgs = List.of();

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description =
          "Where the own server's data folder is made. Default: the system's folder for temporary files.")
  private Optional<Path> dir = Optional.empty();

  @Option(
      names = "--fsync-dir",
      paramLabel = "DIR",
      description = "Folder in which fdatasync is measured. Default: the own server's data folder.")
  private Optional<Path> fsyncDir = Optional.empty();

  @Option(
      names = "--server-class",
      hidden = true,
      description = "Main class of the own server, for tests.")
  private String serverClass = OwnServer.MAIN_CLASS;

  Optional<URI> url() {
    return url;
  }

  String user() {
    return user;
  }

  String password() {
    return password;
  }

  Optional<Long> pid() {
    return pid;
  }

  Duration duration() {
    return duration;
  }

  Duration warmup() {
    return warmup;
  }

  /// Load that is not counted, before run number `run`.
  Duration warmupOf(int run) {
    return run == 0 || warmup.compareTo(Scenario.RUN_UP) < 0 ? warmup : Scenario.RUN_UP;
  }

  int runs() {
    return runs;
  }

  Optional<Path> json() {
    return json;
  }

  int threads() {
    return threads;
  }

  String durability() {
    return durability;
  }

  String store() {
    return store;
  }

  String serverHeap() {
    return serverHeap;
  }

  List<String> serverJvmArgs() {
    return serverJvmArgs;
  }

  Optional<Path> dir() {
    return dir;
  }

  Optional<Path> fsyncDir() {
    return fsyncDir;
  }

  /// Whether the targets for durable work apply; of a server named by `--url` that is assumed.
  boolean durable() {
    return durability.equals("fsync");
  }

  /// How to start a server of its own.
  ///
  /// @param config keys of its configuration with their values, beside what the options say
  OwnServer.Settings ownServer(Map<String, String> config) {
    return new OwnServer.Settings(
        serverClass,
        serverHeap,
        serverJvmArgs,
        store,
        durability,
        config,
        dir.orElseGet(() -> Path.of(System.getProperty("java.io.tmpdir"))));
  }

  /// Refuses what picocli cannot know to be wrong.
  void check() {
    if (runs < 1) {
      throw new BenchException("runs: " + runs + " (expected: >= 1)");
    }
    if (duration.isZero()) {
      throw new BenchException("duration: 0 (expected: > 0)");
    }
    if (pid.isPresent() && url.isEmpty()) {
      throw new BenchException("pid: " + pid.get() + " (expected: only together with --url)");
    }
  }

  String describe() {
    String server =
        url.map(it -> "server at " + it)
            .orElse(
                "own server, store "
                    + store
                    + ", durability "
                    + durability
                    + ", heap "
                    + serverHeap);
    return "%s; %d runs of %s, warm-up %s, %d generator threads"
        .formatted(server, runs, seconds(duration), seconds(warmup), threads);
  }

  private static String seconds(Duration time) {
    return time.toMillis() / 1000.0 + " s";
  }
}
