// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import dev.tidings.store.sql.TestPostgres;
import dev.tidings.store.sql.TestPostgres.Database;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// The store of the servers that tests start: the embedded one in their data directory, or with
/// `-Dtidings.test.store=postgresql` a database for each data directory.
public final class TestStore {
  /// What the property says, or `rocksdb`.
  public static final String NAME = System.getProperty("tidings.test.store", "rocksdb");

  private static final Map<Path, Database> DATABASES = new ConcurrentHashMap<>();

  private TestStore() {}

  /// The settings of a server, or of a command without one, on this data directory.
  ///
  /// One server at a time runs on it, so that the next takes the database over: after a kill it
  /// need not wait until the heartbeat of the one before is old.
  public static Map<String, String> environment(Path dataDir) {
    return switch (NAME) {
      case "rocksdb" -> Map.of();
      case "postgresql" -> {
        Database database =
            DATABASES.computeIfAbsent(dataDir.toAbsolutePath(), _ -> TestPostgres.newDatabase());
        var settings = new HashMap<>(environment(database));
        settings.put("TIDINGS_STORE_TAKE_OVER", "true");
        yield Map.copyOf(settings);
      }
      default ->
          throw new IllegalStateException(
              "tidings.test.store: " + NAME + " (expected: rocksdb or postgresql)");
    };
  }

  /// The settings of a server on this database.
  public static Map<String, String> environment(Database database) {
    return Map.of(
        "TIDINGS_STORE_TYPE", "postgresql",
        "TIDINGS_STORE_URL", database.url(),
        "TIDINGS_STORE_USER", database.user(),
        "TIDINGS_STORE_PASSWORD", database.password());
  }

  /// Removes what was made for this data directory, on which no server runs any more.
  public static void drop(Path dataDir) {
    Optional.ofNullable(DATABASES.remove(dataDir.toAbsolutePath()))
        .ifPresent(TestPostgres.shared()::drop);
  }
}
