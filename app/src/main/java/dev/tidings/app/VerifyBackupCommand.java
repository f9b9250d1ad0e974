// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.RocksBackup;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Holds every file of a backup against its checksum.
@Command(
    name = "verify-backup",
    description = "Read a whole backup, and say what it is or which file is damaged.",
    footerHeading = "%nExample:%n",
    footer = "  tidings verify-backup /backups/2026-11-21")
final class VerifyBackupCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "BACKUP_DIR", description = "What `tidings backup` has written.")
  private Path directory = Path.of("");

  @Override
  public Integer call() throws CommandException {
    Console.of(spec).line(describe(directory, verified(directory)));
    return 0;
  }

  /// The backup in `directory`, every file of which is whole.
  static RocksBackup verified(Path directory) throws CommandException {
    try {
      RocksBackup backup = RocksBackup.open(directory);
      backup.verify();
      return backup;
    } catch (StoreException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  /// One line of JSON.
  static String describe(Path directory, RocksBackup backup) {
    Map<String, Object> about = new LinkedHashMap<>();
    about.put("backup", directory.toString());
    about.put("created", backup.created().toString());
    about.put("files", backup.files());
    about.put("bytes", backup.bytes());
    return new JsonMapper().writeValueAsString(about);
  }
}
