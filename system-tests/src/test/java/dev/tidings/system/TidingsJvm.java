// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The command lines of processes that run Tidings as it lies on the class path of the tests.
///
/// Tests start a few hundred of them, and a JVM spends most of a start on loading classes. So the
/// first one who asks runs a server that records what it loaded, and all processes begin from that
/// recording: the JVM's AOT cache, a file under `target/system-tests`, made anew when a jar is
/// another. Where it cannot be made, processes start without it, only slower.
public final class TidingsJvm {
  /// What compiles quickly and never again: for processes that end before more would pay.
  public static final String QUICK = "-XX:TieredStopAtLevel=1";

  private static final String MAIN = "dev.tidings.app.Main";
  private static final Path SHARED_DIR = Path.of("target", "system-tests").toAbsolutePath();
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final Pattern READY = Pattern.compile("(?m)^tidings ready on (http://\\S+)$");

  private TidingsJvm() {}

  /// Where processes of these tests may leave files: a folder of each JVM of tests that may run at
  /// the same time.
  public static Path workDir() {
    return SHARED_DIR.resolve("of-" + ProcessHandle.current().pid());
  }

  /// Makes the recording, if there is none.
  static void prepare() {
    Optional<Path> _ = Cache.FILE;
  }

  /// Runs the command line of `tidings`.
  ///
  /// @param flags of the JVM, besides those every Tidings process has
  public static List<String> tidings(List<String> flags, List<String> arguments) {
    return command(flags, MAIN, arguments);
  }

  /// Runs another main class of this class path.
  public static List<String> command(List<String> flags, String mainClass, List<String> arguments) {
    var all = new ArrayList<>(flags);
    // A cache that the JVM does not take is no fault of the command, which must not talk of it.
    Cache.FILE.ifPresent(
        file -> all.addAll(List.of("-XX:AOTCache=" + file, "-Xlog:aot*=off", "-Xlog:cds*=off")));
    return withClassPath(all, classPath(), mainClass, arguments);
  }

  private static List<String> withClassPath(
      List<String> flags, List<Path> classPath, String mainClass, List<String> arguments) {
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseCompactObjectHeaders"));
    command.addAll(flags);
    command.add("-cp");
    command.add(String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()));
    command.add(mainClass);
    command.addAll(arguments);
    return command;
  }

  /// Jars first: a cache is of a class path that begins like that of the process.
  private static List<Path> classPath() {
    List<Path> entries =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .map(entry -> Path.of(entry).toAbsolutePath())
            .toList();
    return Stream.concat(
            entries.stream().filter(Files::isRegularFile),
            entries.stream().filter(entry -> !Files.isRegularFile(entry)))
        .toList();
  }

  /// The AOT cache; made when it is first asked for.
  private static final class Cache {
    /// Servers on another store load other classes.
    private static final String PREFIX = "classes-" + TestStore.NAME + "-";

    static final Optional<Path> FILE = find();

    private static boolean isOne(Path file) {
      String name = file.getFileName().toString();
      return name.startsWith(PREFIX) && name.endsWith(".aot");
    }

    private static Optional<Path> find() {
      List<Path> jars = classPath().stream().filter(Files::isRegularFile).toList();
      try {
        Path file = SHARED_DIR.resolve(PREFIX + Integer.toHexString(stamp(jars)) + ".aot");
        Files.createDirectories(SHARED_DIR);
        // Another JVM of tests may be about to make it too.
        try (FileChannel lock =
                FileChannel.open(
                    SHARED_DIR.resolve("classes.lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            var _ = lock.lock()) {
          if (!Files.exists(file)) {
            make(file, jars);
          }
          return Optional.of(file);
        }
      } catch (IOException | UncheckedIOException | AssertionError e) {
        System.err.println("Tests start slowly: there is no AOT cache. " + e);
        return Optional.empty();
      }
    }

    /// What the JVM checks of the jars too.
    private static int stamp(List<Path> jars) throws IOException {
      int stamp = Runtime.version().hashCode();
      for (Path jar : jars) {
        stamp = 31 * stamp + jar.hashCode();
        stamp = 31 * stamp + Files.getLastModifiedTime(jar).hashCode();
        stamp = 31 * stamp + Long.hashCode(Files.size(jar));
      }
      return stamp;
    }

    /// Runs a server in which a bit of everything happens, and stops it.
    private static void make(Path file, List<Path> jars) throws IOException {
      try (Stream<Path> files = Files.list(SHARED_DIR)) {
        for (Path old : files.filter(Cache::isOne).toList()) {
          Files.delete(old);
        }
      }
      Path folder = Files.createTempDirectory(SHARED_DIR, "recording-");
      Path recorded = folder.resolve("classes");
      Path output = folder.resolve("output");
      Path dataDir = folder.resolve("data");
      var builder =
          new ProcessBuilder(
                  withClassPath(
                      List.of("-Xmx512m", "-XX:AOTCacheOutput=" + recorded),
                      jars,
                      MAIN,
                      List.of("serve", "--dev", "--port", "0", "--data-dir", dataDir.toString())))
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().keySet().removeIf(key -> key.startsWith("TIDINGS_"));
      builder.environment().putAll(TestStore.environment(dataDir));
      Process process = builder.start();
      try {
        Await.until(
            "the server of the recording is ready",
            LIMIT,
            () -> address(output).isPresent() || !process.isAlive());
        address(output).ifPresent(Cache::use);
        process.destroy();
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS) || !Files.exists(recorded)) {
          throw new AssertionError("nothing was recorded\n" + read(output));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      } finally {
        process.destroyForcibly();
        TestStore.drop(dataDir);
      }
      Files.move(recorded, file, StandardCopyOption.ATOMIC_MOVE);
      delete(folder);
    }

    private static Optional<URI> address(Path output) {
      Matcher ready = READY.matcher(read(output));
      return ready.find() ? Optional.of(URI.create(ready.group(1))) : Optional.empty();
    }

    private static String read(Path output) {
      try {
        return Files.readString(output, StandardCharsets.ISO_8859_1);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /// Does what most tests do first. With which result makes no difference.
    private static void use(URI server) {
      try (HttpClient http = HttpClient.newHttpClient()) {
        post(
            http,
            server.resolve("/auth/login"),
            "application/x-www-form-urlencoded",
            "username=admin&password=tidings-dev");
        for (String[] call :
            new String[][] {
              {"/api/v1/messages", "{\"topic\":\"t\",\"payload\":{\"n\":1}}"},
              {"/messages/poll", "{\"topics\":[\"t\"],\"since\":{\"t\":\"start\"},\"timeout\":1}"},
              {"/auth/register", "{\"username\":\"u\",\"password\":\"password-of-u\"}"},
              {"/clients", "{\"name\":\"c\",\"scopes\":\"*\"}"},
              {"/topics", "{\"id\":\"p\"}"},
              {"/subscriptions", "{\"id\":\"s\",\"topic_id\":\"p\"}"},
              {"/topics/p/messages", "[{\"n\":1}]"},
              {"/subscriptions/s/acks", "[]"}
            }) {
          post(http, server.resolve(call[0]), "application/json", call[1]);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      }
    }

    private static void post(HttpClient http, URI url, String contentType, String body)
        throws IOException, InterruptedException {
      http.send(
          HttpRequest.newBuilder(url)
              .timeout(LIMIT)
              .header("Content-Type", contentType)
              .POST(BodyPublishers.ofString(body))
              .build(),
          BodyHandlers.discarding());
    }

    private static void delete(Path folder) throws IOException {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
