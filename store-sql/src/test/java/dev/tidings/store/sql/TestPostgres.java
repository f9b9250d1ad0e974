// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;

/// A real PostgreSQL for tests: one for the JVM, in which every test takes a database of its own,
/// or one in a folder of its own, which can be killed and started again.
///
/// It listens on a free port of `127.0.0.1`, unpacks its programs by itself, and runs as root too:
/// in a user namespace, in which root is nobody. The superuser `postgres` needs no password, all
/// others do.
public final class TestPostgres implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final String SUPERUSER = "postgres";
  private static final Duration START_LIMIT = Duration.ofMinutes(1);
  private static final Duration KILL_LIMIT = Duration.ofSeconds(20);
  private static final AtomicInteger NUMBER = new AtomicInteger();

  static {
    // It tells each step, and that it cannot stop what was killed; what fails is thrown besides.
    ((Logger) LoggerFactory.getLogger("io.zonky.test.db")).setLevel(Level.OFF);
  }

  /// A database, and the role that owns it.
  ///
  /// @param url as `psql` spells it: `postgresql://host:port/name`
  public record Database(String url, String user, String password) {
    public String name() {
      return url.substring(url.lastIndexOf('/') + 1);
    }

    /// How a store is opened on it.
    public SqlOptions options() {
      return new SqlOptions(url, user, password, SqlOptions.MIN_CONNECTIONS, true, false);
    }

    /// A connection of its owner.
    public Connection connect() throws SQLException {
      return DriverManager.getConnection("jdbc:" + url, user, password);
    }
  }

  /// The server of this JVM, which starts when it is first asked for. It never syncs.
  private static final class Shared {
    static final TestPostgres SERVER = start(temporaryFolder(), false);
  }

  private final Path dataDir;
  private final boolean syncs;
  private final int port;
  private EmbeddedPostgres running;

  private TestPostgres(Path dataDir, boolean syncs) {
    this.dataDir = dataDir;
    this.syncs = syncs;
    this.port = freePort();
    this.running = launch();
  }

  /// The server that all tests of this JVM share.
  public static TestPostgres shared() {
    return Shared.SERVER;
  }

  /// An empty database of the shared server.
  public static Database newDatabase() {
    return shared().createDatabase();
  }

  /// Starts a server on a folder of its own, which it makes. It syncs what it commits, so that
  /// [#kill()] loses nothing of it.
  public static TestPostgres start(Path dataDir) {
    return start(dataDir, true);
  }

  private static TestPostgres start(Path dataDir, boolean syncs) {
    var server = new TestPostgres(dataDir.toAbsolutePath(), syncs);
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop-postgres"));
    return server;
  }

  /// An empty database with an owner of its own.
  public Database createDatabase() {
    return createDatabase("encoding 'UTF8'");
  }

  /// As above, with these options of `create database`.
  public Database createDatabase(String options) {
    String name = "tidings_" + ProcessHandle.current().pid() + "_" + NUMBER.incrementAndGet();
    String password = "password-of-" + name;
    execute("create role " + name + " login password '" + password + "'");
    execute("create database " + name + " owner " + name + " template template0 " + options);
    return new Database(url(name), name, password);
  }

  /// Ends the connections to a database and removes it with its owner.
  public void drop(Database database) {
    execute("drop database if exists " + database.name() + " with (force)");
    execute("drop role if exists " + database.user());
  }

  /// Runs statements, each in a transaction of its own, as the superuser.
  public void execute(String... statements) {
    try (Connection connection = connect(SUPERUSER);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new IllegalStateException("the database of the tests: " + e.getMessage(), e);
    }
  }

  /// A connection of the superuser.
  public Connection connect(String database) throws SQLException {
    return DriverManager.getConnection("jdbc:" + url(database), SUPERUSER, "");
  }

  public String url(String database) {
    return "postgresql://" + HOST + ":" + port + "/" + database;
  }

  public int port() {
    return port;
  }

  /// SIGKILL of all its processes; returns when they are gone.
  public synchronized void kill() {
    ProcessHandle postmaster = postmaster();
    // It would start others that are not in the list, or put right what its children have left.
    freeze(postmaster);
    List<ProcessHandle> children = postmaster.descendants().toList();
    Stream.concat(Stream.of(postmaster), children.stream())
        .forEach(process -> {
          boolean _ = process.destroyForcibly();
        });
    Stream.concat(Stream.of(postmaster), children.stream()).forEach(TestPostgres::awaitEnd);
    close(running);
  }

  /// SIGSTOP; returns when the process does nothing any more.
  private static void freeze(ProcessHandle process) {
    Path state = Path.of("/proc", Long.toString(process.pid()), "stat");
    try {
      Process stop = new ProcessBuilder("sh", "-c", "kill -STOP " + process.pid()).start();
      awaitEnd(stop.toHandle());
      long deadline = System.nanoTime() + KILL_LIMIT.toNanos();
      // The letter after the name of the program, which is in brackets.
      while (!Files.readString(state).contains(") T ")) {
        if (System.nanoTime() - deadline > 0) {
          throw new IllegalStateException("process " + process.pid() + " went on after SIGSTOP");
        }
        LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Starts it again after [#kill()] or [#stop()], on the same folder and port.
  public synchronized void start() {
    running = launch();
  }

  /// Stops it in good order: connections are ended, nothing is left to repair.
  public synchronized void stop() {
    close(running);
  }

  /// Stops it and deletes its folder.
  @Override
  public synchronized void close() {
    close(running);
    if (!Files.exists(dataDir)) {
      return;
    }
    try (Stream<Path> files = Files.walk(dataDir)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What it printed.
  public String printed() {
    try {
      return Files.readString(log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path log() {
    return dataDir.resolveSibling(dataDir.getFileName() + ".log");
  }

  private EmbeddedPostgres launch() {
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setDataDirectory(dataDir)
            .setCleanDataDirectory(false)
            .setRegisterShutdownHook(false)
            .setDataDirectoryCustomizer(TestPostgres::demandPasswords)
            .setPort(port)
            .setPGStartupWait(START_LIMIT)
            .setOutputRedirector(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .setErrorRedirector(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .setLocaleConfig("locale", "C")
            .setServerConfig("listen_addresses", HOST)
            .setServerConfig("unix_socket_directories", "")
            .setServerConfig("shared_buffers", "32MB")
            .setServerConfig("max_connections", "400");
    // After the `-F` it always gives; the later wins.
    builder.setServerConfig("fsync", syncs ? "on" : "off");
    builder.setServerConfig("synchronous_commit", syncs ? "on" : "off");
    builder.setServerConfig("full_page_writes", syncs ? "on" : "off");
    try {
      Files.createDirectories(dataDir.getParent());
      return builder.start();
    } catch (IOException | IllegalStateException e) {
      throw new IllegalStateException(
          "PostgreSQL did not start in " + dataDir + "\n" + (Files.exists(log()) ? printed() : ""),
          e);
    }
  }

  /// The programs' own default trusts everybody on this machine, and would take any password.
  private static void demandPasswords(File dataDir) {
    try {
      Files.writeString(
          dataDir.toPath().resolve("pg_hba.conf"),
          """
          host all postgres 127.0.0.1/32 trust
          host all all 127.0.0.1/32 scram-sha-256
          """);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ProcessHandle postmaster() {
    try (Stream<String> lines = Files.lines(dataDir.resolve("postmaster.pid"))) {
      long pid = Long.parseLong(lines.findFirst().orElseThrow().strip());
      return ProcessHandle.of(pid).orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitEnd(ProcessHandle process) {
    try {
      ProcessHandle _ = process.onExit().get(KILL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("process " + process.pid() + " survived SIGKILL", e);
    }
  }

  private static void close(EmbeddedPostgres server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path temporaryFolder() {
    Path parent =
        Optional.of(Path.of("target")).filter(Files::isDirectory).orElseGet(() -> Path.of(""));
    try {
      return Files.createTempDirectory(parent.toAbsolutePath(), "postgres-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int freePort() {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
