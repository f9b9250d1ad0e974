// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/// Tells on standard error how far the measurement is: a bar on a terminal, a line for each step
/// elsewhere.
final class Progress implements AutoCloseable {
  private final PrintStream err;
  private final Optional<ProgressBar> bar;

  private Progress(PrintStream err, Optional<ProgressBar> bar) {
    this.err = err;
    this.bar = bar;
  }

  /// The time the whole measurement is expected to take is what the bar is full at.
  static Progress start(String what, Duration planned) {
    if (!isTerminal()) {
      return new Progress(System.err, Optional.empty());
    }
    return new Progress(
        System.err,
        Optional.of(
            new ProgressBarBuilder()
                .setTaskName(what)
                .setInitialMax(planned.toMillis())
                .setUpdateIntervalMillis(200)
                .setStyle(ProgressBarStyle.ASCII)
                .hideEta()
                .setUnit(" s", 1000)
                .build()));
  }

  void step(String what) {
    bar.ifPresentOrElse(it -> it.setExtraMessage(what), () -> err.println(what));
  }

  void passed(Duration time) {
    bar.ifPresent(it -> it.stepBy(time.toMillis()));
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }

  /// Whether standard error is one; the JDK can tell that only of standard input and output.
  private static boolean isTerminal() {
    Path stderr = Path.of("/proc/self/fd/2");
    try {
      if (Files.exists(stderr)) {
        String target = Files.readSymbolicLink(stderr).toString();
        return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
      }
    } catch (IOException unreadable) {
      return false;
    }
    return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  }
}
