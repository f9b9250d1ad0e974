// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.LineOutput;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// What a command writes: results on standard output, everything else on standard error.
record Console(CommandLine command) implements LineOutput {
  /// The console of the command line that runs the command.
  static Console of(@Nullable CommandSpec spec) {
    if (spec == null) {
      throw new IllegalStateException("a command runs only inside a command line");
    }
    return new Console(spec.commandLine());
  }

  @Override
  public synchronized boolean line(String text) {
    PrintWriter out = command.getOut();
    out.println(text);
    return !out.checkError(); // Also flushes.
  }

  @Override
  public synchronized void note(String text) {
    command.getErr().println("tidings: " + text);
    command.getErr().flush();
  }
}
