// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.FileSyncListener;
import dev.tidings.store.rocksdb.OwnerLock;
import dev.tidings.store.rocksdb.RocksBackup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Makes a data directory from a backup.
@Command(
    name = "restore",
    description = {
      "Check a backup and copy it into an empty data directory; no server may run there.",
      "Message ids go on higher than before: readers are told a gap."
    },
    footerHeading = "%nExample:%n",
    footer = "  tidings restore /backups/2026-11-21 --data-dir /var/lib/tidings")
final class RestoreCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private StoreOptions options = new StoreOptions();

  @Parameters(paramLabel = "BACKUP_DIR", description = "What `tidings backup` has written.")
  private Path directory = Path.of("");

  @Override
  public Integer call() throws InvalidConfigException, CommandException, IOException {
    Console console = Console.of(spec);
    TidingsConfig config = options.load(Configuration.Purpose.ADMINISTER).config();
    switch (config.store().type()) {
      case ROCKSDB -> restore(config, console);
      case POSTGRESQL ->
          throw new CommandException(
              "store.type is postgresql: it is restored by the database's own tools (expected:"
                  + " pg_restore into an empty database, and then `select tidings_restored()`, as"
                  + " docs/operations.md shows)");
      case MEMORY ->
          throw new CommandException(
              "store.type is memory: nothing would keep what is restored (expected: --store"
                  + " rocksdb)");
    }
    return 0;
  }

  private void restore(TidingsConfig config, Console console) throws CommandException, IOException {
    Path dataDir = config.store().dataDir();
    try {
      // Before gigabytes are read, and again when nobody else can come between.
      checkFree(dataDir);
      checkVacant(dataDir);
      RocksBackup backup = VerifyBackupCommand.verified(directory);
      try (DataDirectory _ = DataDirectory.take(dataDir)) {
        checkVacant(dataDir);
        backup.restore(Stores.rocksdb(config, FileSyncListener.NONE));
      }
      console.line(VerifyBackupCommand.describe(directory, backup));
      console.note(
          "restored to %s; every topic goes on %d message numbers higher, so no id is given twice"
              .formatted(dataDir.toAbsolutePath(), LogExtent.LAPSE_STEP));
    } catch (StoreException | StartException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  /// Refuses a directory that a server or another command has open, and names its process.
  private static void checkFree(Path dataDir) throws StartException {
    if (Files.exists(dataDir.resolve(OwnerLock.FILE))) {
      DataDirectory.take(dataDir).close();
    }
  }

  /// Refuses whatever is not an empty directory, one to make, or what a restore that was cut off
  /// has left.
  private static void checkVacant(Path dataDir)
      throws CommandException, StartException, IOException {
    if (!Files.exists(dataDir)) {
      return;
    }
    if (!Files.isDirectory(dataDir)) {
      throw new CommandException(
          dataDir + " is a file (expected: a directory that is empty or does not exist)");
    }
    List<String> names;
    try (Stream<Path> files = Files.list(dataDir)) {
      names =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> !name.equals(OwnerLock.FILE))
              .filter(name ->
                  !name.equals(Stores.FOLDER)
                      || !RocksBackup.isUnfinished(dataDir.resolve(Stores.FOLDER)))
              .sorted()
              .toList();
    }
    if (names.isEmpty()) {
      return;
    }
    throw new CommandException(
        "the data directory "
            + dataDir.toAbsolutePath()
            + " is not empty: it holds "
            + String.join(", ", names)
            + " (expected: an empty directory, or one to make): move it away, or name another with"
            + " --data-dir");
  }
}
