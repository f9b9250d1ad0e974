// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Spec;

/// One thing to measure: a subcommand of `tidings bench`.
///
/// A scenario opens sessions, makes loads of the parts in `load`, and adds figures to the report;
/// everything around that is here.
@Command(mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110)
abstract sealed class Scenario implements Callable<Integer>
    permits BulkScenario,
        ConnectionsScenario,
        ConsumeScenario,
        ExchangeScenario,
        FanoutScenario,
        LatencyScenario,
        PublishScenario,
        ScheduledScenario,
        StreamsScenario {
  /// How long answers and deliveries may be under way after the last request.
  static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(30);

  /// Load before a measurement that is not the first of its kind.
  static final Duration RUN_UP = Duration.ofMillis(500);

  private static final Set<String> SECRETS =
      Set.of("--password", "--token", "--client-secret", "--store-password");

  @Spec
  @SuppressWarnings("NullAway.Init") // Filled by picocli before it runs the command.
  private CommandSpec spec;

  @Mixin private CommonOptions options = new CommonOptions();

  final CommonOptions options() {
    return options;
  }

  /// Refuses options that picocli cannot know to be wrong, before anything is started.
  void check() {}

  /// Refuses a number that is not from 1 to `most`.
  static void atLeastOne(String what, int value, int most) {
    if (value < 1 || value > most) {
      throw new BenchException(what + ": " + value + " (expected: 1 to " + most + ")");
    }
  }

  /// How long measuring will take, for the progress bar.
  abstract Duration plannedTime();

  /// Measures, adding to the report.
  abstract void measure(Report report, Progress progress) throws InterruptedException;

  /// Load that is not counted, before run number `run`.
  final Duration warmupOf(int run) {
    return options.warmupOf(run);
  }

  final Duration timesRuns(Duration run) {
    return run.multipliedBy(options.runs());
  }

  @Override
  public final Integer call() throws InterruptedException {
    var machine = Machine.describe();
    try {
      options.check();
      check();
      Report report = measureOnAllStores();
      print(report, machine);
      options
          .json()
          .ifPresent(file -> ReportJson.write(file, spec.name(), machine, optionValues(), report));
      return 0;
    } catch (BenchException e) {
      spec.commandLine().getErr().println("tidings bench " + spec.name() + ": " + e.getMessage());
      return 1;
    }
  }

  private Report measureOnAllStores() throws InterruptedException {
    List<String> stores = options.stores();
    SequencedMap<String, Report> reports = new LinkedHashMap<>();
    try (Progress progress =
        Progress.start(spec.name(), plannedTime().multipliedBy(stores.size()))) {
      for (String store : stores) {
        options.use(store);
        Report report = new Report();
        measure(report, progress);
        reports.put(store, report);
      }
    }
    return StoreComparison.of(reports);
  }

  /// All options with their values, given or default, as they go into the JSON; secrets stay here.
  private Map<String, Object> optionValues() {
    Map<String, Object> values = new LinkedHashMap<>();
    for (OptionSpec option : spec.options()) {
      boolean told = !option.hidden() && !option.usageHelp() && !option.versionHelp();
      if (told && !SECRETS.contains(option.longestName())) {
        Object value =
            option.getValue() instanceof Optional<?> given ? given.orElse(null) : option.getValue();
        switch (value) {
          case null -> {}
          case Number number -> values.put(option.longestName(), number);
          case Collection<?> all ->
              values.put(option.longestName(), all.stream().map(Object::toString).toList());
          default -> values.put(option.longestName(), value.toString());
        }
      }
    }
    return values;
  }

  private void print(Report report, Machine machine) {
    var out = spec.commandLine().getOut();
    out.println("tidings bench " + spec.name() + ": " + options.describe());
    out.println(machine.line());
    out.println();
    out.print(ReportTable.render(report));
    out.flush();
  }
}
