// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.store.sql.TestPostgres;
import dev.tidings.store.sql.TestPostgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// `tidings bench` on a database that somebody uses: it measures there and leaves nothing.
@SystemTest
@Tag("embedded")
final class DatabaseBenchTest {

  @Test
  void bench_comparesStores_andLeavesTheDatabaseAsItWas() throws Exception {
    Database database = TestPostgres.newDatabase();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("create table tidings_topics as select 'mine' as name");
      String printed =
          TidingsProcess.command(
              "bench",
              "publish",
              "--connections=4",
              "--topics=1",
              "--store=rocksdb,postgresql",
              "--store-url=" + database.url(),
              "--store-user=" + database.user(),
              "--store-password=" + database.password(),
              "--server-heap=256m",
              "--runs=1",
              "--duration=300ms",
              "--warmup=100ms");
      assertThat(printed)
          .endsWith("exit code 0")
          .containsPattern("postgresql +\\| \\S.*, share of rocksdb +\\| ratio")
          .doesNotContain(database.password());
      try (ResultSet left =
          statement.executeQuery(
              "select string_agg(schemaname || '.' || tablename, ' ') from pg_tables"
                  + " where schemaname not in ('pg_catalog', 'information_schema')")) {
        assertThat(left.next()).isTrue();
        assertThat(left.getString(1)).isEqualTo("public.tidings_topics");
      }
    } finally {
      TestPostgres.shared().drop(database);
    }
  }
}
