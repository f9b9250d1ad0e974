// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.store.sql.TestPostgres;
import dev.tidings.store.sql.TestPostgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `tidings bench` on a database that somebody uses: it measures there and leaves nothing.
@SystemTest
final class DatabaseBenchTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "publish --connections=4 --topics=1",
        "bulk --connections=2 --topics=1",
        "consume --modes=consume --subscriptions=1 --messages=1000"
      })
  void bench_comparesStores_andLeavesTheDatabaseAsItWas(String what) throws Exception {
    Database database = TestPostgres.newDatabase();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("create table tidings_topics as select 'mine' as name");
      List<String> options =
          List.of(
              "--store=rocksdb,postgresql",
              "--store-url=" + database.url(),
              "--store-user=" + database.user(),
              "--store-password=" + database.password(),
              "--server-heap=256m",
              "--runs=1",
              "--duration=300ms",
              "--warmup=100ms");
      String printed =
          TidingsProcess.command(
              Stream.concat(Stream.of(("bench " + what).split(" ", -1)), options.stream())
                  .toArray(String[]::new));
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
