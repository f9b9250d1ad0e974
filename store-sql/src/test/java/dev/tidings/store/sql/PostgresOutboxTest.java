// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.OutboxMessage;
import dev.tidings.core.store.StoreException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.ds.PGSimpleDataSource;

/// What `tidings_publish` takes and refuses, and how it is read.
final class PostgresOutboxTest {
  private static final int MAX_BYTES = 8 << 20;
  private static final Duration LONG = Duration.ofSeconds(10);
  private static final Duration SHORT = Duration.ofMillis(200);

  private static TestPostgres.Database database;
  private Connection application;
  private PostgresOutbox outbox;

  @BeforeAll
  static void make() throws Exception {
    database = TestPostgres.newDatabase();
    String _ = SqlStore.migrate(database.options());
    try (Connection connection = database.connect()) {
      execute(
          connection,
          "insert into tidings_directory values ('topic', 'orders', 1, 1, '{}'),"
              + " ('topic', 'other', 1, 2, '{}'), ('topic', 'back\\\\slash', 1, 3, '{}')");
    }
  }

  @AfterAll
  static void drop() {
    TestPostgres.shared().drop(database);
  }

  @BeforeEach
  void open() throws Exception {
    application = database.connect();
    outbox = new PostgresOutbox(source(""));
  }

  @AfterEach
  void close() throws Exception {
    outbox.close();
    application.close();
    try (Connection connection = database.connect()) {
      execute(connection, "delete from tidings_outbox");
    }
  }

