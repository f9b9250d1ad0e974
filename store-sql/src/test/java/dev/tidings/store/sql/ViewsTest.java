// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.store.StoreRecord.EntryRemoved;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class ViewsTest {
  private static Filled filled;
  private static Connection connection;

  @BeforeAll
  static void fill() throws Exception {
    filled = new Filled();
    connection = filled.database.connect();
  }

  @AfterAll
  static void end() throws Exception {
    connection.close();
    filled.close();
  }

  /// Rows of a query, their columns with bars between them.
  private static List<String> rows(String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      List<String> rows = new ArrayList<>();
      while (row.next()) {
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
          columns.add(String.valueOf(row.getString(i)));
        }
        rows.add(String.join("|", columns));
      }
      return rows;
    }
  }

  @Test
  void directory_isShown() throws Exception {
    assertThat(
            rows(
                "select name, log, owner_id, is_public, description, grantees,"
                    + " extract(epoch from created_at)::numeric * 1000 = "
                    + filled.now
                    + " from tidings_topics order by log"))
        .containsExactly(
            "orders|1|ada|f|What was \"ordered\"|{u-2}|t",
            "odd\\\\\\0\\uD800ä|6|ada|f|\\u0000 and \\u0000 and \\\\uD800\\u0000|{u-2}|t");
    assertThat(
            rows(
                "select name, number, topic, log, filter, max_attempts, start"
                    + " from tidings_subscriptions order by number"))
        .containsExactly(
            "billing|3|orders|1|{\"kind\": [\"a\"]}|5|3", "jobs|5|$queue/jobs|2|null|5|1");
    assertThat(rows("select username, id, email, permissions, active from tidings_users"))
        .containsExactly("ada|u-1|ada@example.org|{admin}|t");
    assertThat(rows("select id, name, scopes, active from tidings_clients"))
        .containsExactly("c-1|cron|topics:read|t");
    assertThat(rows("select name, log from tidings_streams")).containsExactly("ticker|67108864");
    assertThat(rows("select name, number, type, owner_id from tidings_exchanges"))
        .containsExactly("shop|4|topic|ada");
    assertThat(
            rows(
                "select name, log, durable, mode, max_length, message_ttl_ms, overflow"
                    + " from tidings_queues"))
        .containsExactly("jobs|2|t|work|100|null|reject");
    assertThat(rows("select exchange, type, queue, routing_key from tidings_bindings"))
        .containsExactly("shop|topic|jobs|order.#");
  }

  @Test
  void messages_areShownOneByOne_withTheIdsTheyHaveInTheApis() throws Exception {
    List<String> ids = rows("select id from tidings_messages where topic = 'orders' order by 1");
    assertThat(ids).hasSize(12);
    assertThat(ids.getFirst())
        .isEqualTo(new MessageId(filled.now - 9999, 1, Filled.ORDERS).toUuid().toString());
    assertThat(rows("select id from tidings_messages where log = " + Filled.ODD))
        .containsExactly(new MessageId(filled.now, (1L << 48) - 1, Filled.ODD).toUuid().toString());
    assertThat(
            rows(
                "select distinct tidings_log(id) = log and tidings_sequence(id) = sequence"
                    + " from tidings_messages"))
        .containsExactly("t");
    assertThat(
            rows(
                "select sequence, payload, attributes, ordering_key, priority, run_first,"
                    + " run_last, expires_at > now(), published_at = run_until from tidings_messages"
                    + " where topic = 'orders' and sequence >= 10 order by sequence"))
        .containsExactly(
            "10|{\"status\": \"open\", \"n\": 10.0}|null|null|0|1|10|null|t",
            "11|\"\\u0000\"|{\"a\":\"b\"}|customer-1|7|11|12|t|t",
            "12|1e999999|null|null|0|11|12|null|t");
    assertThat(
            rows(
                "select sequence, payload, attributes ->> 'a' from tidings_messages_jsonb"
                    + " where topic = 'orders' and sequence >= 10 order by sequence"))
        .containsExactly(
            "10|{\"n\": 10.0, \"status\": \"open\"}|null", "11|null|b", "12|null|null");
    assertThat(rows("select topic, queue, payload from tidings_messages where queue = 'jobs'"))
        .containsExactly("$queue/jobs|jobs|[1]");
  }

  @Test
  void whatWaitsAndWhatIsDead_isShown() throws Exception {
    assertThat(
            rows(
                "select topic, id, ttl_ms, payload, due_at > now() from tidings_waiting"
                    + " where topic = 'orders'"))
        .containsExactly(
            "orders|"
                + new ScheduledId(filled.now + 3_600_000, 1, Filled.ORDERS).toUuid()
                + "|5000|{\"remind\": true}|t");
    assertThat(
            rows(
                "select subscription, topic, sequence, id, payload"
                    + " from tidings_dead_letter_messages"))
        .containsExactly(
            "billing|orders|7|"
                + new MessageId(filled.now - 9993, 7, Filled.ORDERS).toUuid()
                + "|{\"status\": \"open\"}");
  }

  @Test
  void backlog_isWhatTheLogWasGivenSince() throws Exception {
    assertThat(
            rows(
                "select subscription, topic, next_sequence, acked, expired, lost, behind"
                    + " from tidings_backlog order by number"))
        .containsExactly("billing|orders|9|4|1|0|4", "jobs|$queue/jobs|1|0|0|0|1");
  }

  @Test
  void trimmedMessagesAndRemovedLogs_areNotShown() throws Exception {
    try (Filled other = new Filled();
        Connection own = other.database.connect()) {
      Connection before = connection;
      connection = own;
      try {
        other.write(new LogTrimmed(0, Filled.ORDERS, 5));
        assertThat(
                rows(
                    "select min(sequence), count(*) from tidings_messages"
                        + " where topic = 'orders'"))
            .containsExactly("5|8");
        assertThat(
                rows(
                    "select first_retained, next_sequence, messages, messages_ever,"
                        + " bytes between 1 and bytes_ever from tidings_extents where name = 'orders'"))
            .containsExactly("5|13|8|12|t");
        other.write(new LogTrimmed(0, Filled.ORDERS, 13));
        assertThat(
                rows(
                    "select first_retained, next_sequence, messages, messages_ever, bytes"
                        + " from tidings_extents where name = 'orders'"))
            .containsExactly("13|13|0|12|0");
        assertThat(rows("select next_sequence, behind from tidings_backlog where number = 3"))
            .containsExactly("9|4");
        other.write(
            new EntryRemoved(
                new Topic(
                    Filled.ODD_NAME,
                    Filled.ODD,
                    "ada",
                    false,
                    Optional.empty(),
                    other.now,
                    Set.of())));
        assertThat(rows("select sequence from tidings_messages where log = " + Filled.ODD))
            .isEmpty();
        assertThat(rows("select name from tidings_extents where log = " + Filled.ODD)).isEmpty();
      } finally {
        connection = before;
      }
    }
  }

  @Test
  void backlogBeforeTheFirstLease_isCountedFromTheStart() throws Exception {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("delete from tidings_deliveries");
      for (String expected : List.of("1|12", "2|11", "11|2", "12|1", "13|0", "50|0")) {
        statement.execute(
            "update tidings_directory set body = (body::jsonb || '{\"start\": %s}')::json"
                    .formatted(expected.substring(0, expected.indexOf('|')))
                + " where key = 'billing'");
        assertThat(rows("select next_sequence, behind from tidings_backlog where number = 3"))
            .containsExactly(expected);
      }
      statement.execute("delete from tidings_runs where first_sequence = 1 and log = 1");
      statement.execute(
          "update tidings_directory set body = (body::jsonb || '{\"start\": 3}')::json"
              + " where key = 'billing'");
      assertThat(rows("select behind from tidings_backlog where number = 3")).containsExactly("2");
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  @Test
  void noView_hasSecrets() throws Exception {
    List<String> views =
        rows(
            "select viewname from pg_views where schemaname = 'public'"
                + " and viewname like 'tidings\\_%'");
    assertThat(views).hasSize(14);
    for (String view : views) {
      assertThat(rows("select * from " + view)).as(view).isNotEmpty();
      assertThat(rows("select v::text from " + view + " v"))
          .as(view)
          .noneMatch(it -> it.contains(Filled.SECRET));
    }
    assertThat(rows("select body from tidings_directory where kind in ('user', 'client')"))
        .hasSize(2)
        .allMatch(it -> it.contains(Filled.SECRET));
  }

  @Test
  void messagesOfAPartOfALog_areFoundByThePrimaryKey() throws Exception {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      // Small tables are read whole whatever there is.
      statement.execute("set local enable_seqscan = off");
      for (String wanted : List.of("log = 1", "topic = 'orders'")) {
        String plan =
            String.join(
                "\n",
                rows(
                    "explain select * from tidings_messages where "
                        + wanted
                        + " and sequence = 5 and run_first <= 5 and run_last >= 5"));
        assertThat(plan)
            .contains("tidings_runs_pkey")
            .containsPattern("Index Cond: .*log = .*first_sequence <= 5");
      }
      String extent =
          String.join("\n", rows("explain select * from tidings_extents where log = 1"));
      assertThat(extent).doesNotContain("Seq Scan").contains("tidings_directory_of_number");
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  @Test
  void whateverIsStored_canBeRead() throws Exception {
    assertThat(
            rows(
                "select tidings_jsonb('{\"a\": [1.10]}'), tidings_jsonb('\"\\u0000\"'),"
                    + " tidings_jsonb('\"\\ud800\"'), tidings_jsonb('1e999999'), tidings_jsonb(null),"
                    + " tidings_jsonb(repeat('[', 100000) || repeat(']', 100000)), tidings_jsonb('')"))
        .containsExactly("{\"a\": [1.10]}|null|null|null|null|null|null");
    assertThat(
            rows(
                "select tidings_time(9223372036854775807), tidings_time(null),"
                    + " tidings_time(-9223372036854775807), extract(epoch from tidings_time(1234))"))
        .containsExactly("infinity|null|-infinity|1.234000");
    for (String text : List.of("\\u0000", "\\\\\\u0000\\u0000", "\\uD800\\udfff", "ä\\\\u0000")) {
      assertThat(rows("select tidings_body('[\"" + text + "\"]') is not null"))
          .containsExactly("t");
    }
    assertThat(rows("select tidings_body('[\"\\\\u0000 \\u0000\\u0041\"]') ->> 0"))
        .containsExactly("\\u0000 \\u0000A");
  }
}
