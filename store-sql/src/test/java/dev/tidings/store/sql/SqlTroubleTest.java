// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.ReceiptKept;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What a database does to those who write to it.
final class SqlTroubleTest {
  private final TestPostgres.Database database = TestPostgres.newDatabase();
  private final ExecutorService others = Executors.newCachedThreadPool();
  private SqlStore store;
  private Batches batches;

  @BeforeEach
  void open() throws Exception {
    store = SqlStore.open(database.options());
    batches = new Batches(store);
  }

  @AfterEach
  void close() throws Exception {
    others.shutdownNow();
    store.close();
    TestPostgres.shared().drop(database);
  }

  private void execute(String... statements) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        boolean _ = statement.execute(sql);
      }
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

  private static List<Long> upTo(long last) {
    return LongStream.rangeClosed(1, last).boxed().toList();
  }

  /// Makes the next `times` inserts of runs fail. A sequence remembers how often, since it is not
  /// undone with the transaction.
  private void failInserts(String state, int times) throws SQLException {
    execute(
        "create sequence failures",
        """
        create function fail() returns trigger language plpgsql as $$
        begin
          if nextval('failures') <= %d then
            raise 'made up by the test' using errcode = '%s';
          end if;
          return new;
        end $$\
        """
            .formatted(times, state),
        "create trigger fail before insert on tidings_runs for each row execute function fail()");
  }

  private double conflicts() {
    return store.figures().stream()
        .filter(it -> it.name().equals("conflicts"))
        .findFirst()
        .orElseThrow()
        .value();
  }

  @Test
  void serialisationFailures_areTriedAgain() throws Exception {
    failInserts("40001", 3);
    assertThat(batches.append(1)).isEqualTo(SlotSet.NONE);
    assertThat(batches.read()).isEqualTo(upTo(1));
    assertThat(conflicts()).isEqualTo(3);
    assertThat(batches.wasCommitted()).isTrue();
  }

  @Test
  void serialisationFailures_thatDoNotEnd_areToldWithinBounds() throws Exception {
    failInserts("40001", Integer.MAX_VALUE);
    assertThatThrownBy(() -> batches.append(1))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("made up by the test")
        .hasMessageContaining("6 times");
    store.reopen();
    assertThat(batches.wasCommitted()).isFalse();
    assertThat(batches.read()).isEmpty();
    execute("drop trigger fail on tidings_runs");
    batches.forgetLast(1);
    assertThat(batches.append(2)).isEqualTo(SlotSet.NONE);
    assertThat(batches.read()).isEqualTo(upTo(2));
  }

  /// The other holds receipts and wants logs; the batch has trimmed a log and wants receipts.
  @Test
  void deadlock_isBrokenAndTheBatchWritten() throws Exception {
    Receipt receipt =
        new Receipt(
            Batches.SLOT,
            new KeyedRequest("user", "key", 0, new Fingerprint(1, 2)),
            Long.MAX_VALUE,
            Batches.LOG,
            List.of());
    assertThat(batches.append(1)).isEqualTo(SlotSet.NONE);
    try (Connection other = TestPostgres.shared().connect(database.name());
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      // Whoever looks first is the one that gives way: that is to be the batch.
      boolean _ = statement.execute("set deadlock_timeout = '1min'");
      boolean _ = statement.execute("lock table tidings_receipts in exclusive mode");
      CompletableFuture<SlotSet> batch =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return batches.commit(
                      new ReceiptKept(receipt), new LogTrimmed(Batches.SLOT, Batches.LOG, 2));
                } catch (StoreException e) {
                  throw new IllegalStateException(e);
                }
              },
              others);
      Waiting.until("the batch waits", () -> waiting() > 0);
      boolean _ = statement.execute("lock table tidings_logs in exclusive mode");
      other.commit();
      assertThat(batch.get(20, TimeUnit.SECONDS)).isEqualTo(SlotSet.NONE);
    }
    assertThat(conflicts()).isPositive();
    assertThat(store.loadReceipts()).containsExactly(receipt);
    assertThat(batches.read()).isEmpty();
  }

  private long waiting() throws SQLException {
    return count(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = '"
            + database.name()
            + "'");
  }

  @Test
  void fullDisk_isTold_andOverWhenThereIsSpace() throws Exception {
    failInserts("53100", 1);
    assertThatThrownBy(() -> batches.append(1))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("the disk of the database is full");
    StoreHealth full = store.health();
    assertThat(full.writable()).isFalse();
    assertThat(full.lowOnSpace()).isTrue();
    assertThat(full.detail()).contains("disk of the database is full");
    store.reopen();
    assertThat(batches.wasCommitted()).isFalse();
    Waiting.until("health", () -> store.health().writable());
    batches.forgetLast(1);
    assertThat(batches.append(3)).isEqualTo(SlotSet.NONE);
    assertThat(batches.read()).isEqualTo(upTo(3));
  }

  @Test
  void endedConnections_failOneBatch_andTheNextGoesOn() throws Exception {
    assertThat(batches.append(5)).isEqualTo(SlotSet.NONE);
    TestPostgres.shared()
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '"
                + database.name()
                + "'");
    int tries = 0;
    while (true) {
      try {
        assertThat(batches.append(1)).isEqualTo(SlotSet.NONE);
        break;
      } catch (StoreException e) {
        tries++;
        assertThat(tries).isLessThan(5);
        store.reopen();
        if (batches.wasCommitted()) {
          break;
        }
        batches.forgetLast(1);
      }
    }
    assertThat(batches.read()).isEqualTo(upTo(6));
  }

  @Test
  void errors_neverShowThePassword() throws Exception {
    SqlOptions wrong =
        new SqlOptions(database.url(), database.user(), "not-the-password-1", 5, true, false);
    assertThat(wrong.toString()).doesNotContain("not-the-password-1");
    assertThatThrownBy(() -> SqlStore.open(wrong))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("password authentication failed")
        .hasMessageContaining("store.password")
        .satisfies(e -> {
          for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            assertThat(cause.toString()).doesNotContain("not-the-password-1");
          }
        });
    for (String url :
        List.of(
            "postgresql://me:secret@127.0.0.1/x",
            "postgresql://127.0.0.1/x?password=secret",
            "jdbc:postgresql://127.0.0.1/x?a=b&PASSWORD=secret")) {
      assertThatThrownBy(() -> SqlStore.open(new SqlOptions(url, "me", "", 5, true, false)))
          .hasMessageContaining("store.password")
          .satisfies(e -> assertThat(e.getMessage()).doesNotContain("secret"));
    }
  }
}
