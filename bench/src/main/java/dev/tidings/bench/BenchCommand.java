// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `tidings bench`: the load generator's command line.
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "WHAT",
    description = {
      "Measures a server over its public HTTP and WebSocket interface.",
      "Without --url it starts a server of its own in a new folder and removes it afterwards.",
      "Figures from a machine that runs the load and the server together are noisy: compare ratios of one run."
    },
    subcommands = {
      PublishScenario.class,
      BulkScenario.class,
      FanoutScenario.class,
      ConnectionsScenario.class,
      LatencyScenario.class,
      ConsumeScenario.class,
      StreamsScenario.class,
      ExchangeScenario.class,
      ScheduledScenario.class
    })
public final class BenchCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // Filled by picocli before it runs the command.
  private CommandSpec spec;

  /// Runs the generator without the rest of Tidings: such a process can measure a server named by
  /// `--url`.
  public static void main(String[] args) {
    System.exit(new CommandLine(new BenchCommand()).execute(args));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to measure.");
  }
}
