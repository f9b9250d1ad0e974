// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.StoreException;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.configuration.FluentConfiguration;

/// The schema of the tables: brings it up to date, and refuses one that is not ours to use.
final class Migrations {
  /// The table that tells which migrations there were.
  static final String HISTORY = "tidings_schema_history";

  private final Flyway flyway;
  private final Dialect dialect;

  /// @param schema where the tables lie; made if it is not there
  Migrations(Dialect dialect, String jdbcUrl, SqlOptions options, String schema) {
    this.dialect = dialect;
    FluentConfiguration configuration =
        Flyway.configure(Migrations.class.getClassLoader())
            .dataSource(jdbcUrl, options.user(), options.password())
            .jdbcProperties(jdbcProperties(dialect))
            .locations(dialect.migrations())
            .defaultSchema(schema)
            .createSchemas(true)
            .table(HISTORY)
            // The schema may hold tables of the application.
            .baselineOnMigrate(true)
            .baselineVersion("0")
            .cleanDisabled(true);
    this.flyway = new Flyway(configuration);
  }

  private static Map<String, String> jdbcProperties(Dialect dialect) {
    Map<String, String> properties = new HashMap<>();
    dialect.properties().forEach((key, value) -> properties.put((String) key, (String) value));
    // A migration takes as long as it takes.
    properties.put("socketTimeout", "0");
    return properties;
  }

  /// A condition.
  @FunctionalInterface
  interface Check {
    void check() throws StoreException;
  }

  /// What became of a migration.
  ///
  /// @param before the version it had; empty if there were no tables
  /// @param now the version it has
  record Outcome(Optional<String> before, String now) {}

  /// Brings the schema up to date.
  ///
  /// @param migrate if not, one that is not up to date is refused
  /// @param mayChange throws if tables that are there must not be changed now
  /// @throws StoreException it is newer than this program, or changed, or the role lacks rights
  Outcome run(boolean migrate, Check mayChange) throws StoreException {
    try {
      Optional<MigrationVersion> before = applied();
      MigrationVersion newest = newest();
      if (before.isPresent() && before.get().isNewerThan(newest)) {
        throw new StoreException(
            "the schema of the database has version "
                + before.get()
                + ", which a newer Tidings made (expected: at most "
                + newest
                + "); start that version, or a newer one");
      }
      boolean isUpToDate = before.isPresent() && before.get().equals(newest);
      if (isUpToDate) {
        flyway.validate();
      } else if (migrate) {
        if (before.isPresent()) {
          mayChange.check();
        }
        var _ = flyway.migrate();
      } else {
        throw new StoreException(
            "the schema of the database "
                + before.map(it -> "has version " + it).orElse("is not there")
                + " (expected: "
                + newest
                + "), and store.migrate is false; run `tidings db-migrate`");
      }
      return new Outcome(before.map(MigrationVersion::toString), newest.toString());
    } catch (FlywayException e) {
      throw new StoreException("the schema could not be brought up to date: " + text(e), e);
    }
  }

  /// Of what is there, but for the mark that other tables were there first.
  private Optional<MigrationVersion> applied() {
    return Optional.ofNullable(flyway.info().current())
        .map(MigrationInfo::getVersion)
        .filter(it -> it.compareTo(MigrationVersion.fromVersion("0")) > 0);
  }

  private MigrationVersion newest() {
    return Arrays.stream(flyway.info().all())
        // The mark that the schema was made has no version.
        .filter(it -> it.getState().isResolved() && it.getVersion() != null)
        .map(MigrationInfo::getVersion)
        .max(MigrationVersion::compareTo)
        .orElseThrow(() -> new IllegalStateException("no migrations are in the program"));
  }

  /// What the database has said, and what to do about it; without that, what Flyway says.
  private String text(FlywayException error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException said) {
        return "the database says: "
            + SqlStore.explain(said)
            + dialect.hint(said).map(it -> "; " + it).orElse("");
      }
    }
    return String.valueOf(error.getMessage())
        .lines()
        .filter(line -> !line.isBlank() && !line.startsWith("---"))
        .limit(6)
        .reduce((a, b) -> a + " " + b.strip())
        .orElse(error.getClass().getSimpleName());
  }
}
