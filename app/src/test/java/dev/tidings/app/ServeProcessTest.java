// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/// The serve command as a process of its own, around a server that only says when it stops.
@Timeout(60)
class ServeProcessTest {
  @TempDir Path folder;

  /// What the process runs: the word it is given says how the server stops.
  static final class Served {
    private Served() {}

    public static void main(String[] args) {
      List<String> line = new ArrayList<>(List.of(args));
      String way = line.removeFirst();
      System.exit(
          Main.commandLine(_ -> new ServeCommand.Running(4711, () -> stop(way)))
              .execute(line.toArray(String[]::new)));
    }

    private static void stop(String way) {
      switch (way) {
        case "well" -> LoggerFactory.getLogger(Served.class).info("stopped well");
        case "never" -> {
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
          }
        }
        default -> throw new IllegalStateException("cannot stop");
      }
    }
  }

  @Test
  void sigterm_stopsTheServer_andEndsWith0() throws Exception {
    Process process = serve("well");
    assertThat(readyLine(process)).isEqualTo("tidings ready on http://127.0.0.1:4711");
    process.toHandle().destroy(); // SIGTERM
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(log())
        .contains("stopped well")
        .contains("a power cut or a crash of the machine loses acknowledged messages");
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .as("nothing but the ready line on standard output")
        .isEmpty();
  }

  @Test
  void sigterm_whenStoppingHangs_endsWith1AtTheTimeout() throws Exception {
    Process process = serve("never");
    readyLine(process);
    process.toHandle().destroy();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(1);
    assertThat(log()).contains("stopping took longer than 1 s");
  }

  @Test
  void sigterm_whenStoppingFails_endsWith1() throws Exception {
    Process process = serve("badly");
    readyLine(process);
    process.toHandle().destroy();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(1);
    assertThat(log()).contains("cannot stop");
  }

  @Test
  void jsonLog_isOneObjectALine() throws Exception {
    Process process = serve("well", "TIDINGS_LOG_FORMAT=json");
    readyLine(process);
    process.toHandle().destroy();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(log().lines())
        .isNotEmpty()
        .allMatch(line -> line.startsWith("{") && line.endsWith("}"))
        .anyMatch(line -> line.contains("\"stopped well\""));
  }

  private Process serve(String way, String... variables) throws Exception {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Served.class.getName(),
            way,
            "serve",
            "--dev",
            "--durability=memory",
            "--data-dir=" + folder.resolve("data"));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectError(folder.resolve("log").toFile());
    builder.environment().put("TIDINGS_SERVER_SHUTDOWN_TIMEOUT", "1s");
    for (String variable : variables) {
      int equals = variable.indexOf('=');
      builder.environment().put(variable.substring(0, equals), variable.substring(equals + 1));
    }
    return builder.start();
  }

  private static String readyLine(Process process) throws Exception {
    BufferedReader reader = process.inputReader(StandardCharsets.UTF_8);
    return reader.readLine();
  }

  private String log() throws Exception {
    return Files.readString(folder.resolve("log"));
  }
}
