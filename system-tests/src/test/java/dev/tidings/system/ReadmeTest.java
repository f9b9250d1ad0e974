// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidings.system.Markdown.Block;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Runs what the README prints, in its order, and compares the answers with those it shows. Limits
/// are wide: it starts many processes.
@Tag("embedded")
@SystemTest
final class ReadmeTest {
  private static final String START = "./tidings serve --dev\n";
  private static final String PUBLISH = "./tidings publish ";
  private static final Pattern ASSIGNMENT = Pattern.compile("(?m)^([A-Z]+)=");
  private static final Duration COMMAND_LIMIT = Duration.ofSeconds(40);

  @TempDir private Path folder;

  /// What the blocks before have assigned: they share one terminal.
  private final Map<String, String> variables = new HashMap<>();

  private static boolean isOnPath(String program) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  private Process start(Path output, String... command) throws IOException {
    var builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().putAll(variables);
    return builder.start();
  }

  /// Runs a command and answers what it printed; it must end with 0.
  private String run(String... command) throws Exception {
    Path output = Files.createTempFile(folder, "output", ".txt");
    Process process = start(output, command);
    try {
      assertThat(process.waitFor(COMMAND_LIMIT.toSeconds(), TimeUnit.SECONDS))
          .as("ended in time: %s", String.join(" ", command))
          .isTrue();
    } finally {
      process.destroyForcibly();
    }
    String printed = Files.readString(output);
    assertThat(process.exitValue()).as("exit code; it printed: %s", printed).isZero();
    return printed;
  }

  private String runBlock(String text, TidingsProcess server) throws Exception {
    String block =
        text.replace("localhost:8080", "localhost:" + server.port())
            .replace("tidings-data", server.dataDir().toString());
    List<String> assigned =
        ASSIGNMENT.matcher(text).results().map(match -> match.group(1)).toList();
    String script =
        assigned.stream()
            .map(name -> "\nprintf %s \"$" + name + "\" >" + name)
            .collect(joining("", block, "\n"));
    String printed = run("sh", "-u", "-c", script);
    for (String name : assigned) {
      variables.put(name, Files.readString(folder.resolve(name)));
    }
    return printed;
  }

  /// Leaves only what does not differ from run to run.
  private static String masked(String text) {
    return text.replaceAll("msg_[0-9a-f]{32}", "msg_")
        .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "uuid")
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}", "time");
  }

  @Test
  @Timeout(180)
  void tour_printsWhatItShows() throws Exception {
    assumeTrue(isOnPath("sh") && isOnPath("curl"), "sh or curl is not on PATH");
    List<Block> blocks = Markdown.page("README.md").section("Tour").blocks();
    int compared = 0;
    int restarts = 0;
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      String printed = "";
      for (Block block : blocks) {
        switch (block.language()) {
          case "sh" -> {
            if (block.text().equals(START)) {
              int code = server.awaitExit(Await.SOON);
              assertThat(code).as("exit code of a killed server").isEqualTo(128 + 9);
              server.restart();
              restarts++;
            } else {
              printed = runBlock(block.text(), server);
            }
          }
          case "json" -> {
            assertThat(Json.parse(masked(printed))).isEqualTo(Json.parse(masked(block.text())));
            compared++;
          }
          case "text" -> {
            assertThat(printed).isEqualTo(block.text());
            compared++;
          }
          default -> throw new AssertionError("a block of an unknown kind: " + block);
        }
      }
    }
    assertThat(variables.get("TOKEN")).as("the token of the login").contains(".");
    assertThat(compared).as("answers compared").isEqualTo(7);
    assertThat(restarts).as("restarts").isEqualTo(1);
  }

  /// The command that runs JavaScript with WebSockets, if there is one.
  private Optional<List<String>> node() throws Exception {
    if (!isOnPath("node")) {
      return Optional.empty();
    }
    String probe = "process.stdout.write(typeof WebSocket)";
    for (List<String> command :
        List.of(List.of("node"), List.of("node", "--experimental-websocket"))) {
      Path output = Files.createTempFile(folder, "probe", ".txt");
      var all = Stream.concat(command.stream(), Stream.of("-e", probe)).toArray(String[]::new);
      Process process = start(output, all);
      if (process.waitFor(COMMAND_LIMIT.toSeconds(), TimeUnit.SECONDS)
          && Files.readString(output).equals("function")) {
        return Optional.of(command);
      }
      process.destroyForcibly();
    }
    return Optional.empty();
  }

  private static String content(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  @Timeout(180)
  void javaScript_receivesWhatTheShellPublishes() throws Exception {
    Optional<List<String>> node = node();
    assumeTrue(node.isPresent(), "no node with WebSocket is on PATH");
    List<Block> blocks = Markdown.page("README.md").section("Receive live").blocks();
    String script = onlyOf("js", blocks);
    String publish = onlyOf("sh", blocks);
    Path output = folder.resolve("listen.txt");
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      server.admin().publish("notifications", Map.of("text", "from before")).expect(201);
      Path file = folder.resolve("listen.mjs");
      Files.writeString(file, script.replace("localhost:8080", "localhost:" + server.port()));
      var command = new ArrayList<>(node.get());
      command.add(file.toString());
      Process listener = start(output, command.toArray(String[]::new));
      try {
        Await.until(
            "the message from before is received",
            COMMAND_LIMIT,
            () -> content(output).contains("Received: { text: 'from before' }"));
        assertThat(content(output)).contains("Subscribed to: [ 'notifications', 'alerts' ]");

        runBlock(publish.replace(PUBLISH, tidings("publish", "--url", server.url())), server);
        server.admin().publish("alerts", Map.of("text", "a new topic")).expect(201);

        Await.until(
            "both are received live",
            COMMAND_LIMIT,
            () ->
                content(output).contains("Received: { text: 'live' }")
                    && content(output).contains("Received: { text: 'a new topic' }"));
      } finally {
        listener.destroyForcibly();
      }
    }
  }

  private static String onlyOf(String language, List<Block> blocks) {
    List<String> texts =
        blocks.stream()
            .filter(block -> block.language().equals(language))
            .map(Block::text)
            .toList();
    assertThat(texts).as("blocks of the language " + language).hasSize(1);
    return texts.getFirst();
  }

  /// The launcher's command line, without the launcher: it would build.
  private static String tidings(Object... arguments) {
    List<String> words = Stream.of(arguments).map(Object::toString).toList();
    return TidingsJvm.tidings(List.of(TidingsJvm.QUICK), words).stream()
        .map(word -> "'" + word + "' ")
        .collect(joining());
  }
}
