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
  private static final String POSTGRESQL = "postgresql";
  private static final String PASSWORD_VARIABLE = "TIDINGS_STORE_PASSWORD";

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
      description =
          "Durability of the own server, fsync or memory; on postgresql the database decides."
              + " Default: ${DEFAULT-VALUE}")
  private String durability = "fsync";

  @Option(
      names = "--store",
      split = ",",
      paramLabel = "STORE",
      description =
          "Store of the own server: rocksdb, memory or postgresql. With several, a server is started"
              + " on each in turn, and their figures are compared to the first one's. Default: rocksdb")
  private List<String> stores = List.of("rocksdb");

  private Optional<String> store = Optional.empty();

  @Option(
      names = "--store-url",
      paramLabel = "URL",
      description =
          "Database for the store postgresql, as postgresql://HOST:PORT/NAME. Everything goes into a"
              + " new schema, which is dropped afterwards.")
  private Optional<String> storeUrl = Optional.empty();

  @Option(
      names = "--store-user",
      paramLabel = "USER",
      description = "Role to connect as, which may create schemas.")
  private Optional<String> storeUser = Optional.empty();

  @Option(
      names = "--store-password",
      paramLabel = "PASSWORD",
      description = "The role's password. Default: the environment's TIDINGS_STORE_PASSWORD")
  private Optional<String> storePassword = Optional.empty();

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

  /// The stores to measure on, one after the other.
  List<String> stores() {
    return stores;
  }

  /// Measures on `chosen`, one of them, from now on.
  void use(String chosen) {
    store = Optional.of(chosen);
  }

  private String store() {
    return store.orElseGet(stores::getFirst);
  }

  /// Whether a database keeps what is published.
  boolean onDatabase() {
    return store().equals(POSTGRESQL);
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
        store(),
        onDatabase() ? Optional.empty() : Optional.of(durability),
        config,
        onDatabase() ? Optional.of(schema()) : Optional.empty(),
        dir.orElseGet(() -> Path.of(System.getProperty("java.io.tmpdir"))));
  }

  private OwnSchema schema() {
    String given =
        storePassword.or(() -> Optional.ofNullable(System.getenv(PASSWORD_VARIABLE))).orElse("");
    return OwnSchema.in(storeUrl.orElseThrow(), storeUser.orElseThrow(), given);
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
    checkStores();
  }

  private void checkStores() {
    if (stores.isEmpty() || stores.stream().distinct().count() < stores.size()) {
      throw new BenchException(
          "store: " + String.join(",", stores) + " (expected: one or more, each once)");
    }
    if (stores.size() > 1 && url.isPresent()) {
      throw new BenchException(
          "store: "
              + String.join(",", stores)
              + " (expected: none with --url, whose server has a store already)");
    }
    boolean hasDatabase = stores.contains(POSTGRESQL);
    if (hasDatabase && (storeUrl.isEmpty() || storeUser.isEmpty())) {
      throw new BenchException(
          "store-url, store-user: missing (expected: both with the store postgresql)");
    }
    if (!hasDatabase
        && (storeUrl.isPresent() || storeUser.isPresent() || storePassword.isPresent())) {
      throw new BenchException(
          "store-url, store-user, store-password: given (expected: only with --store postgresql)");
    }
    if (storeUrl.filter(it -> it.contains("currentSchema")).isPresent()) {
      throw new BenchException(
          "store-url: names a schema (expected: none; a new one is made and dropped)");
    }
    if (hasDatabase && !durable()) {
      throw new BenchException(
          "durability: "
              + durability
              + " (expected: fsync with the store postgresql, whose database decides)");
    }
  }

  String describe() {
    String server =
        url.map(it -> "server at " + it)
            .orElse(
                "own server, store "
                    + String.join(" and ", stores)
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
