// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Mixin;

/// The flags of the commands that ask for a cleanup, and how they do it.
final class CleanupOptions {
  @Mixin private StoreOptions store = new StoreOptions();

  /// Has the server on the data directory do it; says so if there is none to ask.
  void run(Cleanup.What what, Console console)
      throws InvalidConfigException, CommandException, IOException, InterruptedException {
    Path dataDir = store.load(Configuration.Purpose.ADMINISTER).config().store().dataDir();
    Optional<Cleanup> running = ServerCleanup.of(dataDir);
    if (running.isEmpty()) {
      console.note(
          "no server runs on "
              + dataDir.toAbsolutePath()
              + ", so there is nothing to do: a server cleans up by itself, the next one from its"
              + " start on");
      return;
    }
    try (Cleanup server = running.get()) {
      server.now(what);
    }
  }
}
