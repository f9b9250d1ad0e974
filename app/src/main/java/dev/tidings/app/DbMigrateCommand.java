// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.app.config.TidingsConfig.StoreType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Makes sure that the store is there and has the format of this version.
@Command(
    name = "db-migrate",
    aliases = "db_migrate",
    description = {
      "Make the store if there is none, bring the tables of a database up to date, check the format,"
          + " and say on standard error what was found.",
      "A server does the same when it starts, unless store.migrate is false."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings db-migrate --data-dir /var/lib/tidings",
      "  tidings db-migrate --store postgresql --store-url postgresql://localhost/tidings"
          + " --store-user owner"
    })
final class DbMigrateCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private StoreOptions options = new StoreOptions();

  @Override
  public Integer call() throws InvalidConfigException, CommandException, IOException {
    TidingsConfig config = options.load(Configuration.Purpose.ADMINISTER).config();
    Path dataDir = config.store().dataDir();
    Console console = Console.of(spec);
    if (config.store().type() == StoreType.POSTGRESQL) {
      // Which is asked itself: a server that runs may not have been let migrate it.
      console.note(new OfflineAdmin().migrate(config));
      return 0;
    }
    Optional<AdminSocket> running = AdminSocket.connect(dataDir);
    if (running.isPresent()) {
      running.get().close();
      console.note("a server runs on " + dataDir.toAbsolutePath() + ": its store is up to date");
    } else {
      console.note(new OfflineAdmin().migrate(config));
    }
    return 0;
  }
}
