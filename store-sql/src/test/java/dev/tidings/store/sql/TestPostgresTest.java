// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The database of the tests is what they take it for.
final class TestPostgresTest {
  @TempDir private Path folder;

  @Test
  void database_withAnotherPassword_isRefused() throws Exception {
    TestPostgres.Database database = TestPostgres.newDatabase();

    assertThat(one(database, "select current_database()")).isEqualTo(database.name());
    assertThat(one(database, "show server_encoding")).isEqualTo("UTF8");
    assertThatThrownBy(
            () -> DriverManager.getConnection("jdbc:" + database.url(), database.user(), "another"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("password authentication failed");
    TestPostgres.shared().drop(database);
  }

  @Test
  void kill_afterCommit_losesNothing() throws Exception {
    try (TestPostgres server = TestPostgres.start(folder.resolve("postgres"))) {
      TestPostgres.Database database = server.createDatabase();
      try (Connection connection = database.connect();
          Statement statement = connection.createStatement()) {
        statement.execute("create table kept as select 42 as value");
        server.kill();
        assertThatThrownBy(() -> statement.execute("select 1")).isInstanceOf(SQLException.class);
      }
      server.start();

      assertThat(one(database, "select value from kept")).isEqualTo("42");
      assertThat(one(database, "show fsync")).isEqualTo("on");
    }
  }

  private static String one(TestPostgres.Database database, String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      assertThat(result.next()).isTrue();
      return result.getString(1);
    }
  }
}
