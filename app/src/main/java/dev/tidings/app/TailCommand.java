// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.ApiClient;
import dev.tidings.app.client.RequestException;
import dev.tidings.app.client.Tail;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Prints messages as they arrive.
@Command(
    name = "tail",
    description = {
      "Follow topics and print each message as one line of JSON, until Ctrl-C.",
      "A broken connection is opened again from the last message printed."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings tail news alerts",
      "  tidings tail news --from earliest",
      "  tidings tail news --count 1 | jq .payload"
    })
final class TailCommand implements Callable<Integer> {
  private static final Duration STOP_LIMIT = Duration.ofSeconds(2);

  @Spec private @Nullable CommandSpec spec;
  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(arity = "1..*", paramLabel = "TOPIC", description = "Topics to follow.")
  private List<String> topics = List.of();

  @Option(
      names = "--from",
      defaultValue = "last",
      paramLabel = "last|earliest|ID",
      description = "Where to begin: after the id of a message, say (default: last).")
  private String from = "last";

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "End after this many messages (default: never).")
  private long count = Long.MAX_VALUE;

  @Override
  public Integer call() throws CommandException, InterruptedException {
    Console console = Console.of(spec);
    if (count < 1) {
      throw new ParameterException(
          console.command(), "--count: " + count + " (expected: at least 1)");
    }
    boolean fromId = !from.equals("last") && !from.equals("earliest");
    if (fromId && topics.size() > 1) {
      throw new ParameterException(
          console.command(),
          "--from: %s with %d topics (expected: one topic, the one the message is of)"
              .formatted(from, topics.size()));
    }
    try (ApiClient api = server.connect(console.command())) {
      Tail tail = new Tail(api, console, count);
      try (Shutdown _ = Shutdown.onSignal(STOP_LIMIT, tail::stop)) {
        tail.follow(List.copyOf(new LinkedHashSet<>(topics)), from);
      }
      return 0;
    } catch (RequestException e) {
      throw new CommandException(e.getMessage(), e);
    }
  }
}
