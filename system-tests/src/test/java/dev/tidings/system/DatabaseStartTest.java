// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.store.sql.TestPostgres;
import dev.tidings.store.sql.TestPostgres.Database;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Starts on PostgreSQL that cannot be: each ends with code 1 and one line that says what was wrong
/// and what to do; no password in it.
@SystemTest
@Tag("embedded")
final class DatabaseStartTest {
  private static final Duration LIMIT = Duration.ofSeconds(40);
  private static final TestPostgres POSTGRES = TestPostgres.shared();

  /// Asserts that a server refuses to start and tells these.
  private static void expectRefusal(Database database, Map<String, String> more, String... told) {
    try (TidingsProcess server = launch(database, more)) {
      assertThat(server.awaitExit(LIMIT)).as("%s", server.errors()).isEqualTo(1);
      assertThat(server.output()).doesNotContain("tidings ready");
      assertThat(server.errors().lines().filter(line -> line.startsWith("tidings: ")))
          .as("%s", server.errors())
          .singleElement()
          .asString()
          .contains(told);
      expectNoSecret(database, server);
    }
  }

  private static void expectNoSecret(Database database, TidingsProcess server) {
    assertThat(server.errors() + server.output())
        .doesNotContain(database.password(), "wrong-password");
  }

  private static TidingsProcess launch(Database database, Map<String, String> more) {
    var environment = new HashMap<>(TestStore.environment(database));
    environment.put("TIDINGS_LOG_LEVEL", "trace"); // Whatever is told, no password is.
    environment.putAll(more);
    return TidingsProcess.launchDev(TidingsProcess.newDataDir(), environment);
  }

  private static TidingsProcess start(Database database, Map<String, String> more) {
    return TidingsProcess.started(launch(database, more));
  }

