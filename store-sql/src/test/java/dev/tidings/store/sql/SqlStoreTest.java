// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreContract;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/// The store on a real PostgreSQL keeps what every store promises.
final class SqlStoreTest extends StoreContract {
  // Making the tables takes longer than most tests: they are made once, and emptied for each.
  private static final TestPostgres.Database DATABASE = TestPostgres.newDatabase();

  private boolean isOpened;

  @AfterAll
  static void drop() {
    TestPostgres.shared().drop(DATABASE);
  }

  @Override
  protected Store open() throws Exception {
    if (!isOpened) {
      isOpened = true;
      empty();
    }
    SqlOptions options = DATABASE.options();
    return SqlStore.open(
        new SqlOptions(
            options.url(),
            options.user(),
            options.password(),
            options.connections(),
            /* migrate= */ true,
            /* takeOver= */ true));
  }

  /// As the migrations leave it.
  private static void empty() throws SQLException {
    List<String> tables = new ArrayList<>();
    try (Connection connection = DATABASE.connect();
        Statement statement = connection.createStatement()) {
      try (ResultSet row =
          statement.executeQuery(
              "select tablename from pg_tables where tablename like 'tidings\\_%' and tablename"
                  + " not in ('tidings_slots', 'tidings_facts', 'tidings_schema_history')")) {
        while (row.next()) {
          tables.add(row.getString(1));
        }
      }
      if (!tables.isEmpty()) {
        boolean _ = statement.execute("truncate " + String.join(", ", tables));
        boolean _ = statement.execute("update tidings_slots set epoch = 0");
      }
    }
  }

  @Override
  protected Sharing sharing() {
    return Sharing.SHARED;
  }
}
