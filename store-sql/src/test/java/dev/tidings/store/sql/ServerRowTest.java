// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/// One server at a time uses a database.
final class ServerRowTest {
  private static final Logger SQL_STORE = (Logger) LoggerFactory.getLogger(SqlStore.class);

  private final TestPostgres.Database database = TestPostgres.newDatabase();

  @AfterEach
  void drop() {
    TestPostgres.shared().drop(database);
  }

  private SqlStore open(boolean takeOver) throws StoreException {
    SqlOptions options = database.options();
    return SqlStore.open(
        new SqlOptions(
            options.url(),
            options.user(),
            options.password(),
            options.connections(),
            true,
            takeOver));
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      boolean _ = statement.execute(sql);
    }
  }

  private long count(String sql) throws SQLException {
    try (Connection connection = TestPostgres.shared().connect(database.name());
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      assertThat(row.next()).isTrue();
      return row.getLong(1);
    }
  }

  @Test
  void secondServer_isRefusedWhileTheFirstRuns_andNotAfterwards() throws Exception {
    try (SqlStore _ = open(false)) {
      assertThatThrownBy(() -> open(false))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("another server uses this database")
          .hasMessageContaining("process " + ProcessHandle.current().pid())
          .hasMessageContaining("--take-over");
    }
    assertThat(count("select count(*) from tidings_server")).isZero();
    open(false).close();
  }

  @Test
  void serverThatWasKilled_isWaitedFor_untilItsHeartbeatIsOld() throws Exception {
    open(false).close();
    execute(
        "insert into tidings_server (owner, host, started_at, heartbeat_at) values"
            + " (gen_random_uuid(), 'gone', now(), clock_timestamp() - interval '2 seconds')");
    long begun = System.nanoTime();
    open(false).close();
    assertThat(Duration.ofNanos(System.nanoTime() - begun))
        .isBetween(Duration.ofMillis(2500), Duration.ofSeconds(15));
  }

  @Test
  void takingOver_fencesTheFirst() throws Exception {
    // It tells the error that is meant here.
    SQL_STORE.setLevel(Level.OFF);
    try (SqlStore first = open(false)) {
      Batches before = new Batches(first);
      assertThat(before.append(2)).isEqualTo(SlotSet.NONE);
      try (SqlStore second = open(true)) {
        Batches after = new Batches(second);
        assertThat(after.read()).hasSize(2);
        assertThat(before.append(1).contains(Batches.SLOT)).isTrue();
        assertThat(after.read()).hasSize(2);
        Waiting.until("health of the first", () -> !first.health().writable());
        assertThat(first.health().detail()).contains("has taken over");
        assertThat(second.health().writable()).isTrue();
      }
      // It does not take back by itself.
      execute("select pg_sleep(1.5)");
      assertThat(first.health().writable()).isFalse();
      assertThat(before.append(1).contains(Batches.SLOT)).isTrue();
    } finally {
      SQL_STORE.setLevel(null);
    }
  }

  /// With another isolation whoever waits for the lock would not see what was done meanwhile.
  @Test
  void epochsAndNumbers_holdWhateverTheDatabasesDefaultsAre() throws Exception {
    TestPostgres.shared()
        .execute(
            "alter database "
                + database.name()
                + " set default_transaction_isolation = 'serializable'",
            "alter database " + database.name() + " set synchronous_commit = off");
    try (SqlStore first = open(false);
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      Batches batches = new Batches(first);
      other.setAutoCommit(false);
      boolean _ =
          statement.execute(
              "select pg_advisory_xact_lock(1953064036, 'tidings_slots'::regclass::oid::integer)");
      boolean _ = statement.execute("update tidings_slots set epoch = epoch + 1");
      CompletableFuture<SlotSet> refused =
          CompletableFuture.supplyAsync(() -> {
            try {
              return batches.append(1);
            } catch (StoreException e) {
              throw new IllegalStateException(e);
            }
          });
      Waiting.until(
          "a batch that waits",
          () ->
              count(
                      "select count(*) from pg_locks l join pg_database d on d.oid = l.database"
                          + " where not granted and locktype = 'advisory' and d.datname = '"
                          + database.name()
                          + "'")
                  > 0);
      other.commit();
      assertThat(refused.get(20, TimeUnit.SECONDS).contains(Batches.SLOT)).isTrue();
      assertThat(batches.read()).isEmpty();
    }
  }

  @Test
  void rowThatSomebodyDeleted_comesBack() throws Exception {
    try (SqlStore _ = open(false)) {
      execute("delete from tidings_server");
      Waiting.until("row", () -> count("select count(*) from tidings_server") == 1);
    }
  }

  @Test
  void schemaOfANewerProgram_isRefused() throws Exception {
    open(false).close();
    execute(
        "insert into tidings_schema_history (installed_rank, version, description, type, script,"
            + " installed_by, execution_time, success) values"
            + " (900, '900', 'later', 'SQL', 'V900__later.sql', 'x', 1, true)");
    assertThatThrownBy(() -> open(false))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("version 900")
        .hasMessageContaining("newer Tidings");
  }

  @Test
  void migrationsThatAreSwitchedOff_areAskedFor() throws Exception {
    SqlOptions options = database.options();
    SqlOptions without =
        new SqlOptions(options.url(), options.user(), options.password(), 5, false, false);
    assertThatThrownBy(() -> SqlStore.open(without)).hasMessageContaining("tidings db-migrate");
    assertThat(SqlStore.migrate(without)).contains("made the schema");
    assertThat(SqlStore.migrate(without)).contains("up to date");
    SqlStore.open(without).close();
  }

  @Test
  void schemaThatTheUrlNames_isMade_andFoundAgain() throws Exception {
    SqlOptions options = database.options();
    for (String schema : new String[] {"mq", "mq_2"}) {
      SqlOptions there =
          new SqlOptions(
              options.url() + "?currentSchema=" + schema,
              options.user(),
              options.password(),
              options.connections(),
              true,
              false);
      for (int start = 1; start <= 3; start++) {
        try (SqlStore store = SqlStore.open(there)) {
          Batches batches = new Batches(store);
          assertThat(batches.read()).hasSize(start == 1 ? 0 : 2);
          if (start == 1) {
            assertThat(batches.append(2)).isEqualTo(SlotSet.NONE);
          }
        }
      }
      assertThat(SqlStore.migrate(there)).contains("up to date");
    }
    assertThatThrownBy(() ->
            SqlStore.open(
                new SqlOptions(
                    options.url() + "?currentSchema=mqTest",
                    options.user(),
                    options.password(),
                    options.connections(),
                    true,
                    false)))
        .hasMessageContaining("lower case");
  }

  @Test
  void databasesThatCannotBeUsed_areRefused() {
    for (String encoding : new String[] {"SQL_ASCII", "LATIN1"}) {
      TestPostgres.Database other =
          TestPostgres.shared().createDatabase("encoding '" + encoding + "' locale 'C'");
      assertThatThrownBy(() -> SqlStore.open(other.options()))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining(encoding)
          .hasMessageContaining("expected: UTF8");
      TestPostgres.shared().drop(other);
    }
    assertThatThrownBy(() -> PostgresDialect.check(13, "UTF8", false))
        .hasMessageContaining("PostgreSQL 13 (expected: 14 or newer)");
    assertThatThrownBy(() -> PostgresDialect.check(17, "UTF8", true))
        .hasMessageContaining("standby");
  }

  @Test
  void restoredTables_letEveryLogGoOnHigher() throws Exception {
    try (SqlStore store = open(false)) {
      assertThat(new Batches(store).append(3)).isEqualTo(SlotSet.NONE);
      assertThatThrownBy(() -> execute("select tidings_restored()"))
          .hasMessageContaining("a server uses these tables");
    }
    execute("select tidings_restored()");
    try (SqlStore store = open(false)) {
      assertThat(store.extent(Batches.LOG).nextSequence()).isEqualTo(4 + LogExtent.LAPSE_STEP);
      assertThat(store.extent(Batches.LOG).messagesEver()).isEqualTo(3);
      assertThat(new Batches(store).read()).containsExactly(1L, 2L, 3L);
    }
  }
}
