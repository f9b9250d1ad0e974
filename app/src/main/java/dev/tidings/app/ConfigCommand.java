// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Shows or checks the configuration a server would start with.
@Command(
    name = "config",
    description = "Show or check the configuration.",
    subcommands = {ConfigCommand.Show.class, ConfigCommand.Check.class})
final class ConfigCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(
        Console.of(spec).command(), "which? (expected: config show or config check)");
  }

  /// Prints the settings in effect.
  @Command(
      name = "show",
      description =
          "Print the settings in effect as YAML, with the source of each. Secrets are masked.",
      footerHeading = "%nExamples:%n",
      footer = {
        "  tidings config show",
        "  TIDINGS_SERVER_PORT=9000 tidings config show --config prod.yaml"
      })
  static final class Show implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;
    @Mixin private ServerConfigOptions options = new ServerConfigOptions();

    @Override
    public Integer call() throws InvalidConfigException {
      Console.of(spec)
          .line(options.load(Configuration.Purpose.ADMINISTER).toYaml().stripTrailing());
      return 0;
    }
  }

  /// Tells everything that is wrong with the settings.
  @Command(
      name = "check",
      description = "Check the settings as serve would: print ok, or everything that is wrong.",
      footerHeading = "%nExample:%n",
      footer = "  tidings config check --config prod.yaml")
  static final class Check implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;
    @Mixin private ServerConfigOptions options = new ServerConfigOptions();

    @Override
    public Integer call() throws InvalidConfigException {
      options.load(Configuration.Purpose.SERVE);
      Console.of(spec).line("ok");
      return 0;
    }
  }
}
