// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import dev.tidings.app.Tidings;
import dev.tidings.app.config.ConfigSources;
import dev.tidings.app.config.ConfigSources.Flag;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.store.rocksdb.SyncJournal;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/// `tidings serve` whose store writes down what reached the disk. Settings come from the
/// environment.
///
/// Arguments: the data directory and the file for the journal.
final class JournaledServer {
  private JournaledServer() {}

  public static void main(String[] args) throws Exception {
    var flags =
        Map.of(
            "server.host", new Flag("--host", "127.0.0.1"),
            "server.port", new Flag("--port", "0"),
            "store.data-dir", new Flag("--data-dir", args[0]));
    TidingsConfig config =
        Configuration.load(
                new ConfigSources(Path.of(""), Optional.empty(), System.getenv(), flags),
                Configuration.Purpose.SERVE)
            .config();
    Tidings server = Tidings.start(config, new SyncJournal(Path.of(args[1])));
    System.out.println("tidings ready on http://127.0.0.1:" + server.port());
    new CountDownLatch(1).await(); // Until it is killed.
  }
}
