// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.app.client.RequestException;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.store.BackupResult;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Writes a backup: by the running server, or of the store if none runs.
@Command(
    name = "backup",
    description = {
      "Write a backup of the store and print where it is; works with and without a running server,"
          + " which goes on serving.",
      "It has all messages, topics and users, and not the configuration with its secret key."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings backup /backups/2026-11-21",
      "  tidings backup /backups/2026-11-21 --data-dir /var/lib/tidings"
    })
final class BackupCommand implements Callable<Integer> {
  /// Longer than any takes; a server that ends meanwhile is noticed at once.
  private static final Duration PATIENCE = Duration.ofDays(7);

  @Spec private @Nullable CommandSpec spec;
  @Mixin private StoreOptions options = new StoreOptions();

  @Parameters(
      paramLabel = "TARGET_DIR",
      description = "Directory to make; its parent exists, itself not yet, or it is empty.")
  private Path target = Path.of("");

  @Override
  public Integer call()
      throws InvalidConfigException, CommandException, IOException, InterruptedException {
    TidingsConfig config = options.load(Configuration.Purpose.ADMINISTER).config();
    // The server has another working directory.
    Path absolute = target.toAbsolutePath().normalize();
    Optional<AdminSocket> running = AdminSocket.connect(config.store().dataDir());
    Console.of(spec)
        .line(
            running.isEmpty()
                ? offline(config, absolute)
                : byServer(running.get(), absolute).strip());
    return 0;
  }

  private static String offline(TidingsConfig config, Path target) throws CommandException {
    return switch (new OfflineAdmin().backup(config, target)) {
      case BackupResult.Written(Path directory, int files, long bytes) -> {
        Map<String, Object> written = new LinkedHashMap<>();
        written.put("target", directory.toString());
        written.put("files", files);
        written.put("bytes", bytes);
        yield new JsonMapper().writeValueAsString(written);
      }
      case BackupResult.Refused(String detail) ->
          throw new CommandException("no backup was made: " + detail);
    };
  }

  private static String byServer(AdminSocket running, Path target)
      throws CommandException, IOException, InterruptedException {
    String body = new JsonMapper().writeValueAsString(Map.of("target", target.toString()));
    try (AdminSocket server = running) {
      AdminSocket.Answer answer = server.post("/admin/backup", body, PATIENCE);
      if (answer.status() != 200) {
        throw new CommandException("no backup was made: " + answer.detail());
      }
      return answer.body();
    } catch (RequestException e) {
      throw new CommandException(target + " may not be there: " + e.getMessage(), e);
    }
  }
}