  private static PGSimpleDataSource source(String parameters) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl("jdbc:" + database.url() + parameters);
    source.setUser(database.user());
    source.setPassword(database.password());
    return source;
  }

  private void execute(String sql) throws SQLException {
    execute(application, sql);
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean _ = statement.execute(sql);
    }
  }

  private List<OutboxMessage> read() throws StoreException {
    return outbox.read(Set.of(), 1000, Long.MAX_VALUE);
  }

  private List<String> payloads() throws StoreException {
    return read().stream().map(it -> it.message().payload().text()).toList();
  }

  private static NewMessage message(String payload, String attributes, String key) {
    return new NewMessage(
        Payload.of(payload),
        Payload.of(attributes),
        Message.NEVER,
        Ordering.ofKey(key),
        NewMessage.NOW);
  }

  // ---- what is taken ----

  @Test
  void committedMessages_areThere_andOthersAreNot() throws Exception {
    application.setAutoCommit(false);
    execute("select tidings_publish('orders', '{\"n\":  1.0}')");
    assertThat(read()).isEmpty();
    application.commit();
    execute("select tidings_publish('orders', '2')");
    application.rollback();
    execute("select tidings_publish('orders', '3')");
    execute("savepoint here");
    execute("select tidings_publish('orders', '4')");
    execute("rollback to here");
    execute("select tidings_publish('orders', '5')");
    application.commit();

    assertThat(payloads()).containsExactly("{\"n\":  1.0}", "3", "5");
    assertThat(read().stream().map(OutboxMessage::id)).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void message_isKeptAsItIs() throws Exception {
    execute(
        "select tidings_publish('back\\slash', E' \\t\\r\\n{\"a\": \"\\\\u0000 \\\\ud800 ü\"}\\n',"
            + " ' {\"b\": \"c\"} ', 'a\\b')");
    execute("select tidings_publish('orders', 'null', null, null)");
    execute("select tidings_publish('orders', '1', '{}', ordering_key => 'k')");

    List<OutboxMessage> found = read();
    assertThat(found)
        .extracting(OutboxMessage::topic)
        .containsExactly("back\\slash", "orders", "orders");
    assertThat(found)
        .extracting(OutboxMessage::message)
        .containsExactly(
            message("{\"a\": \"\\u0000 \\ud800 ü\"}", "{\"b\": \"c\"}", "a\\b"),
            message("null", "", ""),
            message("1", "{}", "k"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "select tidings_publish('orders', '{\"a\": 1}', '{\"b\": \"c\"}', 'k')",
        "select tidings_publish('orders', '{\"a\": 1}'::jsonb, '{\"b\": \"c\"}', 'k')",
        "select tidings_publish('orders', '{\"a\": 1}'::jsonb, '{\"b\": \"c\"}'::jsonb, 'k')",
        "select tidings_publish('orders', '{\"a\": 1}'::json, '{\"b\": \"c\"}'::json, 'k')",
        "select tidings_publish('orders', '{\"a\": 1}'::varchar, '{\"b\": \"c\"}'::text, 'k')",
        "select tidings_publish(payload => jsonb_build_object('a', 1), topic => 'orders',"
            + " attributes => jsonb_build_object('b', 'c'), ordering_key => 'k')",
        "select tidings_publish('orders', '{\"a\": 1}', ordering_key => 'k',"
            + " attributes => '{\"b\": \"c\"}')"
      })
  void everySpelling_comesToTheSame(String sql) throws Exception {
    execute(sql);
    assertThat(read())
        .extracting(OutboxMessage::message)
        .containsExactly(message("{\"a\": 1}", "{\"b\": \"c\"}", "k"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "select tidings_publish(?, ?)",
        "select tidings_publish(?, ?::text)",
        "select tidings_publish(?, ?::jsonb)",
        "select tidings_publish(?, ?::json)"
      })
  void parametersOfAStatement_areTaken(String sql) throws Exception {
    for (String types : List.of("", "?stringtype=unspecified")) {
      try (Connection connection = source(types).getConnection();
          PreparedStatement statement = connection.prepareStatement(sql)) {
        statement.setString(1, "orders");
        statement.setString(2, "{\"a\": 1}");
        boolean _ = statement.execute();
      }
    }
    assertThat(payloads()).containsExactly("{\"a\": 1}", "{\"a\": 1}");
  }

  // ---- what is refused ----

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "null, '1'                      ; 22004 ; topic: null (expected: the name of a topic)",
        "'orders', null::text           ; 22004 ; payload: null (expected: a JSON value",
        "'nowhere', '1'                 ; 42704 ; there is no topic \"nowhere\"",
        "'$queue/q', '1'                ; 22023 ; topic \"$queue/q\" belongs to a queue",
        "'orders', ''                   ; 22P02 ; invalid input syntax for type json",
        "'orders', '{\"a\": 1'          ; 22P02 ; invalid input syntax for type json",
        "'orders', '1 2'                ; 22P02 ; invalid input syntax for type json",
        "'orders', 'NaN'                ; 22P02 ; invalid input syntax for type json",
        "'orders', '1', ''              ; 22P02 ; invalid input syntax for type json",
        "'orders', '1', '[]'            ; 22023 ; attributes: [] (expected: a JSON object whose",
        "'orders', '1', '\"a\"'         ; 22023 ; attributes: \"a\" (expected: a JSON object whose",
        "'orders', '1', '{\"a\": 1}'    ; 22023 ; attributes: {\"a\": 1} (expected: a JSON object",
        "'orders', '1', '{\"a\": null}' ; 22023 ; attributes: {\"a\": null} (expected: a JSON",
        "'orders', '1', null, ''        ; 22023 ; ordering_key: 0 bytes (expected: 1 to 256"
      })
  void badInput_isRefused_andLeavesNothing(String arguments, String state, String text)
      throws Exception {
    assertThatThrownBy(() -> execute("select tidings_publish(" + arguments + ")"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining(text)
        .extracting(it -> ((SQLException) it).getSQLState())
        .isEqualTo(state);
    assertThat(read()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1})
  void bounds_areKept(int beyond) throws Exception {
    List<String> atTheBound =
        List.of(
            "select tidings_publish('orders', '\"' || repeat('x', %d) || '\"')"
                .formatted(MAX_BYTES - 2 + beyond),
            "select tidings_publish('orders', '1', '{\"a\":\"' || repeat('x', %d) || '\"}')"
                .formatted(MAX_BYTES - 9 + beyond),
            "select tidings_publish('orders', '1', null, repeat('ü', 127) || repeat('x', %d))"
                .formatted(2 + beyond),
            "insert into tidings_outbox (topic, payload) values"
                + " ('orders', '\"' || repeat('x', %d) || '\"')".formatted(MAX_BYTES - 2 + beyond),
            "insert into tidings_outbox (topic, payload, ordering_key) values"
                + " ('orders', '1', repeat('x', %d))".formatted(256 + beyond));
    for (String sql : atTheBound) {
      if (beyond <= 0) {
        execute(sql);
      } else {
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(SQLException.class);
      }
    }
    assertThat(read()).hasSize(beyond <= 0 ? atTheBound.size() : 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(topic, payload) values ('orders', '{')",
        "(topic, payload) values ('orders', null)",
        "(topic, payload) values (null, '1')",
        "(topic, payload, metadata) values ('orders', '1', '[1]')",
        "(topic, payload, metadata) values ('orders', '1', '{\"a\": {}}')",
        "(topic, payload, ordering_key) values ('orders', '1', '')",
        "(id, topic, payload) values (1, 'orders', '1')"
      })
  void badRows_areRefusedByTheTable(String row) throws Exception {
    assertThatThrownBy(() -> execute("insert into tidings_outbox " + row))
        .isInstanceOf(SQLException.class);
    assertThat(read()).isEmpty();
  }

  // ---- rights ----

  @Test
  void rightToPublish_isGrantedByItself() throws Exception {
    String role = database.user() + "_shop";
    TestPostgres.shared().execute("create role " + role + " login password 'shop'");
    try (Connection shop = DriverManager.getConnection("jdbc:" + database.url(), role, "shop")) {
      assertDenied(shop, "select tidings_publish('orders', '1')");
      assertDenied(shop, "select tidings_publish('orders', '1'::jsonb)");
      assertDenied(shop, "select tidings_publish('orders', '1'::json)");
      for (String payload : List.of("text, text", "jsonb, jsonb", "json, json")) {
        execute(
            "grant execute on function tidings_publish(text, %s, text) to %s"
                .formatted(payload, role));
      }
      execute(shop, "select tidings_publish('orders', '1')");
      execute(shop, "select tidings_publish('orders', '2'::jsonb)");
      execute(shop, "select tidings_publish('orders', '3'::json)");
      // What it finds first is not what the function finds.
      execute(shop, "create temporary table tidings_outbox (topic text, payload text)");
      execute(shop, "create temporary table tidings_directory (kind text, key text)");
      execute(shop, "insert into pg_temp.tidings_directory values ('topic', 'mine')");
      execute(shop, "select tidings_publish('orders', '4')");
      assertThat(
              catchThrowableOfType(
                      SQLException.class,
                      () -> execute(shop, "select tidings_publish('mine', '1')"))
                  .getSQLState())
          .isEqualTo("42704");
      execute(shop, "drop table pg_temp.tidings_outbox, pg_temp.tidings_directory");

      assertDenied(shop, "select * from tidings_outbox");
      assertDenied(shop, "insert into tidings_outbox (topic, payload) values ('orders', '5')");
      execute("grant insert on tidings_outbox to " + role);
      execute(shop, "insert into tidings_outbox (topic, payload) values ('orders', '5')");
    }
    assertThat(payloads()).containsExactly("1", "2", "3", "4", "5");
    try (Connection superuser = TestPostgres.shared().connect(database.name())) {
      execute(superuser, "drop owned by " + role);
    }
    TestPostgres.shared().execute("drop role " + role);
  }

  private static void assertDenied(Connection connection, String sql) {
    assertThat(
            catchThrowableOfType(SQLException.class, () -> execute(connection, sql)).getSQLState())
        .isEqualTo("42501");
  }

  // ---- reading ----

  @Test
  void page_endsAtItsBounds() throws Exception {
    for (int i = 0; i < 6; i++) {
      execute(
          "select tidings_publish('%s', '%s', '{\"a\":\"\"}')"
              .formatted(i % 2 == 0 ? "orders" : "other", "1".repeat(92)));
    }
    assertThat(outbox.read(Set.of(), 5, 1000)).hasSize(5);
    assertThat(outbox.read(Set.of(), 6, 600)).hasSize(6);
    assertThat(outbox.read(Set.of(), 6, 301)).hasSize(4);
    assertThat(outbox.read(Set.of(), 6, 300)).hasSize(3);
    assertThat(outbox.read(Set.of(), 6, 1)).hasSize(1);
    assertThat(outbox.read(Set.of("orders"), 6, 300)).hasSize(3);
    assertThat(outbox.read(Set.of("orders"), 6, 200)).hasSize(2);
    assertThat(outbox.read(Set.of("orders", "it's \\ \" {,}"), 6, 200))
        .allSatisfy(it -> assertThat(it.topic()).isEqualTo("other"));
    assertThat(outbox.read(Set.of("orders", "other"), 6, 300)).isEmpty();
  }

  @Test
  void lostConnection_isReplaced() throws Exception {
    execute("select tidings_publish('orders', '1')");
    assertThat(payloads()).containsExactly("1");
    TestPostgres.shared()
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = '%s' and query"
                    .formatted(database.user())
                + " like '%from tidings_outbox%'");
    assertThatThrownBy(this::read)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("the outbox could not be read");
    assertThat(payloads()).containsExactly("1");
    outbox.close();
    assertThat(payloads()).containsExactly("1");
  }

  // ---- being told ----

  @Test
  void await_endsWithTheCommit() throws Exception {
    outbox.await(Duration.ofMillis(1));
    application.setAutoCommit(false);
    execute("select tidings_publish('orders', '1')");
    long startNs = System.nanoTime();
    CompletableFuture<Void> committed =
        CompletableFuture.runAsync(
            () -> {
              try {
                application.commit();
              } catch (SQLException e) {
                throw new IllegalStateException(e);
              }
            },
            CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS));
    outbox.await(LONG);
    assertThat(System.nanoTime() - startNs).isLessThan(LONG.toNanos() / 2);
    committed.join();
    assertThat(payloads()).containsExactly("1");
  }

  @Test
  void await_hearsOfItsOwnSchemaOnly() throws Exception {
    execute("create schema other");
    String _ =
        SqlStore.migrate(
            new SqlOptions(
                database.url() + "?currentSchema=other",
                database.user(),
                database.password(),
                SqlOptions.MIN_CONNECTIONS,
                true,
                false));
    execute("insert into other.tidings_directory values ('topic', 'theirs', 1, 1, '{}')");
    PostgresOutbox theirs = new PostgresOutbox(source("?currentSchema=other"));
    theirs.await(Duration.ofMillis(1));
    outbox.await(Duration.ofMillis(1));
    execute("select other.tidings_publish('theirs', '1')");

    long startNs = System.nanoTime();
    theirs.await(LONG);
    assertThat(System.nanoTime() - startNs).isLessThan(LONG.toNanos() / 2);
    startNs = System.nanoTime();
    outbox.await(SHORT);
    assertThat(System.nanoTime() - startNs).isGreaterThan(SHORT.toNanos() / 2);
    assertThat(read()).isEmpty();
    assertThat(theirs.read(Set.of(), 10, 1000)).hasSize(1);
    theirs.close();
  }

  @Test
  void transaction_tellsOnce() throws Exception {
    try (Connection listening = database.connect()) {
      execute(listening, "listen tidings_outbox");
      application.setAutoCommit(false);
      for (int i = 0; i < 1000; i++) {
        if (i % 10 == 0) {
          execute("savepoint here");
        }
        execute("select tidings_publish('orders', '1')");
      }
      application.commit();
      PGNotification[] told =
          listening.unwrap(PGConnection.class).getNotifications((int) LONG.toMillis());
      assertThat(told).hasSize(1);
      assertThat(told[0].getParameter()).isEqualTo("public");
      assertThat(listening.unwrap(PGConnection.class).getNotifications((int) SHORT.toMillis()))
          .isNullOrEmpty();
    }
    assertThat(read()).hasSize(1000);
  }
}
