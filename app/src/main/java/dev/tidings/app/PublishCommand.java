// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.ApiClient;
import dev.tidings.app.client.RequestException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Publishes one message, or one for each line of standard input.
@Command(
    name = "publish",
    description = "Publish a message and print the server's answer.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings publish news '{\"text\":\"hello\"}'",
      "  tidings publish news '{\"text\":\"hello\"}' --ttl 60 --metadata source=shell",
      "  tidings publish news - < messages.jsonl",
      "  tidings publish news '{}' --url https://tidings.example.com --user alice --password",
      "  tidings publish news '{}' --url https://localhost:8443 --ca-file cert.pem"
    })
final class PublishCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(index = "0", paramLabel = "TOPIC", description = "Topic to publish to.")
  private String topic = "";

  @Parameters(
      index = "1",
      paramLabel = "PAYLOAD",
      description = "A JSON object, or - to read one from each line of standard input.")
  private String payload = "";

  @Option(
      names = "--ttl",
      paramLabel = "SECONDS",
      description = "Drop the message when it is older than this.")
  private @Nullable Integer ttl;

  @Option(
      names = "--metadata",
      paramLabel = "KEY=VALUE",
      description = "Attribute of the message; may be repeated.")
  private Map<String, String> metadata = new LinkedHashMap<>();

  @Override
  public Integer call() throws CommandException, IOException, InterruptedException {
    Console console = Console.of(spec);
    if (ttl != null && ttl < 1) {
      throw new ParameterException(
          console.command(), "--ttl: " + ttl + " (expected: at least 1 second)");
    }
    if (!payload.equals("-") && !ApiClient.isJsonObject(payload)) {
      throw new ParameterException(
          console.command(),
          "PAYLOAD: %s (expected: a JSON object such as '{\"text\":\"hello\"}', or -)"
              .formatted(payload));
    }
    try (ApiClient api = server.connect(console.command())) {
      if (payload.equals("-")) {
        publishLines(api, console);
      } else {
        console.line(api.publish(topic, payload, Optional.ofNullable(ttl), metadata));
      }
      return 0;
    } catch (RequestException e) {
      throw new CommandException(e.getMessage(), e);
    }
  }

  private void publishLines(ApiClient api, Console console)
      throws CommandException, RequestException, IOException, InterruptedException {
    // Closing standard input is not this command's to do.
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    long number = 0;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      if (!ApiClient.isJsonObject(line)) {
        throw new CommandException(
            "line %d: %s (expected: a JSON object); the lines before it are published"
                .formatted(number, line));
      }
      if (!console.line(api.publish(topic, line, Optional.ofNullable(ttl), metadata))) {
        return;
      }
    }
  }
}