  private static void execute(Database database, String... statements) throws SQLException {
    try (Connection connection = POSTGRES.connect(database.name());
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static String one(Database database, String sql) throws SQLException {
    try (Connection connection = POSTGRES.connect(database.name());
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      return result.next() ? result.getString(1) : "no row";
    }
  }

  @Test
  void wrongPassword_isToldWithoutIt() {
    Database database = POSTGRES.createDatabase();
    expectRefusal(
        database,
        Map.of("TIDINGS_STORE_PASSWORD", "wrong-password"),
        database.user(),
        "password authentication failed");
  }

  @Test
  void noPassword_whereOneIsAsked_isTold() {
    Database database = POSTGRES.createDatabase();
    var environment = new HashMap<>(TestStore.environment(database));
    environment.remove("TIDINGS_STORE_PASSWORD");
    try (TidingsProcess server =
        TidingsProcess.launchDev(TidingsProcess.newDataDir(), environment)) {
      assertThat(server.awaitExit(LIMIT)).isEqualTo(1);
      assertThat(server.errors()).contains("password").doesNotContain("\tat ");
    }
  }

  @Test
  void noSuchDatabase_isTold() {
    Database database = POSTGRES.createDatabase();
    expectRefusal(
        database,
        Map.of("TIDINGS_STORE_URL", POSTGRES.url("no_such_database")),
        "no_such_database");
  }

  @Test
  void role_thatMayNotMakeTables_isTold() throws SQLException {
    Database database = POSTGRES.createDatabase();
    execute(
        database,
        "alter database " + database.name() + " owner to postgres",
        "alter schema public owner to postgres",
        "revoke create on schema public from public",
        "revoke all on database " + database.name() + " from public",
        "grant connect on database " + database.name() + " to " + database.user());
    expectRefusal(database, Map.of(), "permission denied", "the role of store.user has to own");
  }

  @Test
  void role_withoutRightsOnTheTables_isTold() throws SQLException {
    Database owner = POSTGRES.createDatabase();
    expectMigrated(owner);
    Database other = POSTGRES.createDatabase();
    execute(owner, "grant usage on schema public to " + other.user());
    expectRefusal(
        new Database(owner.url(), other.user(), other.password()),
        Map.of(),
        "permission denied",
        "the role of store.user has to own");
  }

  private static void expectMigrated(Database database) {
    try (TidingsProcess server = start(database, Map.of())) {
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void encoding_thatCannotHoldEverything_isTold() throws SQLException {
    Database database = POSTGRES.createDatabase("encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'");
    expectRefusal(database, Map.of(), "LATIN1", "UTF8");
    assertThat(one(database, "select count(*) from pg_tables where schemaname = 'public'"))
        .isEqualTo("0");
  }

  @Test
  @Tag("long")
  void emptyDatabase_thatMayNotBeMigrated_isTold_untilDbMigrateWasRun() throws SQLException {
    Database database = POSTGRES.createDatabase();
    Map<String, String> asIs = Map.of("TIDINGS_STORE_MIGRATE", "false");
    expectRefusal(database, asIs, "tidings db-migrate");
    assertThat(one(database, "select count(*) from pg_tables where schemaname = 'public'"))
        .isEqualTo("0");

    String[] migrate = {
      "db-migrate",
      "--store=postgresql",
      "--store-url=" + database.url(),
      "--store-user=" + database.user(),
      "--store-password=" + database.password()
    };
    assertThat(TidingsProcess.command(migrate))
        .contains("exit code 0")
        .doesNotContain(database.password());
    try (TidingsProcess server = start(database, asIs)) {
      server.admin().publishNumber("t", 1);
      // Also while a server runs.
      assertThat(TidingsProcess.command(migrate)).contains("up to date", "exit code 0");
      server.admin().publishNumber("t", 2);
    }
  }

  @Test
  void secondServer_isRefused_andToldWhoIsThere() throws SQLException {
    Database database = POSTGRES.createDatabase();
    try (TidingsProcess first = start(database, Map.of())) {
      String host = one(database, "select host from tidings_server");
      expectRefusal(database, Map.of(), host, "--take-over");

      first.admin().publishNumber("t", 1);
      assertThat(first.admin().readAll("t").numbers()).containsExactly(1);
      expectNoSecret(database, first);
    }
  }

  @Test
  @Tag("long")
  void command_thatWouldOpenTheStoreOfARunningServer_isRefused() {
    Database database = POSTGRES.createDatabase();
    Path elsewhere = TidingsProcess.newDataDir();
    try (TidingsProcess server = start(database, Map.of())) {
      String printed =
          TidingsProcess.command(
              "create-user",
              "alice",
              "--password=12345678",
              "--store=postgresql",
              "--store-url=" + database.url(),
              "--store-user=" + database.user(),
              "--store-password=" + database.password(),
              "--data-dir",
              elsewhere.toString());
      assertThat(printed)
          .contains("user alice was not created: ", "exit code 1")
          .doesNotContain(database.password());
      server.admin().publishNumber("t", 1);
    }
  }

  @Test
  void takeOver_fencesTheFirst_whichReadsOnAndWritesNoMore() {
    Database database = POSTGRES.createDatabase();
    try (TidingsProcess first = start(database, Map.of())) {
      first.admin().publishNumber("t", 1);
      try (TidingsProcess second = start(database, Map.of("TIDINGS_STORE_TAKE_OVER", "true"))) {
        second.admin().publishNumber("t", 2);

        Reply refused = first.admin().publish("t", Map.of("n", 3)).expect(503);
        assertThat(refused.header("retry-after")).isPresent();
        Await.until("it is not ready", () -> first.anonymous().get("/ready").status() == 503);
        first.admin().publish("t", Map.of("n", 4)).expect(503);
        second.admin().publishNumber("t", 5);
        assertThat(second.admin().readAll("t").numbers()).containsExactly(1, 2, 5);
        expectNoSecret(database, first);
        expectNoSecret(database, second);
      }
    }
  }

  @Test
  @Tag("long")
  void twoSchemas_ofOneDatabase_areTwoStores() throws SQLException {
    Database database = POSTGRES.createDatabase();
    execute(
        database,
        "create schema one authorization " + database.user(),
        "create schema two authorization " + database.user());
    Map<String, String> one = Map.of("TIDINGS_STORE_URL", database.url() + "?currentSchema=one");
    Map<String, String> two = Map.of("TIDINGS_STORE_URL", database.url() + "?currentSchema=two");
    try (TidingsProcess first = start(database, one);
        TidingsProcess second = start(database, two)) {
      first.admin().publishNumber("t", 1);
      second.admin().publishNumber("t", 2);
      assertThat(first.admin().readAll("t").numbers()).containsExactly(1);
      assertThat(second.admin().readAll("t").numbers()).containsExactly(2);
      assertThat(one(database, "select count(*) from pg_tables where schemaname = 'public'"))
          .isEqualTo("0");
    }
  }

  /// As `docs/operations.md` says that an older copy is put back.
  @Test
  @Tag("long")
  void olderCopy_putBack_givesNoIdTwice_andTellsAGap() throws SQLException {
    Database database = POSTGRES.createDatabase();
    List<String> kept;
    try (TidingsProcess server = start(database, Map.of())) {
      kept = server.admin().publishNumbers("t", 0, 2);
      assertThat(server.terminate()).isZero();
    }
    String name = database.name() + "_copy";
    POSTGRES.execute(
        "create database " + name + " template " + database.name() + " owner " + database.user());
    List<String> later;
    try (TidingsProcess server = start(database, Map.of())) {
      later = server.admin().publishNumbers("t", 2, 5);
    }
    Database copy = new Database(POSTGRES.url(name), database.user(), database.password());
    try (Connection connection = copy.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("select tidings_restored()");
    }
    try (TidingsProcess server = start(copy, Map.of())) {
      String id = server.admin().publishNumber("t", 9);
      assertThat(later).doesNotContain(id);
      assertThat(server.admin().readAll("t").ids()).containsExactly(kept.get(0), kept.get(1), id);
      try (RelaySocket socket = server.admin().subscribeFrom(later.getLast(), "t")) {
        socket.expect("gap");
        assertThat(socket.numbers(1)).containsExactly(9);
      }
    }
  }

  @Test
  void dataDirectory_holdsNoStore() {
    Database database = POSTGRES.createDatabase();
    try (TidingsProcess server = start(database, Map.of())) {
      server.admin().publishNumber("t", 1);
      assertThat(Files.exists(server.dataDir().resolve("store"))).isFalse();
      assertThat(server.errors()).contains("store postgresql at " + database.url());
    }
  }
}
