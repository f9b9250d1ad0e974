// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Runs `tidings bench` and keeps what it printed and wrote.
abstract class BenchTest {
  final StringWriter out = new StringWriter();
  final StringWriter err = new StringWriter();

  @TempDir Path dir;

  /// Executes the command with these arguments, of which those that follow replace options of the
  /// same name: an option may be given once.
  ///
  /// @param first the subcommand, and options as `--name=value`
  final int execute(List<String> first, String... following) {
    var all = new ArrayList<>(first);
    for (String argument : following) {
      int equals = argument.indexOf('=');
      all.removeIf(given -> equals > 0 && given.startsWith(argument.substring(0, equals + 1)));
      all.add(argument);
    }
    return commandLine().execute(all.toArray(String[]::new));
  }

  final CommandLine commandLine() {
    return new CommandLine(new BenchCommand())
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true));
  }

  final String errors() {
    return err.toString();
  }

  /// The option that has the figures written to where [#json] reads them.
  final String jsonOption() {
    return "--json=" + dir.resolve("figures.json");
  }

  final JsonNode json() {
    return new JsonMapper().readTree(dir.resolve("figures.json").toFile());
  }

  static JsonNode figure(JsonNode report, String scenario, String name) {
    for (JsonNode figure : report.path("figures")) {
      if (figure.path("scenario").asString().equals(scenario)
          && figure.path("figure").asString().equals(name)) {
        return figure;
      }
    }
    throw new AssertionError(scenario + ", " + name + " is not in " + report);
  }
}
