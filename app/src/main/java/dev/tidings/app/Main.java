// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.Nearest;
import dev.tidings.bench.BenchCommand;
import dev.tidings.server.ops.Build;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/// The command `tidings`.
///
/// Exit codes: 0 done, 1 it could not be done, 2 wrong usage or configuration.
@Command(
    name = "tidings",
    description = "A message server: publish once, deliver every way people need it.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings serve --dev",
      "  tidings tail news",
      "  tidings publish news '{\"text\":\"hello\"}'",
      "",
      "`tidings COMMAND --help` tells more about a command."
    })
public final class Main implements Callable<Integer> {
  private static final int FAILED = 1;
  private static final int WRONG_USE = 2;

  @Spec private @Nullable CommandSpec spec;

  private Main() {}

  public static void main(String[] args) {
    System.exit(
        commandLine(
                config -> {
                  Tidings server = Tidings.start(config);
                  return new ServeCommand.Running(server.port(), server.tlsPort(), server::stop);
                })
            .execute(args));
  }

  static CommandLine commandLine(ServeCommand.Starter starter) {
    CommandLine tidings =
        new CommandLine(new Main())
            .addSubcommand(new ServeCommand(starter))
            .addSubcommand(new CreateUserCommand())
            .addSubcommand(new CreateClientCommand())
            .addSubcommand(new BackupCommand())
            .addSubcommand(new VerifyBackupCommand())
            .addSubcommand(new RestoreCommand())
            .addSubcommand(new DbMigrateCommand())
            .addSubcommand(new CleanupAckedMessagesCommand())
            .addSubcommand(new CleanupStuckMessagesCommand())
            .addSubcommand(new GenerateSecretKeyCommand())
            .addSubcommand(new ConfigCommand())
            .addSubcommand(new PublishCommand())
            .addSubcommand(new TailCommand())
            .addSubcommand(new BenchCommand());
    addHelp(tidings);
    return tidings
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::tellUsage)
        .setExecutionExceptionHandler(Main::tellFailure);
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        Console.of(spec).command(),
        "which command? (expected: one of those `tidings --help` lists)");
  }

  /// Gives every command `--help` and `--version`.
  private static void addHelp(CommandLine command) {
    command.getCommandSpec().mixinStandardHelpOptions(true).versionProvider(new Version());
    command.getSubcommands().values().forEach(Main::addHelp);
  }

  private static int tellUsage(ParameterException wrong, String[] args) {
    CommandLine command = wrong.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("tidings: " + wrong.getMessage());
    if (wrong instanceof UnmatchedArgumentException unmatched) {
      meant(command.getCommandSpec(), unmatched.getUnmatched().getFirst())
          .ifPresent(name -> err.println("Did you mean " + name + "?"));
    }
    err.println("Try `" + command.getCommandSpec().qualifiedName() + " --help`.");
    return WRONG_USE;
  }

  /// The command or option somebody probably meant.
  private static Optional<String> meant(CommandSpec command, String typed) {
    return typed.startsWith("-")
        ? Nearest.to(typed.replaceFirst("=.*", ""), command.optionsMap().keySet())
        : Nearest.to(typed, command.subcommands().keySet());
  }

  private static int tellFailure(
      Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    LoggerFactory.getLogger(Main.class).debug("the command failed", failure);
    PrintWriter err = command.getErr();
    return switch (failure) {
      case InvalidConfigException _ -> {
        err.println("tidings: " + failure.getMessage());
        yield WRONG_USE;
      }
      case StartException _, CommandException _ -> {
        err.println("tidings: " + failure.getMessage());
        yield FAILED;
      }
      default -> {
        // Nobody foresaw this one: the log has the stack trace.
        LoggerFactory.getLogger(Main.class).error("unexpected failure", failure);
        err.println("tidings: failed unexpectedly: " + failure);
        yield FAILED;
      }
    };
  }

  /// What was built, and what runs it.
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "tidings " + Build.version() + " (Java " + Runtime.version().feature() + ")"
      };
    }
  }
}
